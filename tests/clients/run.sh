#!/usr/bin/env bash
# Runs a test file with node: run.sh NODE FILE, or a program that needs no npm packages: run.sh --without-packages NODE
# FILE ARGUMENT... Exits with 77, "skipped", where node or the packages are absent.
set -euo pipefail
packages=node_modules how=--test
if [ "$1" = --without-packages ]; then
  packages=. how=
  shift
fi
node=$1
shift
cd "$(dirname "$0")"
absent=
[ -x "$node" ] || absent="node is absent"
[ -n "$absent" ] || [ "$("$node" -p 'process.versions.node.split(".")[0]')" -ge 20 ] || absent="node is older than 20"
[ -d "$packages" ] || absent="${absent:-the npm packages are absent; run npm ci in tests/clients}"
if [ -n "$absent" ]; then
  echo "$absent"
  [ -z "${CI:-}" ] || exit 1
  exit 77
fi
exec "$node" $how "$@"
