#!/usr/bin/env bash
# Builds and runs all tests: once as Release, once under the address and undefined-behaviour sanitizers.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/packages.sh clang cmake ninja-build libgtest-dev libbenchmark-dev nlohmann-json3-dev libutf8proc-dev libcli11-dev \
  libedit-dev libsimde-dev libclang-rt-14-dev
for preset in asan release; do
  cmake --preset "$preset"
  cmake --build "build/$preset"
  ctest --test-dir "build/$preset" --output-on-failure -j 2
done
