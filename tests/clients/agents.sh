#!/usr/bin/env bash
# Lets coding agents (Claude Code, Codex, opencode, Continue) edit a file with the help of a live server, each as its
# users run it: tests/clients/agents.sh [BUILD]. The packages, 1.2 GB, are installed by npm from the lock file; no
# telemetry, no updates, and all requests of the agents go to this machine. Not part of tools/test.sh, where what the
# agents sent is replayed instead (tests/clients/agents/recorded); RECORD=$PWD/tests/clients/agents/recorded writes it
# anew.
set -euo pipefail
cd "$(dirname "$0")"
build=$(realpath "${1:-../../build/release}")
# Not npm ci, which refuses a lock file without the packages of other systems, and not every registry has those.
(cd agents && npm install --no-save --no-audit --no-fund)
cmake --build "$build" --target hearth_program make_scripted_model
HEARTH_PROGRAM=$build/hearth HEARTH_MAKE_SCRIPTED_MODEL=$build/tests/tools/serve/make_scripted_model \
  exec node --test --test-concurrency=1 agents/agents.test.mjs
