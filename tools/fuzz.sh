#!/usr/bin/env bash
# Fuzzes: tools/fuzz.sh SECONDS [TARGET[:SECONDS]...], all targets by default, as many at once as there are processors;
# exits 1 on a finding. --merge keeps new inputs.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  echo "usage: tools/fuzz.sh SECONDS [TARGET[:SECONDS]...] | --merge [TARGET...]" >&2
  exit 2
}
[ $# -ge 1 ] || usage
mode=$1
shift
[[ $mode == --merge || $mode =~ ^[1-9][0-9]*$ ]] || usage

jobs=("$@")  # each TARGET or TARGET:SECONDS
if [ ${#jobs[@]} -eq 0 ]; then
  mapfile -t jobs < <(sed -n 's/^hearth_fuzz(\([a-z_0-9]*\) .*/\1/p' tests/fuzz/CMakeLists.txt)
fi
targets=("${jobs[@]%%:*}")
for job in "${jobs[@]}"; do
  [[ $job != *:* || ${job#*:} =~ ^[1-9][0-9]*$ ]] || usage
done
for target in "${targets[@]}"; do
  [ -f "tests/fuzz/${target}_fuzz.cpp" ] || { echo "tools/fuzz.sh: no target named $target" >&2; exit 2; }
done

cmake --preset asan
cmake --build --preset asan --target "${targets[@]/%/_fuzz}"
found=build/fuzz  # what fuzzing finds, beside the build

merge() {
  mkdir -p "$found/corpus/$1"
  "build/asan/tests/fuzz/$1_fuzz" -merge=1 "tests/fuzz/corpus/$1" "$found/corpus/$1"
}

# Runs job $1, for $2 seconds unless it says how long; the log is shown in whole only where something was found.
fuzz() {
  local seconds=$2
  [[ $1 != *:* ]] || seconds=${1#*:}
  set -- "${1%%:*}"
  local dictionary=() log=$found/$1.log
  mkdir -p "$found/corpus/$1" "$found/findings"
  [ -f "tests/fuzz/$1.dict" ] && dictionary=("-dict=tests/fuzz/$1.dict")
  if "build/asan/tests/fuzz/$1_fuzz" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=8192 \
    -print_final_stats=1 "${dictionary[@]}" -artifact_prefix="$found/findings/$1-" "$found/corpus/$1" \
    "tests/fuzz/corpus/$1" >"$log" 2>&1; then
    echo "$1: nothing found, $(sed -n 's/.*number_of_executed_units: *//p' "$log") runs"
  else
    tail -n 60 "$log"
    echo "$1: A FINDING, see $log and $found/findings"
    return 1
  fi
}
export -f fuzz
export found

if [ "$mode" = --merge ]; then
  for target in "${targets[@]}"; do merge "$target"; done
else
  printf '%s\n' "${jobs[@]}" | xargs -P "$(nproc)" -I NAME bash -c 'fuzz NAME '"$mode"
fi
