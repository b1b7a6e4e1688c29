#include "commands/vault.hpp"

#include <doctest/doctest.h>

#include <regex>
#include <set>

#include "commands/totp.hpp"
#include "tests/support/commands_subject.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

SecretKey key(std::uint8_t byte) {
  Hash bytes;
  bytes.bytes.fill(byte);
  return SecretKey(bytes.view());
}
Vault vault_of(std::uint64_t account, std::uint8_t data = 1, std::uint8_t code = 2) {
  return {numbered(account), key(data), key(code)};
}

/// Chi-square of counts against a uniform expectation.
double chi_square(const std::vector<std::size_t>& counts, double expected) {
  double sum = 0;
  for (const std::size_t count : counts)
    sum += (static_cast<double>(count) - expected) * (static_cast<double>(count) - expected) / expected;
  return sum;
}

}  // namespace

SCENARIO("R-CHL-4: a security code is exactly seven digits, uniform, leading zeros kept") {
  const Vault vault = vault_of(1);
  constexpr std::size_t draws = 20'000;
  std::vector<std::size_t> first_digits(10), last_digits(10), thousands(100);
  std::size_t leading_zeros = 0;
  bool all_seven_digits = true;
  for (std::uint64_t i = 0; i < draws; ++i) {
    const std::string code = vault.secret(OneTime::security_code, numbered(i), 7);
    all_seven_digits &= code.size() == 7 && std::ranges::all_of(code, [](char c) { return c >= '0' && c <= '9'; });
    ++first_digits[static_cast<std::size_t>(code.front() - '0')];
    ++last_digits[static_cast<std::size_t>(code.back() - '0')];
    ++thousands[std::stoul(code) % 100];
    leading_zeros += code.starts_with("0");
  }
  CHECK(all_seven_digits);
  CHECK(leading_zeros > draws / 10 - 300);
  CHECK(chi_square(first_digits, draws / 10.0) < 35);  // 9 degrees of freedom: 1 in 20,000 above 35
  CHECK(chi_square(last_digits, draws / 10.0) < 35);
  CHECK(chi_square(thousands, draws / 100.0) < 175);  // 99 degrees of freedom
}

SCENARIO("R-CHL-4: the number of digits is the policy's") {
  const Vault vault = vault_of(1);
  for (const std::int64_t digits : {6, 7, 8, 9, 10}) {
    for (std::uint64_t i = 0; i < 50; ++i) {
      CHECK(vault.secret(OneTime::security_code, numbered(i), digits).size() == static_cast<std::size_t>(digits));
    }
  }
}

SCENARIO("R-CHL-6: one-time secrets differ for each id, account, key and kind, and come again for the same") {
  std::set<std::string> links;
  for (const std::uint64_t account : {1U, 2U}) {
    for (const std::uint8_t code_key : {std::uint8_t{2}, std::uint8_t{3}}) {
      for (const std::uint64_t id : {10U, 11U}) {
        for (const OneTime kind : {OneTime::link, OneTime::notice_link, OneTime::opener_token}) {
          links.insert(vault_of(account, 1, code_key).secret(kind, numbered(id)));
        }
      }
    }
  }
  CHECK(links.size() == 2 * 2 * 2 * 3);
  for (const std::string& link : links) CHECK(link.size() == 43);  // 32 bytes in base64url
  CHECK(vault_of(1).secret(OneTime::link, numbered(10)) == vault_of(1).secret(OneTime::link, numbered(10)));
}

SCENARIO("R-CHL-6: only the right secret of the right id, account and kind matches its hash") {
  const Vault vault = vault_of(1);
  const Id id = numbered(10);
  const std::string link = vault.secret(OneTime::link, id);
  const Tag16 hash = vault.hash(OneTime::link, id, link);
  CHECK(vault.matches(OneTime::link, id, hash, link));
  CHECK(!vault.matches(OneTime::link, id, hash, link + "x"));
  CHECK(!vault.matches(OneTime::link, id, hash, ""));
  CHECK(!vault.matches(OneTime::link, numbered(11), hash, link));
  CHECK(!vault.matches(OneTime::notice_link, id, hash, link));
  CHECK(!vault_of(2).matches(OneTime::link, id, hash, link));
  CHECK(!vault_of(1, 1, 9).matches(OneTime::link, id, hash, link));
  CHECK(!vault.matches(OneTime::link, id, Tag16{}, link));
}

