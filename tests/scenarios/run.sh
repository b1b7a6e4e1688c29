#!/usr/bin/env bash
# run.sh — plays one scenario into a fresh ledger, then audits and replays it. Prints only what failed.
set -euo pipefail

(($# == 2)) || { echo "usage: run.sh <daicho> <file.ndjson>" >&2; exit 2; }
daicho=$1 file=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ledger=$work/ledger

answers_not_expected() {  # the answers of the play that differ from what their line expects
  grep '"unexpected":' "$work/play" || true
}

step() {  # step <name> <argument ...>: runs the program; on failure shows what it said
  local name=$1 code=0
  shift
  "$daicho" "$@" --data "$ledger" --format ndjson >"$work/$name" 2>"$work/errors" || code=$?
  ((code)) || return 0
  echo "$(basename "$file"): $name ended with $code" >&2
  if [[ $name == play ]]; then answers_not_expected; else cat "$work/$name"; fi >&2
  cat "$work/errors" >&2
  return 1
}

# Argon2id at its least: the scenarios are about the procedures.
step init init --clock simulated --at 2026-03-01T00:00:00Z --policy '{"argon2_memory_kib":8,"argon2_passes":1}'
step play play "$file" --service account-web
step audit audit verify
step replay replay
