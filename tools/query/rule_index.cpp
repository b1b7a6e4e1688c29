#include "tools/query/rule_index.hpp"

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

const char* title_in(const std::string& language, const RuleText& text) {
  const bool is_japanese = language == "ja" || language.starts_with("ja_") || language.starts_with("ja-");
  return is_japanese ? text.title_ja : text.title;
}

void translate(Json& answer, const std::string& language) {
  if (!answer.contains("rule") || !answer.contains("title")) return;
  if (const auto rule = parse_rule(answer["rule"].get<std::string>()))
    answer["title"] = title_in(language, text_of(*rule));
}

}  // namespace daicho
