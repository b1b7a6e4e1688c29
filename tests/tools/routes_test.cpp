#include "tools/routes.hpp"

#include <doctest/doctest.h>

#include <set>

#include "tests/support/ledger_fixture.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

const std::string some_id = "019ca6b1-dc00-7e37-b8df-4fbf6f289fa0";

/// The example's fields, with an id where one has to be put in.
Json example_of(const Route& route) {
  std::string text = route.example;
  for (std::size_t at = text.find("…"); at != std::string::npos; at = text.find("…"))
    text.replace(at, std::string("…").size(), some_id);
  return parse_object(text, route.name);
}

ParsedRequest parse(const std::string& name, const Json& body, const Defaults& defaults = {}) {
  const Route* route = find_route(name);
  REQUIRE(route);
  static const Entropy entropy = make_entropy();
  return parse_request(*route, body, defaults, entropy, start_time);
}

std::string words_of(const std::string& name, const Json& body, const Defaults& defaults = {}) {
  try {
    parse(name, body, defaults);
  } catch (const Failure& failure) {
    CHECK(failure.exit == Exit::usage);
    return failure.what();
  }
  return "";
}

Json with(Json body, const std::string& name, const Json& value) {
  body[name] = value;
  return body;
}

}  // namespace

TEST_CASE("every route is found by its name, has words, and reads its own example") {
  std::set<std::string> names;
  for (const Route& route : routes()) {
    INFO(route.name);
    CHECK(names.insert(route.name).second);
    CHECK(find_route(route.name) == &route);
    CHECK(std::string(route.summary) != "");
    CHECK(words_of(route.name, example_of(route)) == "");
    CHECK(parse(route.name, example_of(route)).request.issuer.command == route.name);
  }
  CHECK(names.size() >= 41);
  CHECK(!find_route("bogus"));
  CHECK(!find_route(""));
}

TEST_CASE("fields that a command does not know are named") {
  for (const Route& route : routes()) {
    INFO(route.name);
    if (std::string(route.name) == "adopt-policy") continue;  // its fields are parameters: the decision names them
    CHECK(words_of(route.name, with(example_of(route), "bogus", 1)) == "field `bogus` is not known here");
  }
  const Json proof = {{"kind", "email"}, {"value", "a@example.com"}, {"bogus", 1}};
  const Json body = example_of(*find_route("register-account"));
  CHECK(words_of("register-account", with(body, "proofs", Json::array({proof}))) ==
        "field `proofs[0].bogus` is not known here");
  CHECK(words_of("register-account", with(body, "profile", {{"bogus", 1}})) ==
        "field `profile.bogus` is not known here");
  CHECK(words_of("submit-recovery", {{"answers", {{"bogus", "x"}}}}) == "field `answers.bogus` is not known here");
  CHECK(words_of("start-challenge", {{"purpose", "unblock"}, {"character_check", {{"shown", "x"}, {"bogus", 1}}}}) ==
        "field `character_check.bogus` is not known here");
  CHECK(words_of("block-account", {{"reason", "x"}, {"source", {{"bogus", 1}}}}) ==
        "field `source.bogus` is not known here");
}

TEST_CASE("each field's limit, and one past it") {
  const auto registration = [&](const std::string& name, const Json& value) {
    return words_of("register-account", with(example_of(*find_route("register-account")), name, value));
  };
  CHECK(registration("profile", {{"surname", std::string(profile_field_bytes_max, 'x')}}) == "");
  CHECK(registration("profile", {{"surname", std::string(profile_field_bytes_max + 1, 'x')}}).find("profile.surname") !=
        std::string::npos);
  const Json proof = {{"kind", "email"}, {"value", "a@example.com"}};
  CHECK(registration("proofs", Json(proofs_per_account_max, proof)) == "");
  CHECK(registration("proofs", Json(proofs_per_account_max + 1, proof)) ==
        "field `proofs`: a list of 0 to 20 objects is wanted");
  const auto answers = [&](const Json& value) {
    return words_of("submit-recovery", {{"answers", {{"surname", value}}}});
  };
  CHECK(answers(std::string(answer_value_bytes_max, 'x')) == "");
  CHECK(answers(std::string(answer_value_bytes_max + 1, 'x')) != "");
  CHECK(answers(Json(answer_values_max, "x")) == "");
  CHECK(answers(Json(answer_values_max + 1, "x")) != "");
  CHECK(answers(std::string("x\0y", 3)) != "");
  CHECK(answers(1) != "");
}

TEST_CASE("R-CHL-1: a character check that shows nothing is none") {
  const auto check = [](const Json& value) {
    return words_of("start-challenge", {{"purpose", "unblock"}, {"character_check", value}});
  };
  CHECK(check({{"shown", "XVMS"}, {"typed", ""}}) == "");  // a wrong answer, recorded as such
  for (const Json& nothing : {Json::object(), Json{{"shown", ""}, {"typed", ""}}, Json{{"typed", "x"}}}) {
    CHECK(check(nothing) == "field `character_check.shown`: a text that is not empty is wanted");
  }
}

