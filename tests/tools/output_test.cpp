#include "tools/output.hpp"

#include <doctest/doctest.h>

#include <iostream>
#include <sstream>

using namespace daicho;

namespace {

/// What is printed on standard output.
std::string printed(const std::function<void()>& call) {
  std::ostringstream out;
  auto* const before = std::cout.rdbuf(out.rdbuf());
  call();
  std::cout.rdbuf(before);
  return out.str();
}

std::string printed(const Json& answer, Format format, const std::string& rows = "") {
  return printed([&] { print(answer, format, rows); });
}

}  // namespace

TEST_CASE("csv: RFC 4180 quoting, one column a member, in order of appearance") {
  const Json answer = {
      {"rows", {{{"a", "plain"}, {"b", 1}}, {{"a", "comma, quote \" and\nline"}, {"c", true}}, {{"b", nullptr}}}}};
  CHECK(printed(answer, Format::csv, "rows") == "a,b,c\r\nplain,1,\r\n\"comma, quote \"\" and\nline\",,true\r\n,,\r\n");
}

TEST_CASE("csv: an answer without rows is one line; structures are words in one cell") {
  const Json answer = {{"clock", "real"}, {"list", {"x", "y"}}, {"object", {{"name", "n"}, {"empty", ""}}}};
  CHECK(printed(answer, Format::csv) == "clock,list,object\r\nreal,x y,name=n\r\n");
  CHECK(printed({{"rows", Json::array()}}, Format::csv, "rows") == "\r\n");
}

TEST_CASE("ndjson: one row a line; json: the whole answer") {
  const Json answer = {{"clock", "real"}, {"rows", {{{"a", "x\ny"}}, {{"a", "山"}}}}};
  CHECK(printed(answer, Format::ndjson, "rows") == "{\"a\":\"x\\ny\"}\n{\"a\":\"山\"}\n");
  CHECK(printed(answer, Format::ndjson) == answer.dump() + "\n");
  CHECK(Json::parse(printed(answer, Format::json, "rows")) == answer);
}

TEST_CASE("table: columns of East Asian text stand below each other") {
  const Json answer = {{"clock", "real"},
                       {"rows",
                        {{{"name", "山田太郎"}, {"place", "東京"}},
                         {{"name", "Smith"}, {"place", "Kyoto"}},
                         {{"name", "かな"}, {"place", 7}}}}};
  CHECK(printed(answer, Format::table, "rows") ==
        "clock  real\n"
        "rows:\n"
        "  name      place\n"
        "  山田太郎  東京\n"
        "  Smith     Kyoto\n"
        "  かな      7\n");
}

TEST_CASE("table: a cell longer than others may be wide without pushing all columns") {
  const Json answer = {{"rows", {{{"a", std::string(100, 'x')}, {"b", "1"}}, {{"a", "y"}, {"b", "2"}}}}};
  CHECK(printed(answer, Format::table) == "rows:\n  a" + std::string(61, ' ') + "b\n  " + std::string(100, 'x') +
                                              "  1\n  y" + std::string(61, ' ') + "2\n");
}

TEST_CASE("bytes that are no UTF-8 are shown, not thrown at the caller") {
  const Json answer = {{"name", "\xff"}};
  CHECK(printed(answer, Format::json) == "{\n  \"name\": \"\xef\xbf\xbd\"\n}\n");
  CHECK(printed(answer, Format::ndjson) == "{\"name\":\"\xef\xbf\xbd\"}\n");
  CHECK(printed([&] { print_line(answer, Format::json); }) == "{\"name\":\"\xef\xbf\xbd\"}\n");
}

TEST_CASE("formats by name") {
  CHECK(parse_format("table") == Format::table);
  CHECK(parse_format("json") == Format::json);
  CHECK(parse_format("ndjson") == Format::ndjson);
  CHECK(parse_format("csv") == Format::csv);
  for (const char* wrong : {"", "JSON", "xml", "json "}) CHECK(!parse_format(wrong));
}
