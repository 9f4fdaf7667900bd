#!/usr/bin/env bash
# Called by conda-build in a copy of the source.
set -euo pipefail
cargo install --path . --locked --no-track --root "$PREFIX" --no-default-features --features hdf5-static
"$PREFIX/bin/heorot" man "$PREFIX/share/man/man1"
mkdir -p "$PREFIX/share/bash-completion/completions"
"$PREFIX/bin/heorot" completions bash >"$PREFIX/share/bash-completion/completions/heorot"
