#include "tools/service/target.hpp"

#include "commands/text.hpp"

namespace daicho {

namespace {

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

/// In parameters `+` is a space, as forms write it.
std::optional<std::string> decode(std::string_view text, bool is_parameter) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const auto high = i + 2 < text.size() ? hex_digit(text[i + 1]) : std::nullopt;
      const auto low = i + 2 < text.size() ? hex_digit(text[i + 2]) : std::nullopt;
      if (!high || !low) return std::nullopt;
      c = static_cast<char>(*high << 4 | *low);
      i += 2;
    } else if (c == '+' && is_parameter) {
      c = ' ';
    }
    if (c == '\0') return std::nullopt;
    decoded.push_back(c);
  }
  return is_utf8(decoded) ? std::optional(decoded) : std::nullopt;
}

template <class Take>
bool split(std::string_view text, char separator, const Take& take) {
  for (;;) {
    const std::size_t end = text.find(separator);
    if (!take(text.substr(0, end))) return false;
    if (end == std::string_view::npos) return true;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

std::optional<HttpTarget> parse_target(std::string_view target) {
  if (!target.starts_with('/')) return std::nullopt;
  HttpTarget parsed;
  const std::size_t question = target.find('?');
  const bool is_path = split(target.substr(1, question - 1), '/', [&](std::string_view segment) {
    auto decoded = decode(segment, false);
    if (!decoded || decoded->empty() || *decoded == "." || *decoded == "..") return false;
    parsed.path.push_back(*std::move(decoded));
    return true;
  });
  if (!is_path) return std::nullopt;
  if (question == std::string_view::npos || question + 1 == target.size()) return parsed;
  const bool is_query = split(target.substr(question + 1), '&', [&](std::string_view pair) {
    const std::size_t equals = pair.find('=');
    auto name = decode(pair.substr(0, equals), true);
    auto value =
        equals == std::string_view::npos ? std::optional<std::string>("") : decode(pair.substr(equals + 1), true);
    if (!name || name->empty() || !value || parsed.parameters.size() >= parameters_max) return false;
    parsed.parameters.emplace_back(*std::move(name), *std::move(value));
    return true;
  });
  return is_query ? std::optional(parsed) : std::nullopt;
}

std::optional<std::vector<std::string>> match_path(std::string_view pattern, const std::vector<std::string>& path) {
  std::vector<std::string> named;
  std::size_t at = 0;
  const bool matches = split(pattern.substr(1), '/', [&](std::string_view part) {
    if (at >= path.size()) return false;
    if (part.ends_with("…}")) {
      std::string rest = path[at];
      while (++at < path.size()) rest += "/" + path[at];
      named.push_back(std::move(rest));
      return true;
    }
    const bool is_named = part.starts_with('{');
    if (!is_named && part != path[at]) return false;
    if (is_named) named.push_back(path[at]);
    ++at;
    return true;
  });
  return matches && at == path.size() ? std::optional(named) : std::nullopt;
}

}  // namespace daicho
