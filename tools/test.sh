#!/usr/bin/env bash
# Builds and runs all tests, as Release and under the address and undefined-behaviour sanitizers; then fuzzes for a
# minute a target.
set -euo pipefail
cd "$(dirname "$0")/.."
packages=(clang cmake ninja-build libgtest-dev libbenchmark-dev nlohmann-json3-dev libutf8proc-dev libcli11-dev
  libedit-dev libboost-dev prometheus-cpp-dev libtomlplusplus-dev libcurl4-openssl-dev
  libzstd-dev libsimde-dev libclang-rt-14-dev)
command -v npm >/dev/null || packages+=(nodejs npm)
tools/packages.sh "${packages[@]}"
# Where the clients cannot be had, their tests are skipped, and fail where CI is set.
(cd tests/clients && npm ci --silent) || echo "tools/test.sh: npm ci failed; the tests of clients are skipped" >&2
for preset in asan release; do
  cmake --preset "$preset"
  cmake --build --preset "$preset"
  ctest --preset "$preset" -j 2
done
tools/fuzz.sh 60
