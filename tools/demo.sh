#!/usr/bin/env bash
# demo.sh — the program at work: the procedures of the source documents played into one ledger, an investigator's
# questions, an audit, and what the audit says when one bit is changed. Ends with 0 only when all of it went as said.
set -euo pipefail

(($# == 1 || $# == 2)) || { echo "usage: demo.sh <daicho> [directory to leave the ledgers in]" >&2; exit 2; }
daicho=$(realpath "$1")
scenarios=$(cd "$(dirname "${BASH_SOURCE[0]}")/../tests/scenarios" && pwd -P)
if (($# == 2)); then
  mkdir -p "$2"
  work=$(realpath "$2")
else
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
fi
ledger=$work/ledger copy=$work/copy
started=$EPOCHREALTIME

# A simulated clock never goes back: the scenarios stand in the order of the months they begin in. Each has months and
# accounts of its own, and leaves no window open behind it. ./dev test plays the others.
order=(
  "reset_by_email|2026-03|001 A   a forgotten password, a code by e-mail"
  "reset_by_voice|2026-04|001 B   a code by a call to the landline"
  "reset_by_sms|2026-05|001 C   a code by text message"
  "no_usable_proof|2026-06|001 補足 no proof can be used: the recovery form"
  "verify_this_pc|2026-07|003     verify your identity on this PC"
  "unblock_by_code|2026-08|002     a blocked account, unblocked by a code"
  "recovery_twice_a_day|2026-09|000     the recovery form, twice a day"
  "proofs_replaced_by_phone|2026-10|004     proofs lost, a new phone, 30 days"
  "proofs_replaced_by_email|2026-12|004     proofs lost, a new e-mail address, 30 days"
  "replacement_cancelled|2027-02|004     この要求を取り消す: cancel this request"
  "replacement_disputed|2027-06|004     お知らせください: I did not ask for this"
  "replacement_with_recovery_code|2027-08|004     回復用コードを使用: effective at once"
)

apart=recovery_verified  # it stands in a month of others: a ledger of its own
cheap='"argon2_memory_kib":8,"argon2_passes":1'  # the demo is about the procedures

fail() { echo "demo: $*" >&2; exit 1; }
heading() { printf '\n== %s\n' "$1"; }
say() { printf '%s\n\n' "$1"; }
seconds() { awk -v a="$started" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }'; }

init() { "$daicho" init --data "$1" --clock simulated --at 2026-03-01T00:00:00Z --policy "{$cheap$2}" >/dev/null; }

play() {  # play <ledger> <name> <month> <what it is about>
  local name=$2 lines refused
  if ! "$daicho" play "$scenarios/$name.ndjson" --data "$1" --service account-web --format ndjson \
    >"$work/$name.ndjson"; then
    grep '"unexpected":' "$work/$name.ndjson" >&2 || true
    fail "$name did not go as its document says"
  fi
  lines=$(wc -l <"$work/$name.ndjson")
  refused=$(grep -c '"rule":"R-' "$work/$name.ndjson" || true)
  printf '  %s  %-31s %3d lines, %2d refused  %s\n' "$3" "$name" "$lines" "$refused" "$4"
}

play_all() {
  local entry name month what
  for entry in "${order[@]}"; do
    IFS='|' read -r name month what <<<"$entry"
    "$daicho" tick --data "$ledger" --at "$month-01T00:00:00Z" >/dev/null  # what earlier accounts left to be done
    play "$ledger" "$name" "$month" "$what"
  done
  init "$work/$apart" ""
  play "$work/$apart" "$apart" 2026-10 "002     the recovery form: verified, a link, a reset"
}

columns() {  # columns <name ...>: of the CSV on standard input, aligned
  python3 -c '
import csv, sys
names = sys.argv[1:]
rows = [names] + [[row[name] for name in names] for row in csv.DictReader(sys.stdin)]
widths = [max(len(row[i]) for row in rows) for i in range(len(names))]
for row in rows:
    print("    " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
' "$@"
}

# ask <query> <account> <as of, or nothing> <column ...>: shows the question and those columns of the answer; of a
# timeline not the deliveries, and from where only the network.
ask() {
  local query=$1 account=$2 as_of=$3
  shift 3
  local question=(query "$query" --account "$account")
  [[ -z $as_of ]] || question+=(--as-of "$as_of")
  echo "  \$ daicho ${question[*]}"
  "$daicho" "${question[@]}" --data "$ledger" --format csv |
    sed -e 's/\.000000Z/Z/g' -e 's/,entry=cli\( network=[^ ]*\)\?[^,]*,/,\1,/' -e '/,record-delivery,/d' | columns "$@"
}

ask_limits() {  # ask_limits <account> <as of>
  echo "  \$ daicho query limits --account $1 --as-of $2"
  "$daicho" query limits --account "$1" --as-of "$2" --data "$ledger" --format table |
    grep -E '^(day|recovery) ' | sed -e 's/^/    /' -e 's/\.000000Z/Z/'
}

explain() {  # explain <ledger> <type>: its newest event of that type
  local seq
  seq=$("$daicho" query events --data "$1" --type "$2" --format csv | columns seq | tail -n 1)
  echo "  \$ daicho query explain --seq ${seq// /}"
  "$daicho" query explain --seq "${seq// /}" --data "$1" --format json | python3 -c '
import json, sys
told = json.load(sys.stdin)
print("    " + told["what"] + ", policy version", told["policy_version"])
payload = told["payload"]
for field in payload["fields"]:
    if field["result"] != "blank":
        print("      {field:19} {result:12} {points:>3}".format(**field))
print("      {:32} {:>3}".format("familiar device and place", payload["familiar_points"]))
print("    rules    " + "  ".join(rule["rule"] for rule in told["rules"]))
for event in told["rests_on"]:
    print("    rests on event {seq}, {time}: {what}".format(**event).replace(".000000Z", "Z"))
'
}

audit() {  # audit <ledger> <lines of the report to show, as a pattern>; ends as the program did
  local code=0
  "$daicho" audit verify --data "$1" --format table >"$work/audit" || code=$?
  grep -E "^($2) " "$work/audit" | sed 's/^/    /'
  return "$code"
}

# show_damage <report>: what `audit verify --report` tells of a violated log
show_damage() {
  python3 - "$1" <<'PYTHON'
import json, sys
damage = json.load(open(sys.argv[1]))["damage"]
for each in damage:
    print(f"    {each['class']}: {each['thing']} {each['first']} to {each['last']}; accounts: {len(each['accounts'])}")
sys.exit(0 if damage else 1)
PYTHON
}

# flip_one_bit <ledger> <command id>: in the newest table or log file that holds an event of that command
flip_one_bit() {
  python3 - "$1" "$2" <<'PYTHON'
import pathlib, sys
ledger, command = pathlib.Path(sys.argv[1]), sys.argv[2].encode()
wanted = len(command).to_bytes(4, "little") + command  # as a FlatBuffers string: only events hold it so
files = [file for kind in ("*.sst", "*.log") for file in (ledger / "store").glob(kind)]
for file in sorted(files, key=lambda file: file.stat().st_mtime_ns, reverse=True):
    content = bytearray(file.read_bytes())
    at = content.find(wanted)
    if at < 0:
        continue
    at += len(wanted) - 1
    content[at] ^= 1
    file.write_bytes(content)
    print(f"    bit 0 of byte {at:,} of {len(content):,} in store/{file.name}")
    sys.exit(0)
sys.exit("no file of the store holds the event")
PYTHON
}

heading "The documents' procedures, played"
say "People use their accounts through eighteen simulated months, and every answer is compared with the one that the
documents call for. A refusal is an answer, too: a wrong code, a password too short, a third recovery form."
kept='"mailbox_inactive_days":3650,"account_inactive_days":3650,"removed_proof_retention_days":3650'
init "$ledger" ",$kept"  # accounts of earlier months stay as they were
play_all

heading "Which proofs were in force, and when?"
say "Nanako had lost her proofs and gave a new phone on 5 October; it counts 30 days later, to the microsecond, although
the scheduler came days late: before, just before the end, at the end. (Some columns are left out, here and below.)"
proof_columns=(kind masked status in_force since)
ask proofs nanako@outlook.com 2026-10-05T09:00:00Z "${proof_columns[@]}"
ask proofs nanako@outlook.com 2026-11-04T10:09:30.123455Z "${proof_columns[@]}"
ask proofs nanako@outlook.com 2026-11-04T10:09:30.123456Z "${proof_columns[@]}"

heading "What was pending?"
say "The window itself, half way through it."
ask windows nanako@outlook.com 2026-10-20T09:00:00Z state opened_at confirmed_at effective_at seconds_left

heading "How often may the recovery form be sent?"
say "Rokuro sent it twice on 2 September; a third was refused until midnight in Tokyo, 15:00 UTC, when he tried again."
ask_limits rokuro@outlook.com 2026-09-02T14:59:59.999999Z
ask_limits rokuro@outlook.com 2026-09-02T15:00:00Z

heading "What happened to this account?"
say "A stranger tried to take over Kumiko's account; she answered the notice with 'I did not ask for this'. (Deliveries
are left out.)"
ask timeline kumiko@outlook.com "" seq caused_by time what from

heading "Why was this recovery verified?"
say "Hanako was blocked and sent the form, from her own device; every answer is compared with what was ever true, a
wrong one costs nothing, and no value is in the log. (Fields left blank are left out.)"
explain "$work/$apart" RecoveryVerified

heading "Is the ledger what was signed?"
say "The audit reads every stored byte again: signatures, links, tree, checkpoints, projections against their replay."
echo "  \$ daicho audit verify"
audit "$ledger" 'result|events|signatures|checkpoints|accounts|sealed_opened|projections' || fail "the audit failed"

heading "And if one bit of it is changed?"
say "In a copy of the ledger: one bit of the event that confirmed Nanako's new phone. The position named is that of the
first event the store cannot give back intact."
cp -a "$ledger" "$copy"
confirmed=$("$daicho" query events --data "$ledger" --account nanako@outlook.com --type ReplacementConfirmed \
  --format csv | columns seq command_id | tail -n 1)
read -r seq command_id <<<"$confirmed"
echo "    event $seq"
flip_one_bit "$copy" "$command_id"
echo "  \$ daicho audit verify   (the copy)"
code=0
audit "$copy" 'result|finding' || code=$?
echo "    ended with exit code $code"
((code == 3)) || fail "the audit of the changed copy ended with $code, not 3"
grep -q '^finding .*position=[0-9]' "$work/audit" || fail "the audit names no position"
say "All that happened to the log, measured by the roots that were signed; the ledger itself serves as the copy."
echo "  \$ daicho audit verify --copy ledger --report report.json   (the copy)"
"$daicho" audit verify --data "$copy" --copy "$ledger" --report "$work/report.json" >"$work/audit" || true
show_damage "$work/report.json" || fail "the report tells no damage"
echo "  \$ daicho audit verify   (the ledger itself)"
audit "$ledger" 'result' || fail "the untouched ledger does not verify"

printf '\nShown: %d procedures, 5 questions, an audit, and one changed bit found, in %s s.\n' \
  $((${#order[@]} + 1)) "$(seconds)"
(($# < 2)) || echo "The ledger is in $ledger, the changed copy in $copy."
