#!/usr/bin/env bash
# Times of the main job: a first run, a run that changes nothing, a check, and the start of the program.
# usage: flights.sh [ROUNDS]
set -euo pipefail
cd "$(dirname "$0")/.."
rounds="${1:-5}"
program="${CARGO_TARGET_DIR:-$HOME/.cache/gristmill-target}/release/gristmill"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
ln -s "$PWD/sample-data" "$work/sample-data"

# Median of the wall-clock milliseconds of a command; the first argument is what is done before each round.
median() {
  local before="$1" began
  shift
  for _ in $(seq "$rounds"); do
    eval "$before"
    began="$(date +%s%N)"
    "$@" > /dev/null
    echo $((($(date +%s%N) - began) / 100000))
  done | sort -n | awk '{v[NR] = $1} END {printf "%.1f", v[int((NR + 1) / 2)] / 10}'
}

run=("$program" run pipelines/flights.yaml --dir "$work" --threads 2 --quiet)
echo "| what | milliseconds (median of $rounds) |"
echo "|---|---|"
echo "| first run | $(median "rm -rf '$work/.gristmill' '$work/out'" "${run[@]}") |"
echo "| run that changes nothing | $(median : "${run[@]}") |"
echo "| check | $(median : "$program" check pipelines/flights.yaml --dir "$work") |"
echo "| --version | $(median : "$program" --version) |"