SCENARIO("R-PRF-9: a recovery code is five groups of five from an unambiguous alphabet, compared forgivingly") {
  const Vault vault = vault_of(1);
  const std::regex shape("[0-9A-HJKMNP-TV-Z]{5}(-[0-9A-HJKMNP-TV-Z]{5}){4}");
  std::set<std::string> codes;
  for (std::uint64_t i = 0; i < 200; ++i) {
    const std::string code = vault.secret(OneTime::recovery_code, numbered(i));
    CAPTURE(code);
    CHECK(std::regex_match(code, shape));
    codes.insert(code);
    const Tag16 hash = vault.hash(OneTime::recovery_code, numbered(i), code);
    std::string typed;
    for (const char c : code) {
      if (c == '-') continue;
      typed += c == '0' ? 'o' : c == '1' ? 'l' : static_cast<char>(std::tolower(c));
      if (typed.size() % 7 == 0) typed += ' ';
    }
    CHECK(vault.matches(OneTime::recovery_code, numbered(i), hash, typed));
    typed.back() = typed.back() == '7' ? '8' : '7';
    CHECK(!vault.matches(OneTime::recovery_code, numbered(i), hash, typed));
  }
  CHECK(codes.size() == 200);
}

SCENARIO("R-LED-6: tags are equal for equal texts of one account only") {
  const Vault vault = vault_of(1);
  CHECK(vault.tag("address", "a@b.jp") == vault.tag("address", "a@b.jp"));
  CHECK(vault.tag("address", "a@b.jp") != vault.tag("address", "a@b.jq"));
  CHECK(vault.tag("address", "a@b.jp") != vault.tag("device", "a@b.jp"));
  CHECK(vault.tag("address", "a@b.jp") != vault_of(1, 7).tag("address", "a@b.jp"));
}

SCENARIO("R-PRF-1: an app's codes are those of RFC 6238, appendix B, last six digits") {
  const std::string secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";  // "12345678901234567890"
  const std::vector<std::pair<Time, std::string>> vectors = {{59, "287082"},
                                                             {1'111'111'109, "081804"},
                                                             {1'111'111'111, "050471"},
                                                             {1'234'567'890, "005924"},
                                                             {2'000'000'000, "279037"},
                                                             {20'000'000'000, "353130"}};
  for (const auto& each : vectors) {
    const auto& [seconds, code] = each;
    CAPTURE(each.first);
    const Time step = seconds / 30 * 30;  // begin of the step the code belongs to
    const auto number = static_cast<std::uint64_t>(step / 30);
    CHECK(totp_step(secret, code, seconds * second_us) == number);
    CHECK(totp_step(secret, code, (step + 59) * second_us) == number);  // one step late
    CHECK(!totp_step(secret, code, (step + 60) * second_us));           // two
    if (step == 30) continue;                                           // 1970 began with the step before
    CHECK(totp_step(secret, code, (step - 30) * second_us) == number);
    CHECK(!totp_step(secret, code, (step - 31) * second_us));
  }
  for (const char* bad : {"", "28708", "2870820", "94287082", "28708a", "287083", " 287082"}) {
    CAPTURE(bad);
    CHECK(!totp_step(secret, bad, 59 * second_us));
  }
}

SCENARIO("R-PRF-1: what is an app's secret") {
  CHECK(is_totp_secret("GEZDGNBVGY3TQOJQ"));
  CHECK(!is_totp_secret("GEZDGNBVGY3TQOJ"));
  CHECK(is_totp_secret(std::string(128, 'A')));
  CHECK(!is_totp_secret(std::string(136, 'A')));
  CHECK(!is_totp_secret("GEZDGNBVGY3TQOJ1"));
  CHECK(!is_totp_secret(""));
}