TEST_CASE("where exactly one of several ways is wanted") {
  const Json reset = {{"new_password", "Sora5678"}, {"new_password_repeat", "Sora5678"}};
  CHECK(words_of("reset-password", reset) != "");
  CHECK(words_of("reset-password", with(reset, "reset_token", "x")) == "");
  CHECK(words_of("reset-password", with(with(reset, "reset_token", "x"), "challenge_id", some_id)) != "");
  const Json proof = {{"proof_id", some_id}};
  CHECK(words_of("verify-proof", proof) == "field `code`: exactly one of code, link_token, totp is wanted");
  for (const char* way : {"code", "link_token", "totp"}) CHECK(words_of("verify-proof", with(proof, way, "x")) == "");
  CHECK(words_of("verify-proof", with(with(proof, "code", "x"), "totp", "x")) != "");
  const Json window = {{"replacement_id", some_id}};
  CHECK(words_of("confirm-replacement-proof", with(window, "link_token", "x")) ==
        "field `account_named`: the account being changed is wanted");
  for (const char* stop : {"cancel-replacement", "dispute-replacement"}) {
    CHECK(words_of(stop, window) != "");
    CHECK(words_of(stop, with(window, "replacement_token", "x")) == "");
    CHECK(words_of(stop, with(with(window, "replacement_token", "x"), "link_token", "x")) != "");
  }
}

TEST_CASE("R-LED-5: who asks: the body's word goes before the defaults") {
  const Defaults defaults{.account = some_id, .service = "web", .idempotency_key = "default", .expected_version = 3};
  const Json body = {{"reason", "x"}};
  const Request by_default = parse("block-account", body, defaults).request;
  CHECK(to_text(*by_default.account) == some_id);
  CHECK(by_default.issuer.service == "web");
  CHECK(by_default.issuer.command_id == "default");
  CHECK(by_default.expected_version == 3U);
  const Json around = {
      {"reason", "x"},
      {"account", "Taro@outlook.com"},
      {"service", "risk"},
      {"idempotency_key", "k"},
      {"expected_version", 0U},
      {"source", {{"ip", "192.0.2.7"}, {"user_agent", "browser"}, {"request_id", "r"}, {"device_id", "pc-1"}}}};
  CHECK(words_of("block-account", around, defaults) ==
        "field `idempotency_key`: the same as beside the body, or no such field, is wanted");
  const ParsedRequest parsed = parse("block-account", around, {.account = some_id, .service = "web"});
  CHECK(parsed.sign_in_name == "Taro@outlook.com");
  CHECK(!parsed.request.account);
  CHECK(parsed.request.issuer.service == "risk");
  CHECK(parsed.request.issuer.command_id == "k");
  CHECK(parsed.request.expected_version == 0U);
  CHECK(parsed.request.issuer.ip == "192.0.2.7");
  CHECK(parsed.request.issuer.network == "192.0.2.0/24");
  CHECK(parsed.request.body == R"({"reason":"x"})");
  CHECK(parse("block-account", body).request.issuer.command_id !=
        parse("block-account", body).request.issuer.command_id);
}

TEST_CASE("names of services and keys have bounds and are UTF-8, from wherever they come") {
  const Json body = {{"reason", "x"}};
  const auto service = [&](const std::string& name) { return words_of("block-account", body, {.service = name}); };
  const auto key = [&](const std::string& name) { return words_of("block-account", body, {.idempotency_key = name}); };
  CHECK(service(std::string(service_bytes_max, 's')) == "");
  CHECK(service(std::string(service_bytes_max + 1, 's')) != "");
  CHECK(service("") != "");
  CHECK(service("\xff") != "");
  CHECK(key(std::string(idempotency_key_bytes_max, 'k')) == "");
  CHECK(key(std::string(idempotency_key_bytes_max + 1, 'k')) != "");
  CHECK(key("") != "");
  CHECK(key("\xff") != "");
  CHECK(words_of("block-account", with(body, "source", {{"ip", "192.0.2"}})) ==
        "field `source.ip`: an IPv4 or IPv6 address is wanted");
  CHECK(words_of("block-account", with(body, "account", "x y")) ==
        "field `account`: a UUID or a sign-in name is wanted");
}

TEST_CASE("the same members in another order are the same body") {
  const Json one = {{"result", "failed"}, {"reason", "x"}, {"device_id", "pc"}},
             other = {{"device_id", "pc"}, {"reason", "x"}, {"result", "failed"}};
  CHECK(parse("record-sign-in", one).request.body == parse("record-sign-in", other).request.body);
  CHECK(parse("record-sign-in", one).request.body != parse("record-sign-in", with(one, "reason", "y")).request.body);
}
