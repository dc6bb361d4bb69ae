#!/usr/bin/env bash
# Runs each fuzz target with coverage for FUZZ_SECONDS. The instrumentation needs compiler flags that the stable
# toolchain hides behind RUSTC_BOOTSTRAP.
set -euo pipefail
cd "$(dirname "$0")/../fuzz"
command -v cargo-fuzz >/dev/null || cargo install --locked cargo-fuzz
export RUSTC_BOOTSTRAP=1
# leaks: a decoder's thread that ends at the moment of the check looks like one
for target in $(cargo fuzz list); do
    echo "== $target"
    cargo fuzz run "$target" -- -max_total_time="${FUZZ_SECONDS:-120}" -max_len=65536 -print_final_stats=1 -detect_leaks=0
done
