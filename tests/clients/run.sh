#!/usr/bin/env bash
# Runs a test file with node: run.sh NODE FILE. Exits with 77, "skipped", where node or the packages are absent.
set -euo pipefail
node=$1 file=$2
cd "$(dirname "$0")"
absent=
[ -x "$node" ] || absent="node is absent"
[ -n "$absent" ] || [ "$("$node" -p 'process.versions.node.split(".")[0]')" -ge 20 ] || absent="node is older than 20"
[ -d node_modules ] || absent="${absent:-the npm packages are absent; run npm ci in tests/clients}"
if [ -n "$absent" ]; then
  echo "$absent"
  [ -z "${CI:-}" ] || exit 1
  exit 77
fi
exec "$node" --test "$file"
