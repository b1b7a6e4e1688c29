// commands/rules.hpp — the rulebook's ids as they are enforced here. The stored number of a rule is its section in the
// rulebook times 100 plus its own number (R-LOST-4: section 6, 604). Do not change these values: they are in events.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace daicho {

enum class Rule : std::uint16_t {
  acc_1 = 201,
  acc_2 = 202,
  acc_3 = 203,
  acc_4 = 204,
  acc_5 = 205,
  acc_6 = 206,
  acc_7 = 207,
  prf_1 = 301,
  prf_2 = 302,
  prf_3 = 303,
  prf_4 = 304,
  prf_5 = 305,
  prf_6 = 306,
  prf_7 = 307,
  prf_8 = 308,
  prf_9 = 309,
  prf_10 = 310,
  chl_1 = 401,
  chl_2 = 402,
  chl_3 = 403,
  chl_4 = 404,
  chl_5 = 405,
  chl_6 = 406,
  chl_7 = 407,
  chl_8 = 408,
  chl_9 = 409,
  pwd_1 = 501,
  pwd_2 = 502,
  pwd_3 = 503,
  pwd_4 = 504,
  lost_1 = 601,
  lost_2 = 602,
  lost_3 = 603,
  lost_4 = 604,
  lost_5 = 605,
  lost_6 = 606,
  lost_7 = 607,
  rec_1 = 701,
  rec_2 = 702,
  rec_3 = 703,
  rec_4 = 704,
  rec_5 = 705,
  rec_6 = 706,
  rec_7 = 707,
  rec_8 = 708,
  rec_9 = 709,
  rec_10 = 710,
  rec_11 = 711,
  blk_1 = 801,
  blk_2 = 802,
  blk_3 = 803,
  life_1 = 901,
  life_2 = 902,
  life_3 = 903,
  hlp_1 = 1001,
  led_1 = 1101,
  led_2 = 1102,
  led_3 = 1103,
  led_4 = 1104,
  led_5 = 1105,
  led_6 = 1106,
};

struct RuleText {
  Rule rule;
  const char* id;          ///< "R-LOST-4"
  const char* title;       ///< what a refusal by it says first
  const char* title_ja;    ///< the same in Japanese
  const char* sources;     ///< the documents it comes from, by number: "001 002"; empty: ours
  const char* parameters;  ///< names of the policy parameters it reads, one space between
  const char* commands;    ///< names of the commands it decides, likewise
  const char* events;      ///< types of the events that come of it, likewise
};
std::span<const RuleText> rules();  ///< in the rulebook's order
const RuleText& text_of(Rule rule);
std::optional<Rule> parse_rule(std::string_view id);
std::optional<Rule> rule_of(std::uint16_t number);

/// The words of a member that names several: "001 002" gives two.
std::vector<std::string_view> split_words(std::string_view words);

}  // namespace daicho
