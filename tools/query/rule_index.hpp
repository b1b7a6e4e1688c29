// tools/query/rule_index.hpp — the rules as JSON: words in two languages, source documents, parameters, commands,
// events.
#pragma once

#include <optional>

#include "commands/decision.hpp"
#include "commands/rules.hpp"

namespace daicho {

/// `{"rules": [{rule, title, title_ja, sources, parameters, commands, events}, …]}` in the rulebook's order: all of
/// them, or the one with this id. Failure(usage) when no rule has it.
Json rule_index(const std::optional<std::string>& id);

/// `ja`, `ja-JP`, `ja_JP.UTF-8`: Japanese; anything else is English.
const char* title_in(const std::string& language, const RuleText& text);
/// A refusal's title in this language; other answers stay as they are.
void translate(Json& answer, const std::string& language);

}  // namespace daicho
