#!/usr/bin/env bash
# Builds formats, kernels and backends for 64-bit ARM and runs their tests under qemu-user.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/packages.sh clang lld cmake ninja-build libgtest-dev nlohmann-json3-dev g++-aarch64-linux-gnu qemu-user
cmake --preset arm64 -DCMAKE_UNITY_BUILD=ON
cmake --build --preset arm64 --target tests_of_conformance format_test
ctest --preset arm64 -L conformance -j "$(nproc)"
# Tests of single formats would start the emulation hundreds of times.
qemu-aarch64 -L /usr/aarch64-linux-gnu build/arm64/tests/quant/format_test --gtest_brief=1
