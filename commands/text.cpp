#include "commands/text.hpp"

#include <arpa/inet.h>
#include <unicode/idna.h>
#include <unicode/unistr.h>
#include <unicode/ustring.h>

#include <algorithm>
#include <memory>

#include "ledger/ascii.hpp"

namespace daicho {

bool is_utf8(std::string_view text) {
  UErrorCode status = U_ZERO_ERROR;
  std::int32_t length = 0;
  u_strFromUTF8(nullptr, 0, &length, text.data(), static_cast<std::int32_t>(text.size()), &status);
  return status != U_INVALID_CHAR_FOUND;  // U_BUFFER_OVERFLOW_ERROR: well-formed, and nowhere to put it
}

bool is_word(std::string_view text) {
  const auto is_allowed = [](char c) { return is_lower(c) || is_digit(c) || c == '_'; };
  return !text.empty() && text.size() <= word_bytes_max && std::ranges::all_of(text, is_allowed);
}

bool is_hyphenated_word(std::string_view text) {
  std::string word(text);
  std::ranges::replace(word, '-', '_');
  return is_word(word);
}

namespace {

bool is_local_part(std::string_view local) {
  if (local.empty() || local.size() > email_local_bytes_max) return false;
  if (local.front() == '.' || local.back() == '.' || local.find("..") != std::string_view::npos) return false;
  return std::ranges::all_of(local, [](unsigned char c) {
    return c >= 0x80 || (c > 0x20 && c != 0x7f &&
                         std::string_view("()<>[]:;@\\,\"").find(static_cast<char>(c)) == std::string_view::npos);
  });
}

std::optional<std::string> ascii_domain(std::string_view domain) {
  UErrorCode status = U_ZERO_ERROR;
  static const std::unique_ptr<icu::IDNA> idna(
      icu::IDNA::createUTS46Instance(UIDNA_USE_STD3_RULES | UIDNA_NONTRANSITIONAL_TO_ASCII | UIDNA_CHECK_BIDI, status));
  icu::IDNAInfo info;
  std::string ascii;
  icu::StringByteSink<std::string> sink(&ascii);
  status = U_ZERO_ERROR;
  idna->nameToASCII_UTF8(icu::StringPiece(domain.data(), static_cast<std::int32_t>(domain.size())), sink, info, status);
  if (U_FAILURE(status) || info.hasErrors()) return std::nullopt;
  if (ascii.find('.') == std::string::npos || ascii.ends_with('.')) return std::nullopt;
  return ascii;
}

}  // namespace

std::optional<Email> parse_email(std::string_view text) {
  if (text.size() > email_bytes_max || !is_utf8(text)) return std::nullopt;
  const std::size_t at = text.rfind('@');
  if (at == std::string_view::npos || !is_local_part(text.substr(0, at))) return std::nullopt;
  auto domain = ascii_domain(text.substr(at + 1));
  if (!domain) return std::nullopt;
  return Email{std::string(text.substr(0, at)), *std::move(domain)};
}

std::string mask_email(std::string_view address) {
  const std::size_t at = address.rfind('@');
  const auto local = icu::UnicodeString::fromUTF8(icu::StringPiece(address.data(), static_cast<std::int32_t>(at)));
  const std::int32_t shown = local.countChar32() > 2 ? 2 : 1;
  std::string masked;
  local.tempSubString(0, local.moveIndex32(0, shown)).toUTF8String(masked);
  return masked + "*****" + std::string(address.substr(at));
}

std::string mask_phone(std::string_view national_digits) {
  const std::size_t hidden = national_digits.size() > 2 ? national_digits.size() - 2 : 0;
  return std::string(hidden, '*') + std::string(national_digits.substr(hidden));
}

std::string coarse_network(std::string_view ip) {
  const std::string text(ip);
  in_addr v4;
  in6_addr v6;
  char shown[INET6_ADDRSTRLEN];
  if (inet_pton(AF_INET, text.c_str(), &v4) == 1) {
    v4.s_addr &= htonl(0xffffff00U);
    return std::string(inet_ntop(AF_INET, &v4, shown, sizeof shown)) + "/24";
  }
  if (inet_pton(AF_INET6, text.c_str(), &v6) == 1) {
    std::fill(std::begin(v6.s6_addr) + 6, std::end(v6.s6_addr), std::uint8_t{0});
    return std::string(inet_ntop(AF_INET6, &v6, shown, sizeof shown)) + "/48";
  }
  return {};
}

}  // namespace daicho
