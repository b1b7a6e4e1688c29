#include "tools/deliver/templates.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include "commands/text.hpp"
#include "ledger/ascii.hpp"
#include "tools/deliver/texts.hpp"
#include "tools/http/message.hpp"

namespace daicho {

namespace {

constexpr Duration japan_offset = 9 * hour_us;
constexpr std::array link_variables = {"kind", "account", "token", "proof_id", "replacement_id"};

struct Variable {
  std::string_view name;
  std::string value;
};
using Variables = std::vector<Variable>;

/// What stands between text in braces and the rest; nullopt: a brace without its other, or a name that is not known.
std::optional<std::string> fill_in(std::string_view text, const Variables& variables, bool& lacks_value) {
  std::string filled;
  while (!text.empty()) {
    const std::size_t open = std::min(text.find_first_of("{}"), text.size());
    filled += text.substr(0, open);
    text.remove_prefix(open);
    if (text.empty()) break;
    const std::size_t close = text.find('}');
    if (text.front() == '}' || close == std::string_view::npos) return std::nullopt;
    const auto found = std::ranges::find(variables, text.substr(1, close - 1), &Variable::name);
    if (found == variables.end()) return std::nullopt;
    lacks_value |= found->value.empty();
    filled += found->value;
    text.remove_prefix(close + 1);
  }
  return filled;
}

Variables link_values(const MessageFacts& facts) {
  // A link without a secret leads to a page that is the same for everybody.
  const bool is_personal = !facts.token.empty();
  Variables variables;
  const std::array values = {std::string(name(facts.kind)), is_personal ? facts.account : "", facts.token,
                             is_personal ? facts.proof_id : "", is_personal ? facts.replacement_id : ""};
  for (std::size_t i = 0; i < link_variables.size(); ++i)
    variables.push_back({link_variables[i], percent_encode(values[i])});
  return variables;
}

std::string two(unsigned number) { return (number < 10 ? "0" : "") + std::to_string(number); }

/// `2026年3月1日 18:05 (日本時間)`, `1 March 2026, 09:05 UTC`; minutes are rounded down.
std::string show(std::optional<Time> time, bool is_japanese) {
  using namespace std::chrono;
  static constexpr std::array months = {"January", "February", "March",     "April",   "May",      "June",
                                        "July",    "August",   "September", "October", "November", "December"};
  if (!time) return "";
  const sys_time<minutes> at = floor<minutes>(sys_time<microseconds>(
      microseconds(is_japanese ? std::min(*time, time_max - japan_offset) + japan_offset : *time)));
  const auto day = floor<days>(at);
  const year_month_day date(day);
  const auto minute = static_cast<unsigned>((at - day).count());
  const std::string clock = two(minute / 60) + ":" + two(minute % 60);
  const std::string year = std::to_string(static_cast<int>(date.year()));
  const auto month = static_cast<unsigned>(date.month()), of_month = static_cast<unsigned>(date.day());
  if (is_japanese)
    return year + "年" + std::to_string(month) + "月" + std::to_string(of_month) + "日 " + clock + " (日本時間)";
  return std::to_string(of_month) + " " + months.at(month - 1) + " " + year + ", " + clock + " UTC";
}

/// A code as it is spoken: digit by digit.
std::string spoken(const std::string& code, bool is_japanese) {
  std::string text;
  for (const char digit : code) text += (text.empty() ? "" : is_japanese ? "、" : ", ") + std::string(1, digit);
  return text;
}

Variables values(const MessageFacts& facts, const Wording& wording, bool is_japanese) {
  const bool is_call = facts.channel == fb::Channel::voice;
  const bool has_page = !facts.token.empty() || facts.kind == fb::NotificationKind::recovery_survey;
  bool lacks_value = false;  // not every link has every variable
  std::string link = has_page && !is_call ? fill_in(wording.link, link_values(facts), lacks_value).value_or("") : "";
  return {{"provider", wording.provider},
          {"code", is_call ? spoken(facts.code, is_japanese) : facts.code},
          {"link", std::move(link)},
          {"asked", show(facts.asked_at, is_japanese)},
          {"until", show(facts.expires_at, is_japanese)},
          {"due", show(facts.reply_due_at, is_japanese)},
          {"effective", show(facts.effective_at, is_japanese)}};
}

std::string fill_lines(std::string_view text, const Variables& variables) {
  std::string filled;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    bool lacks_value = false;
    const auto line = fill_in(text.substr(0, end), variables, lacks_value);
    if (line && !lacks_value) filled += *line + "\n";
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return filled;
}

Message write(const MessageFacts& facts, const Wording& wording, bool is_japanese) {
  const Texts& texts = texts_of(facts.kind);
  const Words& words = is_japanese ? texts.japanese : texts.english;
  const Variables variables = values(facts, wording, is_japanese);
  const bool is_mail = facts.channel == fb::Channel::email;
  Message message;
  message.text = fill_lines(is_mail || !words.brief ? words.mail : words.brief, variables);
  if (!is_mail) return message;
  message.subject = fill_lines(words.subject, variables);
  message.subject.pop_back();
  message.text += "\n-- \n" + wording.provider + "\n";
  return message;
}

bool leads_a_private_way(std::string_view link) {
  const std::size_t host = link.find("://");
  if (host == std::string_view::npos) return false;
  const auto url = parse_http_url(link.substr(0, link.find_first_of("/?#", host + 3)));
  return url && is_private_way(*url);
}

}  // namespace

std::optional<std::string> check_wording(const Wording& wording) {
  const bool has_control =
      std::ranges::any_of(wording.provider, [](char c) { return (c >= 0 && c < 0x20) || c == 0x7F; });
  if (wording.provider.empty() || wording.provider.size() > provider_bytes_max || has_control ||
      !is_utf8(wording.provider))
    return "provider: a name of 1 to 60 bytes of UTF-8 without control characters is wanted";
  const std::string_view link = wording.link;
  const bool is_plain_text = std::ranges::all_of(link, [](char c) {
    return c > 0x20 && c < 0x7F && std::string_view("\"<>\\^`|").find(c) == std::string_view::npos;
  });
  if (!is_plain_text || !leads_a_private_way(link) || link.size() > link_bytes_max)
    return "link: an https:// URL of at most 500 printable ASCII characters is wanted";
  Variables variables;
  for (const char* each : link_variables) variables.push_back({each, "x"});
  bool lacks_value = false;
  if (!fill_in(link, variables, lacks_value) || link.find("{token}") == std::string_view::npos)
    return "link: {token} is wanted in it; others that are known: {kind}, {account}, {proof_id}, {replacement_id}";
  return std::nullopt;
}

Message write_message(const MessageFacts& facts, const Wording& wording) {
  if (facts.language != Language::both) return write(facts, wording, facts.language == Language::japanese);
  Message message = write(facts, wording, true);
  const Message english = write(facts, wording, false);
  if (!message.subject.empty()) message.subject += " / " + english.subject;
  message.text += "\n" + english.text;
  return message;
}

}  // namespace daicho
