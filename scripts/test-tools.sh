#!/usr/bin/env bash
# Installs the foreign clients that judge Eyrie in its tests: Debian packages and a Python environment in target/venv.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(chromium mosquitto mosquitto-clients libimage-exiftool-perl rclone s3cmd awscli openssl rtklib ffmpeg unzip 7zip libarchive-tools)
missing=()
for package in "${packages[@]}"; do
    dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package")
done
if ((${#missing[@]})); then
    sudo=()
    [ "$(id -u)" = 0 ] || sudo=(sudo)
    "${sudo[@]}" apt-get update -q
    DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -q -y --no-install-recommends "${missing[@]}"
    # the tests start brokers of their own; Debian's would take port 1883
    if [[ " ${missing[*]} " == *" mosquitto "* ]] && command -v systemctl >/dev/null; then
        "${sudo[@]}" systemctl disable --now mosquitto >/dev/null 2>&1 || true
    fi
fi

stamp=target/venv/requirements.sha256
wanted=$(sha256sum tests/py/requirements.txt)
if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
    python3 -m venv target/venv
    target/venv/bin/python -m pip install -q --disable-pip-version-check -r tests/py/requirements.txt
    echo "$wanted" >"$stamp"
fi

# the OpenID Connect provider that the login tests walk through
if command -v npm >/dev/null; then
    stamp=target/oidc/lock.sha256
    wanted=$(sha256sum tests/oidc/package-lock.json)
    if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
        mkdir -p target/oidc
        cp tests/oidc/package.json tests/oidc/package-lock.json target/oidc/
        (cd target/oidc && npm ci --no-audit --no-fund --loglevel=error)
        echo "$wanted" >"$stamp"
    fi
fi
