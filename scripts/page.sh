#!/usr/bin/env bash
# Builds the page into web/dist/page, from where the next build of the server embeds it. Does nothing when nothing changed;
# without npm it says so and leaves the server to explain at / where its page is missing.
set -euo pipefail
cd "$(dirname "$0")/../web"

if ! command -v npm >/dev/null; then
    echo "no npm here: the server is built without its page (Debian: apt-get install npm)" >&2
    exit 0
fi

wanted=$(sha256sum package-lock.json)
if [ "$(cat node_modules/.lock.sha256 2>/dev/null)" != "$wanted" ]; then
    npm ci --no-audit --no-fund --loglevel=error
    echo "$wanted" >node_modules/.lock.sha256
fi

wanted=$(find . ../openapi.json \( -path ./node_modules -o -path ./dist -o -name schema.d.ts \) -prune -o -type f -print0 |
    sort -z | xargs -0 sha256sum | sha256sum)
if [ "$(cat dist/built.sha256 2>/dev/null)" != "$wanted" ]; then
    npm run -s build
    echo "$wanted" >dist/built.sha256
fi
