#include "commands/text.hpp"

#include <doctest/doctest.h>

#include "tests/support/commands_subject.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

std::string repeated(std::size_t count, char c) { return std::string(count, c); }

/// Domain of exactly this many bytes, labels at most 60 long.
std::string domain_of(std::size_t bytes) {
  std::string domain;
  while (domain.size() + 61 < bytes) domain += repeated(60, 'd') + ".";
  return domain + repeated(bytes - domain.size(), 'd');
}

std::string e164(std::string_view number, std::string_view country) {
  const auto phone = parse_phone(number, country);
  return phone ? phone->e164 : "no number";
}

}  // namespace

SCENARIO("R-BLK-1 R-LED-5: a word is 1 to 64 of a-z, 0-9 and _") {
  for (const std::string& word : {std::string("a"), std::string("suspected_intrusion_2"), repeated(64, 'w')})
    CHECK(is_word(word));
  for (const std::string& none : {std::string(), repeated(65, 'w'), std::string("Word"), std::string("two words"),
                                  std::string("a-b"), std::string("語"), std::string("a\0b", 3)})
    CHECK(!is_word(none));
}

SCENARIO("R-ACC-1: what is an e-mail address and what is not") {
  for (const char* good :
       {"a@b.jp", "first.last@example.com", "user+tag@example.co.jp", "a_b-c!#$%&'*/=?^`{|}~@x.example", "1@2.example",
        "山田@example.jp", "user@日本語.jp", "o'neil@example.com"}) {
    CAPTURE(good);
    CHECK(parse_email(good).has_value());
  }
  for (const char* bad : {"",          "@",         "a@",        "@b.jp",      "plain",      "a@b",      "a@b.",
                          "a@.b.jp",   "a@b..jp",   ".a@b.jp",   "a.@b.jp",    "a..b@c.jp",  "a b@c.jp", " a@b.jp",
                          "a@b.jp ",   "a@b c.jp",  "a@@b.jp",   "a@b@c.jp",   "<a@b.jp>",   "a,b@c.jp", "a;b@c.jp",
                          "a\"b@c.jp", "a\\b@c.jp", "a\tb@c.jp", "a\n@b.jp",   "a\x7f@b.jp", "a@-b.jp",  "a@b_c.jp",
                          "a@b.jp\n",  "\xff@b.jp", "a@\xff.jp", "a\xc3@b.jp", "a@xn--a.jp"}) {
    CAPTURE(bad);
    CHECK(!parse_email(bad).has_value());
  }
}

SCENARIO("R-ACC-1: lengths of an e-mail address at each limit and one past it") {
  CHECK(parse_email(repeated(64, 'a') + "@example.jp"));
  CHECK(!parse_email(repeated(65, 'a') + "@example.jp"));
  CHECK(parse_email("a@" + repeated(63, 'b') + ".jp"));
  CHECK(!parse_email("a@" + repeated(64, 'b') + ".jp"));
  CHECK(parse_email(repeated(64, 'a') + "@" + domain_of(254 - 65)));
  CHECK(!parse_email(repeated(64, 'a') + "@" + domain_of(255 - 65)));
}

SCENARIO("R-ACC-1: international domains are stored in ASCII, and only the domain's case is without meaning as typed") {
  const auto email = parse_email("Taro@日本語.JP");
  REQUIRE(email);
  CHECK(email->address() == "Taro@xn--wgv71a119e.jp");
  CHECK(email->folded() == "taro@xn--wgv71a119e.jp");
  CHECK(parse_email("ｔａｒｏ@ＥＸＡＭＰＬＥ.jp")->folded() == parse_email("TARO@example.JP")->folded());
  CHECK(parse_email("taro@outlook.co.uk")->folded() != parse_email("taro@outlook.com")->folded());
  CHECK(parse_email("a@b.jp")->domain == "b.jp");
}

SCENARIO("R-REC-5: folding makes width, case and spacing equal, and nothing else") {
  CHECK(fold("Ｙａｍａｄａ") == "yamada");
  CHECK(fold("  Hanako \t\n Yamada  ") == "hanako yamada");
  CHECK(fold("山田　花子") == fold("山田 花子"));
  CHECK(fold("ﾔﾏﾀﾞ") == fold("ヤマダ"));
  CHECK(fold("ﬁle ① Ⅳ") == "file 1 iv");
  CHECK(fold("STRASSE") == fold("straße"));
  CHECK(fold("e\u0301") == fold("\u00e9"));
  CHECK(fold("山田") != fold("yamada"));
  CHECK(fold("やまだ") != fold("ヤマダ"));
  CHECK(fold("斉藤") != fold("齋藤"));
  CHECK(fold("") == "");
  CHECK(fold(" \u3000 ") == "");
  CHECK(fold(fold("Ｈａｎａｋｏ　 Y")) == fold("Ｈａｎａｋｏ　 Y"));
}

