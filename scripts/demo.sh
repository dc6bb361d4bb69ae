#!/usr/bin/env bash
# The main job with embedded defaults: a server, three simulated docks, a flight each, and the library's table.
# DEMO_FILES=DIR  flies the files below DIR instead of made ones.
# DEMO_EXIT=1     downloads every file again, compares it byte for byte, stops the server and exits 0 only if all is well.
# DEMO_DATA=DIR   keeps the data there (default: a new temporary directory).
# DEMO_HTTP, DEMO_MQTT, DEMO_S3   addresses (default: the product's own; DEMO_EXIT=1 takes free ports).
set -euo pipefail
cd "$(dirname "$0")/.."
exec python3 scripts/demo.py
