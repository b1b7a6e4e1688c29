#include "commands/rules.hpp"

#include <algorithm>
#include <cassert>

namespace daicho {

const RuleText& text_of(Rule rule) {
  const auto found = std::ranges::find(rules(), rule, &RuleText::rule);
  assert(found != rules().end());
  return *found;
}

std::optional<Rule> parse_rule(std::string_view id) {
  const auto found = std::ranges::find_if(rules(), [&](const RuleText& text) { return id == text.id; });
  return found == rules().end() ? std::nullopt : std::optional(found->rule);
}

std::optional<Rule> rule_of(std::uint16_t number) {
  const auto found = std::ranges::find(rules(), static_cast<Rule>(number), &RuleText::rule);
  return found == rules().end() ? std::nullopt : std::optional(found->rule);
}

std::vector<std::string_view> split_words(std::string_view words) {
  std::vector<std::string_view> split;
  while (!words.empty()) {
    const std::size_t end = std::min(words.find(' '), words.size());
    split.push_back(words.substr(0, end));
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return split;
}

}  // namespace daicho
