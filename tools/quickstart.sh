#!/usr/bin/env bash
# Builds the program and lets the built-in model complete some Python.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/packages.sh clang cmake ninja-build libutf8proc-dev nlohmann-json3-dev libcli11-dev libedit-dev \
  libboost-dev prometheus-cpp-dev libtomlplusplus-dev libcurl4-openssl-dev libzstd-dev libsqlite3-dev libssl-dev libre2-dev \
  glslc libvulkan-dev
cmake --preset release -DHEARTH_TESTS=OFF -DCMAKE_UNITY_BUILD=ON
cmake --build --preset release --target hearth_program
echo
echo '$ build/release/hearth run -p "def read_lines(path):" -n 64 --temp 0'
build/release/hearth run -p "def read_lines(path):" -n 64 --temp 0
echo
echo "The built-in model is a toy that shows that everything works. With a GGUF model of your own, or one by name:"
echo "  build/release/hearth run MODEL.gguf                 # talk"
echo "  build/release/hearth run MODEL.gguf -p \"PROMPT\"     # answer once"
echo "  build/release/hearth run qwen2.5-coder:0.5b        # fetch one by name, then talk"
echo "  build/release/hearth serve MODEL.gguf               # answer at http://127.0.0.1:11435/v1 as OpenAI's API does"
