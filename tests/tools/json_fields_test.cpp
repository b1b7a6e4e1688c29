#include "tools/json_fields.hpp"

#include <doctest/doctest.h>

using namespace daicho;

namespace {

/// The words of the Failure(usage) that `call` ends in; empty: it went well.
template <class Call>
std::string words_of(Call&& call) {
  try {
    call();
  } catch (const Failure& failure) {
    CHECK(failure.exit == Exit::usage);
    return failure.what();
  }
  return "";
}

std::string parse(const std::string& text) {
  return words_of([&] { parse_object(text, "body"); });
}

/// `{"a":[[…]]}` with this many containers within each other.
std::string nested(std::size_t depth, const std::string& innermost = "") {
  return "{\"a\":" + std::string(depth - 1, '[') + innermost + std::string(depth - 1, ']') + "}";
}

std::string padded(std::size_t bytes) { return "{\"a\":1" + std::string(bytes - 7, ' ') + "}"; }

}  // namespace

TEST_CASE("a body is one JSON object, of body_bytes_max at most") {
  CHECK(parse("{}") == "");
  CHECK(parse(" {\"a\":1} ") == "");
  CHECK(parse(padded(body_bytes_max)) == "");
  CHECK(parse(padded(body_bytes_max + 1)) == "body: more than 65536 bytes");
  for (const char* wrong : {"[]", "null", "1", "\"a\""}) CHECK(parse(wrong) == "body: a JSON object is wanted");
  for (const char* wrong : {"", "{", "{}x", "{}{}", "{'a':1}", "{\"a\":01}", "{\"a\":NaN}", "{\"a\":1e999}",
                            "{\"a\":\"\\ud800\"}", "{\"a\":1,}", "//\n{}"}) {
    CHECK(parse(wrong).starts_with("body: not JSON: "));
  }
}

TEST_CASE("R-LED-6: what is wrong with a body is said without its values") {
  for (const char* wrong : {R"({"code":7391846e9999})", R"({"code":-7391846e9999})", R"({"code":7391846x})",
                            R"({"code":"7391846\q"})", R"({"code":"7391846)", R"(["7391846"])", R"("7391846")"}) {
    CHECK(parse(wrong) != "");
    CHECK(parse(wrong).find("7391846") == std::string::npos);
  }
}

TEST_CASE("a body is UTF-8 to its last byte, without NUL") {
  CHECK(parse("{\"a\":\"山田 🗾\"}") == "");
  for (const char* wrong : {"\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe5\xb1"}) {
    CHECK(parse("{\"a\":\"" + std::string(wrong) + "\"}") == "body: not valid UTF-8");
  }
  CHECK(parse(std::string("{}\0", 3)) == "body: a NUL");
  CHECK(parse(std::string("{}\0{\"a\":1}", 10)) == "body: a NUL");
}

