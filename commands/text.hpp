// commands/text.hpp — text as people type it, made comparable: Unicode through ICU, e-mail addresses, phone numbers
// through libphonenumber, and how proofs are shown (R-PRF-2, R-PRF-4). Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "projections/folding.hpp"

namespace daicho {

inline constexpr std::size_t email_bytes_max = 254;       ///< RFC 5321 section 4.5.3.1.3, path less its brackets
inline constexpr std::size_t email_local_bytes_max = 64;  ///< RFC 5321 section 4.5.3.1.1
inline constexpr std::size_t word_bytes_max = 64;

bool is_utf8(std::string_view text);
/// Lower-case letters, digits and `_`, at most word_bytes_max of them.
bool is_word(std::string_view text);
/// Likewise, with `-`: names of services, ids of investigators.
bool is_hyphenated_word(std::string_view text);

struct Email {
  std::string local, domain;  ///< as typed; domain in ASCII (IDNA) lower case
  std::string address() const { return local + "@" + domain; }
  std::string folded() const { return fold(local) + "@" + domain; }  ///< what equality is judged by
};
std::optional<Email> parse_email(std::string_view text);

struct Phone {
  std::string e164;             ///< +819098765432
  std::string national_digits;  ///< 09098765432
};
/// `country` is an ISO 3166 code (JP) or a calling code (81, +81); not needed when the number starts with `+`.
std::optional<Phone> parse_phone(std::string_view number, std::string_view country);

/// R-PRF-4: `ms*****@outlook.com`; every digit but the last two of `national_digits`.
std::string mask_email(std::string_view address);
std::string mask_phone(std::string_view national_digits);

/// Coarse network of an address: IPv4 /24, IPv6 /48 in text; empty when it is no address.
std::string coarse_network(std::string_view ip);

}  // namespace daicho
