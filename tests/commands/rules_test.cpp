#include "commands/rules.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>

#include "projections/policy.hpp"
#include "tools/failure.hpp"
#include "tools/query/rule_index.hpp"
#include "tools/routes.hpp"

using namespace daicho;

namespace {

std::set<std::string> policy_names() {
  std::set<std::string> names{recovery_weights_name};
  for (const PolicyNumber& entry : policy_numbers()) names.insert(entry.name);
  for (const PolicyText& entry : policy_texts()) names.insert(entry.name);
  for (const PolicyList& entry : policy_lists()) names.insert(entry.name);
  for (const PolicyFlag& entry : policy_flags()) names.insert(entry.name);
  return names;
}

std::set<std::string> event_names() {
  std::set<std::string> names;
  for (int i = static_cast<int>(fb::Payload::NONE) + 1; i <= static_cast<int>(fb::Payload::MAX); ++i)
    names.insert(fb::EnumNamesPayload()[i]);
  return names;
}

std::set<std::string> route_names() {
  std::set<std::string> names;
  for (const Route& route : routes()) names.insert(route.name);
  return names;
}

/// Each word of one member is among `known`, once a rule, with one space between words.
void check_words(const char* RuleText::*member, const std::set<std::string>& known) {
  for (const RuleText& rule : rules()) {
    CAPTURE(rule.id);
    std::set<std::string> seen;
    std::string joined;
    for (const std::string_view word : split_words(rule.*member)) {
      CAPTURE(word);
      CHECK(known.contains(std::string(word)));
      CHECK(seen.insert(std::string(word)).second);
      joined += (joined.empty() ? "" : " ") + std::string(word);
    }
    CHECK(joined == rule.*member);
  }
}

std::set<std::string> words_of_all(const char* RuleText::*member) {
  std::set<std::string> all;
  for (const RuleText& rule : rules()) {
    for (const std::string_view word : split_words(rule.*member)) all.insert(std::string(word));
  }
  return all;
}

/// Hiragana, katakana or kanji: U+3041 to U+30FF, U+4E00 to U+9FFF, as UTF-8.
bool has_japanese(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  for (std::size_t i = 0; i + 2 < text.size(); ++i) {
    const unsigned code = (byte(i) & 0x0FU) << 12U | (byte(i + 1) & 0x3FU) << 6U | (byte(i + 2) & 0x3FU);
    const bool is_kana = code >= 0x3041 && code <= 0x30FF, is_kanji = code >= 0x4E00 && code <= 0x9FFF;
    if (byte(i) >> 4U == 0xE && (is_kana || is_kanji)) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("the table holds the whole rulebook in its order, each rule once") {
  constexpr std::size_t per_section[] = {0, 0, 7, 10, 9, 4, 7, 11, 3, 3, 1, 6};
  std::size_t i = 0;
  for (std::size_t section = 0; section < std::size(per_section); ++section) {
    for (std::size_t number = 1; number <= per_section[section]; ++number, ++i) {
      REQUIRE(i < rules().size());
      CAPTURE(rules()[i].id);
      CHECK(static_cast<std::size_t>(rules()[i].rule) == section * 100 + number);
      CHECK(std::string(rules()[i].id).ends_with("-" + std::to_string(number)));
      CHECK(parse_rule(rules()[i].id) == rules()[i].rule);
    }
  }
  CHECK(i == rules().size());
}

TEST_CASE("every rule has words of its own in English and in Japanese, one sentence without a stop") {
  std::set<std::string> titles;
  for (const RuleText& rule : rules()) {
    const std::string english = rule.title, japanese = rule.title_ja;
    CAPTURE(rule.id);
    REQUIRE(!english.empty());
    REQUIRE(!japanese.empty());
    CHECK(!has_japanese(english));
    CHECK(has_japanese(japanese));
    CHECK(!english.ends_with("."));
    CHECK(japanese.find("。") == std::string::npos);
    CHECK(titles.insert(english).second);
    CHECK(titles.insert(japanese).second);
  }
}

TEST_CASE("what the table names exists: documents, policy parameters, commands, events") {
  check_words(&RuleText::sources, {"000", "001", "002", "003", "004"});
  check_words(&RuleText::parameters, policy_names());
  check_words(&RuleText::commands, route_names());
  check_words(&RuleText::events, event_names());
}

TEST_CASE("every policy parameter and every command belongs to a rule") {
  CHECK(words_of_all(&RuleText::parameters) == policy_names());
  CHECK(words_of_all(&RuleText::commands) == route_names());
}

TEST_CASE("every event but the ledger's first comes of a rule") {
  std::set<std::string> expected = event_names();
  expected.erase("LedgerCreated");
  CHECK(words_of_all(&RuleText::events) == expected);
}

TEST_CASE("words are split at single spaces") {
  CHECK(split_words("").empty());
  CHECK(split_words("one") == std::vector<std::string_view>{"one"});
  CHECK(split_words("one two") == std::vector<std::string_view>{"one", "two"});
}

TEST_CASE("the index gives all rules or one, lists as lists, and refuses what is no rule") {
  const Json all = rule_index(std::nullopt);
  REQUIRE(all["rules"].size() == rules().size());
  const RuleText& text = rules().front();
  const Json one = rule_index(text.id);
  REQUIRE(one["rules"].size() == 1);
  CHECK(one["rules"][0] == all["rules"][0]);
  CHECK(one["rules"][0]["rule"] == text.id);
  CHECK(one["rules"][0]["title"] == text.title);
  CHECK(one["rules"][0]["title_ja"] == text.title_ja);
  for (const Json& rule : all["rules"]) {
    for (const char* list : {"sources", "parameters", "commands", "events"}) CHECK(rule[list].is_array());
  }
  for (const std::string wrong : {"", "R-", "r-acc-1", "R-ACC-0", "R-ACC-01"}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(rule_index(wrong), const Failure&);
  }
}