TEST_CASE("no more than json_depth_max containers stand within each other") {
  CHECK(parse(nested(json_depth_max)) == "");
  CHECK(parse(nested(json_depth_max, "1")) == "");
  CHECK(parse(nested(json_depth_max + 1)) == "body: nested deeper than 16");
  CHECK(parse(nested(json_depth_max + 1, "1")) == "body: nested deeper than 16");
  CHECK(parse(nested(20'000)) == "body: nested deeper than 16");
  CHECK(parse("{\"a\":" + std::string(30'000, '[') + "}").starts_with("body: "));
}

TEST_CASE("no member stands twice in one object, at any depth") {
  CHECK(parse(R"({"a":1,"b":{"a":2},"c":[{"a":3},{"a":4}]})") == "");
  CHECK(parse(R"({"a":1,"b":2,"a":1})") == "body: the member `a` stands twice");
  CHECK(parse(R"({"a":[{"b":{"c":1,"c":2}}]})") == "body: the member `c` stands twice");
  CHECK(parse(R"({"a":1,"\u0061":2})") == "body: the member `a` stands twice");
}

TEST_CASE("what does not parse is not repeated: it may be secret") {
  for (const char* wrong : {R"({"password":"Geheim7)", R"({"password":Geheim7})", R"({"password":"Geheim7"x})"}) {
    const std::string words = parse(wrong);
    CHECK(!words.empty());
    CHECK(words.find("Geheim7") == std::string::npos);
  }
}

TEST_CASE("texts: up to text_bytes_max, no NUL, UTF-8") {
  const auto read = [](const Json& value) {
    return words_of([&] {
      const Json json = {{"a", value}};
      Fields fields(json);
      fields.optional_text("a");
    });
  };
  CHECK(read(std::string(text_bytes_max, 'x')) == "");
  CHECK(read("") == "");
  CHECK(read(nullptr) == "");
  CHECK(read(std::string(text_bytes_max + 1, 'x')) == "field `a`: at most 4096 bytes is wanted");
  CHECK(read(std::string("x\0y", 3)) == "field `a`: a text without NUL is wanted");
  CHECK(read("\xff") == "field `a`: valid UTF-8 is wanted");
  for (const Json& wrong : {Json(1), Json(true), Json::array(), Json::object(), Json(1.5)}) {
    CHECK(read(wrong) == "field `a`: a text is wanted");
  }
}

TEST_CASE("fields that must be there, and what stands in their place") {
  const Json json = {
      {"empty", ""}, {"word", "x"}, {"null", nullptr}, {"list", Json::array()}, {"object", Json::object()}};
  Fields fields(json, "proofs[0].");
  CHECK(fields.text("word") == "x");
  for (const char* name : {"empty", "null", "missing"}) {
    CHECK(words_of([&] { fields.text(name); }) ==
          "field `proofs[0]." + std::string(name) + "`: a text that is not empty is wanted");
  }
  CHECK(fields.text_or_empty("missing").empty());
  const auto nothing = [](Fields&) {};
  CHECK(!fields.object("missing", nothing));
  CHECK(fields.object("object", nothing));
  CHECK(words_of([&] { fields.object("list", nothing); }) == "field `proofs[0].list`: an object is wanted");
  CHECK(words_of([&] { fields.texts("object"); }) == "field `proofs[0].object`: a list of texts is wanted");
  CHECK(words_of([&] { fields.texts("missing"); }) == "field `proofs[0].missing`: a list of texts is wanted");
  CHECK(words_of([&] {
          const Json list = Json::array();
          const Fields wrong(list, "proofs[1].");
        }) == "proofs[1]. an object is wanted");
}

TEST_CASE("objects within: named by their path, read to their last member") {
  const Json json = {{"check", {{"shown", "X"}, {"typed", 1}}},
                     {"proofs", {{{"kind", "email"}}, {{"kind", "email"}, {"x", 1}}}},
                     {"numbers", {1}}};
  Fields fields(json);
  const auto read_kind = [](Fields& proof) { proof.text("kind"); };
  CHECK(words_of([&] { fields.object("check", [](Fields& check) { check.text("typed"); }); }) ==
        "field `check.typed`: a text is wanted");
  CHECK(words_of([&] { fields.object("check", [](Fields& check) { check.text("shown"); }); }) ==
        "field `check.typed` is not known here");
  CHECK(words_of([&] { fields.objects("proofs", 0, 2, read_kind); }) == "field `proofs[1].x` is not known here");
  CHECK(words_of([&] { fields.objects("proofs", 0, 1, read_kind); }) ==
        "field `proofs`: a list of 0 to 1 objects is wanted");
  CHECK(words_of([&] { fields.objects("proofs", 3, 4, read_kind); }) ==
        "field `proofs`: a list of 3 to 4 objects is wanted");
  CHECK(words_of([&] { fields.objects("missing", 1, 4, read_kind); }) ==
        "field `missing`: a list of 1 to 4 objects is wanted");
  CHECK(words_of([&] { fields.objects("numbers", 1, 4, read_kind); }) == "numbers[0]. an object is wanted");
  CHECK(fields.objects("missing", 0, 4, read_kind) == 0);
  CHECK(fields.objects("proofs", 2, 2, [](Fields& proof) {
    proof.text("kind");
    proof.mark_read("x");
  }) == 2);
}

TEST_CASE("a reader is described by what it asks for, up to where it compares") {
  const Json schema = describe([](Fields& fields) {
    fields.text("name");
    fields.text_or_empty("detail");
    fields.id("challenge_id");
    fields.optional_count("count_max");
    fields.word<fb::Channel>("channel");
    fields.objects("proofs", 1, 20, [](Fields& proof) { proof.optional_time("since"); });
    fields.object("check", [](Fields& check) { check.optional_boolean("is_whole"); });
    fields.wrong("name", "another one");
  });
  CHECK(schema["required"] == Json({"name", "challenge_id", "channel", "proofs"}));
  CHECK(schema["additionalProperties"] == false);
  const Json& members = schema["properties"];
  CHECK(members.size() == 7);
  CHECK(members["name"] == Json({{"type", "string"}, {"minLength", 1}}));
  CHECK(members["detail"] == Json({{"type", "string"}}));
  CHECK(members["challenge_id"] == Json({{"type", "string"}, {"format", "uuid"}}));
  CHECK(members["count_max"] == Json({{"type", "integer"}, {"minimum", 0}}));
  CHECK(members["channel"] == Json({{"enum", {"email", "sms", "voice", "app"}}}));
  CHECK(members["proofs"]["minItems"] == 1);
  CHECK(members["proofs"]["maxItems"] == 20);
  CHECK(members["proofs"]["items"]["properties"]["since"]["format"] == "date-time");
  CHECK(members["check"]["properties"]["is_whole"]["type"] == "boolean");
}

TEST_CASE("counts are whole and not negative; booleans are no texts") {
  const Json json = parse_object(R"({"max":18446744073709551615,"more":18446744073709551616,"minus":-1,"half":0.5,)"
                                 R"("whole":1.0,"text":"1","yes":true})",
                                 "");
  Fields fields(json);
  CHECK(fields.optional_count("max") == UINT64_MAX);
  CHECK(!fields.optional_count("missing"));
  for (const char* name : {"more", "minus", "half", "whole", "text", "yes"}) {
    CHECK(words_of([&] { fields.optional_count(name); }) ==
          "field `" + std::string(name) + "`: a whole number, 0 or more is wanted");
  }
  CHECK(fields.optional_boolean("yes") == true);
  CHECK(words_of([&] { fields.optional_boolean("text"); }) == "field `text`: true or false is wanted");
}

TEST_CASE("ids, times and words of the catalogue") {
  const std::string id = "019ca6b1-dc00-7e37-b8df-4fbf6f289fa0";
  const Json json = {{"id", id},
                     {"short", id.substr(1)},
                     {"ids", {id, id}},
                     {"none", Json::array()},
                     {"numbers", {1}},
                     {"time", "2026-03-01T09:00:00+09:00"},
                     {"day", "2026-03-01"},
                     {"purpose", "unblock"},
                     {"bogus", "bogus"},
                     {"nothing", "none"}};
  Fields fields(json);
  CHECK(to_text(fields.id("id")) == id);
  CHECK(fields.ids_or_none("ids").size() == 2);
  CHECK(fields.ids_or_none("missing").empty());
  CHECK(to_rfc3339(*fields.optional_time("time")) == "2026-03-01T00:00:00.000000Z");
  CHECK(fields.word<fb::Purpose>("purpose") == fb::Purpose::unblock);
  for (const char* name : {"short", "missing", "bogus"}) {
    CHECK(words_of([&] { fields.id(name); }) == "field `" + std::string(name) + "`: a UUID is wanted");
  }
  CHECK(words_of([&] { fields.ids_or_none("numbers"); }) == "field `numbers`: a list of UUIDs is wanted");
  CHECK(words_of([&] { fields.ids_or_none("none"); }) == "field `none`: at least one UUID, or no such field is wanted");
  CHECK(words_of([&] { fields.optional_time("day"); }) == "field `day`: a time such as 2026-03-01T09:00:00Z is wanted");
  for (const char* name : {"bogus", "nothing"}) {
    CHECK(words_of([&] { fields.word<fb::Channel>(name); }) ==
          "field `" + std::string(name) + "`: one of email, sms, voice, app is wanted");
  }
}

TEST_CASE("fields that nobody read are named") {
  const Json json = {{"a", 1U}, {"b", 2U}};
  Fields fields(json, "profile.");
  CHECK(words_of([&] { fields.done(); }) == "field `profile.a` is not known here");
  fields.optional_count("a");
  CHECK(words_of([&] { fields.done(); }) == "field `profile.b` is not known here");
  fields.mark_read("b");
  CHECK(words_of([&] { fields.done(); }) == "");
}
