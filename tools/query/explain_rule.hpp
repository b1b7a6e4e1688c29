// tools/query/explain_rule.hpp — what a rule says to an account at an instant: the events it rests on, when a limit
// that is used up has room again; and the words that explain.cpp shares with it.
#pragma once

#include "tools/query/queries.hpp"

namespace daicho {

/// `options.rule` has been checked.
Json explain_rule(const LedgerView& ledger, const QueryOptions& options);

Json rule_json(const RuleText& text, const Policy& policy, const std::string& language);
Json event_json(const Event& event, const char* why);
/// Something that would change the answer, and when it comes by itself.
Json change(std::string what, const std::optional<Time>& at = std::nullopt);

}  // namespace daicho
