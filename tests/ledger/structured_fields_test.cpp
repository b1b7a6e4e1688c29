#include "ledger/structured_fields.hpp"

#include <doctest/doctest.h>

#include <functional>

#include "ledger/bytes.hpp"

using namespace daicho;

namespace {

std::string repeated(std::size_t times, const std::function<std::string(std::size_t)>& part) {
  std::string text;
  for (std::size_t i = 0; i < times; ++i) text += part(i);
  return text;
}

}  // namespace

TEST_CASE("RFC 8941's examples of dictionaries") {
  SUBCASE("section 3.2: a string and a byte sequence") {
    const auto read = parse_dictionary(R"(en="Applepie", da=:w4ZibGV0w6ZydGU=:)");
    REQUIRE(read);
    REQUIRE(read->size() == 2);
    CHECK(read->front() == DictionaryMember{"en", StructuredItem{std::string("Applepie"), {}}});
    CHECK(read->back() == DictionaryMember{"da", StructuredItem{StructuredBytes{"Æbletærte"}, {}}});
  }
  SUBCASE("section 3.2: booleans, a member without a value, its parameter") {
    const auto read = parse_dictionary("a=?0, b, c; foo=bar");
    REQUIRE(read);
    REQUIRE(read->size() == 3);
    CHECK((*read)[0] == DictionaryMember{"a", StructuredItem{false, {}}});
    CHECK((*read)[1] == DictionaryMember{"b", StructuredItem{true, {}}});
    CHECK((*read)[2] == DictionaryMember{"c", StructuredItem{true, {{"foo", StructuredToken{"bar"}}}}});
  }
  SUBCASE("section 3.2: inner lists and items together") {
    const auto read = parse_dictionary("a=(1 2), b=3, c=4;aa=bb, d=(5 6);valid");
    REQUIRE(read);
    REQUIRE(read->size() == 4);
    const InnerList last{{{std::int64_t{5}, {}}, {std::int64_t{6}, {}}}, {{"valid", true}}};
    CHECK((*read)[3] == DictionaryMember{"d", last});
    CHECK((*read)[2] == DictionaryMember{"c", StructuredItem{std::int64_t{4}, {{"aa", StructuredToken{"bb"}}}}});
  }
  SUBCASE("section 3.1.1: inner lists with parameters inside and behind") {
    const auto read = parse_inner_list(R"(("foo";a=1;b=2);lvl=5)");
    REQUIRE(read);
    const StructuredItem foo{std::string("foo"), {{"a", std::int64_t{1}}, {"b", std::int64_t{2}}}};
    CHECK(*read == InnerList{{foo}, {{"lvl", std::int64_t{5}}}});
    CHECK(parse_inner_list("()") == InnerList{});
  }
}

TEST_CASE("values of every type, written back in the canonical form of section 4.1") {
  const auto canonical = [](std::string_view text) {
    const auto read = parse_inner_list(text);
    return read ? serialise(*read) : std::string("malformed");
  };
  CHECK(canonical(R"((  "a"   "b" ); x)") == R"(("a" "b");x)");
  CHECK(canonical(R"((-0 007 -999999999999999))") == "(0 7 -999999999999999)");
  CHECK(canonical(R"(("a\"b\\c" *tok/en:x ?0 ?1 :AAE=:))") == R"(("a\"b\\c" *tok/en:x ?0 ?1 :AAE=:))");
  CHECK(canonical("();created=1618884473;keyid=\"k\";f=?1;g=?0") == "();created=1618884473;keyid=\"k\";f;g=?0");
}

TEST_CASE("what is malformed") {
  for (const char* text : {"=1",
                           "A=1",
                           "a=",
                           "a=1,",
                           "a=1,,b=2",
                           "a=1 b=2",
                           ",a=1",
                           "a=1;",
                           "a=1;;b",
                           "a=1;B",
                           "a=1;b=",
                           "a=\"x",
                           "a=\"\\x\"",
                           "a=\"\t\"",
                           "a=\"\x7f\"",
                           "a=\"\xc3\xa6\"",
                           "a=:AAE:",
                           "a=:AA E=:",
                           "a=:AAE=",
                           "a=:AAF=:x",
                           "a=?2",
                           "a=?",
                           "a=-",
                           "a=1.5",
                           "a=1000000000000000",
                           "a=(1",
                           "a=(1,2)",
                           "a=(1 2",
                           "a=(\"x\"\"y\")",
                           "a=(1\t2)",
                           "a=((1))",
                           "a=)",
                           "a=1, a=2",
                           "a=1;b;b=2",
                           "a=@1",
                           "\ta=1"}) {
    CAPTURE(text);
    CHECK(!parse_dictionary(text));
  }
  CHECK(parse_dictionary("") == std::vector<DictionaryMember>{});
  CHECK(parse_dictionary(" a=1\t,\tb=2 "));
  CHECK(!parse_inner_list("(1) "));
  CHECK(!parse_inner_list("1"));
  CHECK(!parse_inner_list(""));
}

TEST_CASE("limits") {
  const auto members = [](std::size_t count) {
    return repeated(count, [](std::size_t i) { return (i > 0 ? "," : "") + ("a" + std::to_string(i)); });
  };
  CHECK(parse_dictionary(members(structured_members_max)));
  CHECK(!parse_dictionary(members(structured_members_max + 1)));
  const auto items = [](std::size_t count) { return "(" + repeated(count, [](std::size_t) { return "1 "; }) + ")"; };
  CHECK(parse_inner_list(items(structured_members_max)));
  CHECK(!parse_inner_list(items(structured_members_max + 1)));
  const auto parameters = [](std::size_t count) {
    return "()" + repeated(count, [](std::size_t i) { return ";a" + std::to_string(i); });
  };
  CHECK(parse_inner_list(parameters(structured_members_max)));
  CHECK(!parse_inner_list(parameters(structured_members_max + 1)));
  const std::string around = "(\"\")";
  CHECK(parse_inner_list("(\"" + std::string(structured_bytes_max - around.size(), 'x') + "\")"));
  CHECK(!parse_inner_list("(\"" + std::string(structured_bytes_max - around.size() + 1, 'x') + "\")"));
}
