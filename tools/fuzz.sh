#!/usr/bin/env bash
# Builds the preset fuzz (clang, ASan, UBSan) and runs every fuzz target for a while, one after another, at low priority.
#
#   tools/fuzz.sh [SECONDS-PER-TARGET [TARGET...]]    default: 60 s, all of tests/fuzz
#
# Corpora grow in build/fuzz-corpus/TARGET. What crashes a target is kept in build/fuzz-findings, and the status is 1.
set -uo pipefail
# shellcheck source=tools/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

seconds=${1:-60}
[[ $seconds =~ ^[1-9][0-9]*$ ]] || {
    say "usage: tools/fuzz.sh [SECONDS-PER-TARGET [TARGET...]]"
    exit 64
}
shift || true
install_packages "${build_packages[@]}" "${check_packages[@]}"
say "building the preset fuzz"
build_preset fuzz || exit 70

programs=("$root"/build/fuzz/tests/fuzz/fuzz_*)
[ $# -eq 0 ] || programs=("${@/#/$root/build/fuzz/tests/fuzz/fuzz_}")
findings=$root/build/fuzz-findings
mkdir -p "$findings"
passed=0 failed=0
for program in "${programs[@]}"; do
    name=${program##*/fuzz_}
    corpus=$root/build/fuzz-corpus/$name
    mkdir -p "$corpus"
    if nice "$program" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -artifact_prefix="$findings/$name-" \
        -print_final_stats=1 "$corpus" >"$findings/$name.log" 2>&1; then
        passed=$((passed + 1))
        say "ok      $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$findings/$name.log") inputs"
    else
        failed=$((failed + 1))
        say "FAILED  $name: see $findings/$name.log"
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
