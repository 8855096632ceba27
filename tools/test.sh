#!/usr/bin/env bash
# Builds and runs all tests: what compares numbers as Release, all else and the kernels of this machine under the address
# and undefined-behaviour sanitizers.
set -euo pipefail
cd "$(dirname "$0")/.."
packages=(clang lld cmake ninja-build libgtest-dev libbenchmark-dev nlohmann-json3-dev libutf8proc-dev libcli11-dev
  libedit-dev libboost-dev libboost-context-dev prometheus-cpp-dev libtomlplusplus-dev libcurl4-openssl-dev
  libzstd-dev libsqlite3-dev libssl-dev libre2-dev libsimde-dev libclang-rt-14-dev strace chromium
  glslc libvulkan-dev mesa-vulkan-drivers vulkan-validationlayers spirv-tools)
command -v npm >/dev/null || packages+=(nodejs npm)
tools/packages.sh "${packages[@]}"
# Where the clients cannot be had, their tests are skipped, and fail where CI is set.
(cd tests/clients && npm ci --silent) || echo "tools/test.sh: npm ci failed; the tests of clients are skipped" >&2
jobs=$(($(nproc) + 1))  # some tests wait
run() {  # PRESET LABEL...
  local preset=$1 labels
  shift
  labels=$(IFS='|'; echo "$*")
  cmake --preset "$preset" -DCMAKE_UNITY_BUILD=ON
  cmake --build --preset "$preset" --target "${@/#/tests_of_}"
  ctest --preset "$preset" -L "^($labels)\$" -j "$jobs"
}
run asan unit model clients package
cmake --build --preset asan --target cpu_conformance_test
ctest --preset asan -R '^Kernels/(Cpu|Conformance)\..*/(avx|neon)' -j "$jobs"
run release conformance architecture
cmake --build --preset release --target hearth_bench_kernels  # that they still build
