// tools/answers.hpp — a command given as JSON, and what it came to: as JSON, and as the program's end (docs/decisions,
// 0009). Any thread.
#pragma once

#include "tools/ledger_files.hpp"

namespace daicho {

struct Defaults;  // tools/routes.hpp

/// The account may be named by its sign-in name. Failure(usage) when there is no such command, or a member is wrong.
Result<Answer, Fault> execute_json(WritableLedger& ledger, const std::string& name, const Json& body,
                                   const Defaults& defaults);

/// Its body; `replayed` when it is a first answer given again.
Json shown(const Answer& answer);
/// A fault as the catalogue shows it, the kind by its name, and how the program ends on it.
Json fault_json(const Fault& fault);
std::optional<FaultKind> parse_fault(std::string_view name);
Exit exit_of(FaultKind fault);
Exit exit_of_refusal(const Json& refusal);

Failure failure_of(const Fault& fault);
/// For who can do nothing about a no: a fault, or a refusal, is a Failure.
Answer accepted_or_fail(Result<Answer, Fault> answer);

}  // namespace daicho
