#include "tools/rule_index.hpp"

#include "tools/failure.hpp"

namespace daicho {

namespace {

Json describe(const RuleText& text) {
  return {{"rule", text.id},
          {"title", text.title},
          {"title_ja", text.title_ja},
          {"sources", split_words(text.sources)},
          {"parameters", split_words(text.parameters)},
          {"commands", split_words(text.commands)},
          {"events", split_words(text.events)}};
}

}  // namespace

Json rule_index(const std::optional<std::string>& id) {
  const auto rule = id ? parse_rule(*id) : std::nullopt;
  if (id && !rule) throw Failure(Exit::usage, "there is no rule `" + *id + "`; `daicho rules` lists them");
  Json described = Json::array();
  for (const RuleText& text : rules()) {
    if (!rule || text.rule == *rule) described.push_back(describe(text));
  }
  return {{"rules", std::move(described)}};
}

}  // namespace daicho
