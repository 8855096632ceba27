#!/usr/bin/env bash
# Builds and runs all tests, as Release and under the address and undefined-behaviour sanitizers; then fuzzes for a
# minute a target.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/packages.sh clang cmake ninja-build libgtest-dev libbenchmark-dev nlohmann-json3-dev libutf8proc-dev libcli11-dev \
  libedit-dev libsimde-dev libclang-rt-14-dev
for preset in asan release; do
  cmake --preset "$preset"
  cmake --build --preset "$preset"
  ctest --preset "$preset" -j 2
done
tools/fuzz.sh 60
