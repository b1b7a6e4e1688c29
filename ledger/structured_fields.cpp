// RFC 8941 sections 4.1 (to text) and 4.2 (from text), each function one of their algorithms.
#include "ledger/structured_fields.hpp"

#include <algorithm>

#include "ledger/ascii.hpp"
#include "ledger/bytes.hpp"

namespace daicho {
namespace {

constexpr std::size_t integer_digits_max = 15;  // section 3.3.1

bool is_key(char c) { return is_lower(c) || is_digit(c) || std::string_view("_-.*").find(c) != std::string_view::npos; }
bool is_token(char c) {  // tchar of RFC 9110 section 5.6.2, and ":" and "/"
  return is_letter(c) || is_digit(c) || std::string_view("!#$%&'*+-.^_`|~:/").find(c) != std::string_view::npos;
}

/// Takes the text from its front; nullopt is the end of all.
class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  std::optional<std::vector<DictionaryMember>> dictionary() {
    std::vector<DictionaryMember> members;
    skip_spaces();
    while (!rest_.empty()) {
      auto key = this->key();
      const auto is_there = [&](const DictionaryMember& each) { return each.key == *key; };
      if (!key || members.size() == structured_members_max || std::ranges::any_of(members, is_there))
        return std::nullopt;
      auto value = member_value();
      if (!value) return std::nullopt;
      members.push_back({*std::move(key), *std::move(value)});
      skip_optional_space();
      if (rest_.empty()) return members;
      if (!take(',')) return std::nullopt;
      skip_optional_space();
      if (rest_.empty()) return std::nullopt;  // a comma behind the last one
    }
    return members;
  }

  std::optional<InnerList> inner_list() {
    if (!take('(')) return std::nullopt;
    InnerList list;
    while (true) {
      skip_spaces();
      if (take(')')) break;
      auto item = this->item();
      if (!item || list.items.size() == structured_members_max) return std::nullopt;
      list.items.push_back(*std::move(item));
      if (!rest_.starts_with(' ') && !rest_.starts_with(')')) return std::nullopt;
    }
    if (!parameters(list.parameters)) return std::nullopt;
    return list;
  }

  bool is_done() const { return rest_.empty(); }
  void skip_spaces() { rest_.remove_prefix(std::min(rest_.find_first_not_of(' '), rest_.size())); }

