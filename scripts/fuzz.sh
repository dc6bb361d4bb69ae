#!/usr/bin/env bash
# Runs each fuzz target (or those named) with coverage for FUZZ_SECONDS, from synthetic files and whatever earlier runs found.
# The instrumentation needs compiler flags that the stable toolchain hides behind RUSTC_BOOTSTRAP.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v cargo-fuzz >/dev/null || cargo install --locked cargo-fuzz
cargo run -q -p eyrie-sim --example fuzz_seeds -- fuzz/seeds
cd fuzz
export RUSTC_BOOTSTRAP=1
targets=("$@")
((${#targets[@]})) || mapfile -t targets < <(cargo fuzz list)
for target in "${targets[@]}"; do
    echo "== $target"
    mkdir -p "corpus/$target"
    # leaks: a decoder's thread that ends at the moment of the check looks like one
    cargo fuzz run "$target" "corpus/$target" "seeds/$target" -- \
        -max_total_time="${FUZZ_SECONDS:-120}" -max_len=65536 -print_final_stats=1 -detect_leaks=0
done
