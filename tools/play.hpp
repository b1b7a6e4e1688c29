// tools/play.hpp — plays a file of NDJSON lines into a ledger: commands, leases, ticks and queries, in order, each at
// its instant on a simulated clock, checked against what the line expects.
//
// A line is one object with exactly one of
// - "command": NAME, with the command's fields, and account, service, idempotency_key, expected_version, source
// - "lease": {}, `outbox lease`, optionally with service, account, count_max, seconds, holder
// - "tick": true, what is due
// - "query": NAME, with account, as_of, due_before, from, limit, type, investigator, since, until, seq, rule
// and optionally
//   "at": TIME        moves a simulated clock on
//   "expect": {…}     members the answer must have; "*" stands for anything. Without it the answer must be no refusal.
//   "save": {"name": "/json/pointer"}   keeps a part of the answer; `${name}` in later lines stands for it
//   "cites": "001 A-5"                  the source's step
#pragma once

#include "tools/ledger_files.hpp"
#include "tools/output.hpp"

namespace daicho {

struct PlaySummary {
  std::uint64_t lines = 0, refused = 0, unexpected = 0;
};
/// Prints each answer as it comes. A line that does not parse ends the play with Failure(usage) naming it; what was
/// played before it stays.
PlaySummary play(WritableLedger& ledger, std::istream& lines, Format format, const std::string& default_service,
                 const std::string& language);

/// Whether `answer` has all that `expected` asks for.
bool matches(const Json& answer, const Json& expected);

}  // namespace daicho