 private:
  using MemberValue = std::variant<StructuredItem, InnerList>;

  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void skip_optional_space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size())); }
  template <class Predicate>
  std::string_view take_while(Predicate is_wanted) {
    const auto end = std::ranges::find_if_not(rest_, is_wanted);
    const std::string_view taken = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
    rest_.remove_prefix(taken.size());
    return taken;
  }

  std::optional<std::string> key() {
    if (rest_.empty() || !(is_lower(rest_.front()) || rest_.front() == '*')) return std::nullopt;
    return std::string(take_while(is_key));
  }

  std::optional<MemberValue> member_value() {
    if (!take('=')) {
      StructuredItem flag{true, {}};
      return parameters(flag.parameters) ? std::optional<MemberValue>(std::move(flag)) : std::nullopt;
    }
    if (rest_.starts_with('(')) {
      auto list = inner_list();
      return list ? std::optional<MemberValue>(*std::move(list)) : std::nullopt;
    }
    auto item = this->item();
    return item ? std::optional<MemberValue>(*std::move(item)) : std::nullopt;
  }

  std::optional<StructuredItem> item() {
    auto value = bare_item();
    if (!value) return std::nullopt;
    StructuredItem item{*std::move(value), {}};
    return parameters(item.parameters) ? std::optional(std::move(item)) : std::nullopt;
  }

  bool parameters(std::vector<StructuredParameter>& all) {
    while (take(';')) {
      skip_spaces();
      auto key = this->key();
      const auto is_there = [&](const StructuredParameter& each) { return each.key == *key; };
      if (!key || all.size() == structured_members_max || std::ranges::any_of(all, is_there)) return false;
      std::optional<StructuredValue> value = true;
      if (take('=')) value = bare_item();
      if (!value) return false;
      all.push_back({*std::move(key), *std::move(value)});
    }
    return true;
  }

  std::optional<StructuredValue> bare_item() {
    if (rest_.empty()) return std::nullopt;
    const char first = rest_.front();
    if (first == '-' || is_digit(first)) return integer();
    if (first == '"') return string();
    if (first == ':') return byte_sequence();
    if (first == '?') return boolean();
    if (first == '*' || is_letter(first)) return StructuredToken{std::string(take_while(is_token))};
    return std::nullopt;
  }

  std::optional<StructuredValue> integer() {
    const bool is_negative = take('-');
    const std::string_view digits = take_while(is_digit);
    if (digits.empty() || digits.size() > integer_digits_max || rest_.starts_with('.')) return std::nullopt;
    std::int64_t value = 0;
    for (const char digit : digits) value = value * 10 + (digit - '0');
    return is_negative ? -value : value;
  }

  std::optional<StructuredValue> string() {
    rest_.remove_prefix(1);
    std::string text;
    while (!rest_.empty()) {
      char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') return text;
      if (c == '\\') {
        if (!rest_.starts_with('"') && !rest_.starts_with('\\')) return std::nullopt;
        c = rest_.front();
        rest_.remove_prefix(1);
      } else if (c < 0x20 || c > 0x7e) {
        return std::nullopt;
      }
      text += c;
    }
    return std::nullopt;
  }

  std::optional<StructuredValue> byte_sequence() {
    const std::size_t end = rest_.find(':', 1);
    auto bytes = end == std::string_view::npos ? std::nullopt : from_base64(rest_.substr(1, end - 1));
    if (!bytes) return std::nullopt;
    rest_.remove_prefix(end + 1);
    return StructuredBytes{*std::move(bytes)};
  }

  std::optional<StructuredValue> boolean() {
    rest_.remove_prefix(1);
    if (take('1')) return true;
    if (take('0')) return false;
    return std::nullopt;
  }

  std::string_view rest_;
};

std::string serialise(const StructuredValue& value) {
  struct Visitor {
    std::string operator()(std::int64_t number) const { return std::to_string(number); }
    std::string operator()(const std::string& text) const {
      std::string quoted = "\"";
      for (const char c : text) {
        if (c == '"' || c == '\\') quoted += '\\';
        quoted += c;
      }
      return quoted + '"';
    }
    std::string operator()(const StructuredToken& token) const { return token.text; }
    std::string operator()(const StructuredBytes& sequence) const {
      return ':' + to_base64(as_bytes(sequence.bytes)) + ':';
    }
    std::string operator()(bool flag) const { return flag ? "?1" : "?0"; }
  };
  return std::visit(Visitor{}, value);
}

std::string serialise(const std::vector<StructuredParameter>& parameters) {
  std::string text;
  for (const auto& [key, value] : parameters) {
    text += ';' + key;
    if (value != StructuredValue(true)) text += '=' + serialise(value);
  }
  return text;
}

}  // namespace

std::optional<std::vector<DictionaryMember>> parse_dictionary(std::string_view text) {
  if (text.size() > structured_bytes_max) return std::nullopt;
  while (text.ends_with(' ')) text.remove_suffix(1);
  return Parser(text).dictionary();
}

std::optional<InnerList> parse_inner_list(std::string_view text) {
  if (text.size() > structured_bytes_max) return std::nullopt;
  Parser parser(text);
  auto list = parser.inner_list();
  return parser.is_done() ? list : std::nullopt;
}

std::string serialise(const InnerList& list) {
  std::string text;
  for (const auto& [value, parameters] : list.items)
    text += (text.empty() ? "" : " ") + serialise(value) + serialise(parameters);
  return '(' + text + ')' + serialise(list.parameters);
}

}  // namespace daicho