SCENARIO("R-LED-6: text that is not UTF-8 is known") {
  for (const char* good : {"", "abc", "山田", "\U0001F600", "\u00e9"}) CHECK(is_utf8(good));
  CHECK(is_utf8(std::string_view("\0a", 2)));
  for (const char* bad : {"\xff", "\xc3", "a\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc0\xaf", "\xe5\xb1"})
    CHECK(!is_utf8(bad));
}

SCENARIO("R-PRF-4: masks are the document's") {
  CHECK(mask_email("msabc123@outlook.com") == "ms*****@outlook.com");
  CHECK(mask_email("abc@example.jp") == "ab*****@example.jp");
  CHECK(mask_email("ab@example.jp") == "a*****@example.jp");
  CHECK(mask_email("a@example.jp") == "a*****@example.jp");
  CHECK(mask_email("山田花子@example.jp") == "山田*****@example.jp");
  CHECK(mask_email("山田@example.jp") == "山*****@example.jp");
  CHECK(mask_email("\U00020BB7野屋@example.jp") == "\U00020BB7野*****@example.jp");
  CHECK(mask_phone("0312345978") == "********78");
  CHECK(mask_phone("09098765432") == "*********32");
  CHECK(mask_phone("12") == "12");
  CHECK(mask_phone("123") == "*23");
  CHECK(mask_phone("") == "");
}

SCENARIO("R-PRF-2: one phone number, however it is spelled") {
  for (const char* spelling :
       {"090-9876-5432", "09098765432", "90-9876-5432", "9098765432", "(090) 9876 5432", "090.9876.5432",
        "０９０－９８７６－５４３２", "+81 90-9876-5432", "+819098765432", "+81 (0)90 9876 5432"}) {
    for (const char* country : {"JP", "jp", "81", "+81"}) {
      CAPTURE(spelling);
      CAPTURE(country);
      CHECK(e164(spelling, country) == "+819098765432");
    }
  }
  CHECK(parse_phone("+81 90 9876 5432", "")->e164 == "+819098765432");
  CHECK(parse_phone("9098765432", "JP")->national_digits == "09098765432");
  CHECK(parse_phone("3-1234-5978", "81")->national_digits == "0312345978");
  CHECK(e164("(425) 555-0123", "US") == "+14255550123");
  CHECK(parse_phone("4255550123", "US")->national_digits == "4255550123");
  CHECK(e164("06 1234 5678", "IT") == "+390612345678");
}

SCENARIO("R-PRF-2: what cannot be a number there is refused") {
  for (const char* bad : {"", "abc", "0", "110", "090", "090-9876-543", "090-9876-54321", "000-0000-0000", "\xff",
                          "+999 123456789", "090-9876-5432 ext. 7"}) {
    CAPTURE(bad);
    CHECK(!parse_phone(bad, "JP").has_value());
  }
  CHECK(!parse_phone("090-9876-5432", "").has_value());
  CHECK(!parse_phone("090-9876-5432", "ZZ").has_value());
  CHECK(!parse_phone("090-9876-5432", "US").has_value());
  CHECK(!parse_phone("090-9876-5432", "99999").has_value());
  CHECK(!parse_phone(repeated(65, '0'), "JP").has_value());
}

SCENARIO("R-LED-5: only the coarse network of an address is kept in clear") {
  CHECK(coarse_network("203.0.113.77") == "203.0.113.0/24");
  CHECK(coarse_network("255.255.255.255") == "255.255.255.0/24");
  CHECK(coarse_network("2001:db8:85a3:8d3:1319:8a2e:370:7348") == "2001:db8:85a3::/48");
  CHECK(coarse_network("::1") == "::/48");
  for (const char* bad : {"", "localhost", "203.0.113", "203.0.113.256", "2001:db8", "203.0.113.77/24", " 1.2.3.4"}) {
    CAPTURE(bad);
    CHECK(coarse_network(bad) == "");
  }
}
