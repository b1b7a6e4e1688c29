#include "ledger/signed_request.hpp"

#include <doctest/doctest.h>

#include <map>

#include "tests/support/ledger_fixture.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

constexpr std::int64_t created = 1'618'884'473;
const std::string account_text = "018bcfe5-0000-7000-8000-000000000001";

SignatureParameters parameters_of(const std::string& text) {
  const auto list = parse_inner_list(text);
  REQUIRE(list);
  auto read = read_signature_parameters(*list);
  REQUIRE(read);
  return *std::move(read);
}

/// What is wrong with the parameters; empty: nothing.
std::string wrong_with(const std::string& text) {
  const auto list = parse_inner_list(text);
  REQUIRE(list);
  const auto read = read_signature_parameters(*list);
  return read ? "" : read.error();
}

/// A base as a service makes one, with a line changed.
std::string base_of(const std::string& name = "", const std::string& value = "") {
  std::map<std::string, std::string> values = {{"@method", "POST"},
                                               {"@path", "/v1/accounts/" + account_text + "/commands/block-account"},
                                               {"content-digest", "sha-256=:AAE=:"},
                                               {"idempotency-key", "\"key-1\""}};
  if (!name.empty()) values[name] = value;
  const auto base =
      signature_base(parameters_of(R"(("@method" "@path" "content-digest" "idempotency-key");created=1618884473;)"
                                   R"(keyid="web";tag="daicho.example/ledger")"),
                     [&](const std::string& each) { return std::optional(values.at(each)); });
  REQUIRE(base);
  return *base;
}

std::string refuted(const std::string& base, const CommandNames& names) {
  const auto read = read_signature_base(base);
  REQUIRE(read);
  return refute_command(*read, names).value_or("");
}

const CommandNames names{"web", "block-account", "key-1", *parse_id(account_text), origin};

}  // namespace

TEST_CASE("RFC 9421 appendix B.2.6: signing a request with ed25519, key test-key-ed25519 of B.1.4") {
  const std::map<std::string, std::string> message = {{"date", "Tue, 20 Apr 2021 02:07:55 GMT"},
                                                      {"@method", "POST"},
                                                      {"@path", "/foo"},
                                                      {"@authority", "example.com"},
                                                      {"content-type", "application/json"},
                                                      {"content-length", "18"}};
  const auto input = parse_dictionary(
      R"(sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;)"
      R"(keyid="test-key-ed25519")");
  const auto sent = parse_dictionary(
      "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:");
  REQUIRE(input);
  REQUIRE(sent);
  const auto parameters = read_signature_parameters(std::get<InnerList>(input->front().value));
  REQUIRE(parameters);
  CHECK(parameters->keyid == "test-key-ed25519");
  CHECK(parameters->created == created);
  const auto value_of = [&](const std::string& name) { return std::optional(message.at(name)); };
  const auto base = signature_base(*parameters, value_of);
  REQUIRE(base);
  CHECK(*base ==
        "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\"@method\": POST\n\"@path\": /foo\n\"@authority\": example.com\n"
        "\"content-type\": application/json\n\"content-length\": 18\n\"@signature-params\": (\"date\" \"@method\" "
        "\"@path\" \"@authority\" \"content-type\" \"content-length\");created=1618884473;keyid=\"test-key-ed25519\"");
  const auto& bytes = std::get<StructuredBytes>(std::get<StructuredItem>(sent->front().value).value).bytes;
  const auto key = from_hex("26b40b8f93fff3d897112f7ebc582b232dbd72517d082fe83cfb30ddce43d1bb");
  SignedRequest request{*PublicKey::from(as_bytes(*key)), *base, *Signature::from(as_bytes(bytes))};
  CHECK(request.verifies());
  const auto again = read_signature_base(*base);
  REQUIRE(again);
  CHECK(again->value_of("@authority") == "example.com");
  CHECK(again->parameters.text == parameters->text);
  SUBCASE("an altered line") {
    request.base.replace(request.base.find("/foo"), 4, "/bar");
    CHECK(!request.verifies());
  }
  SUBCASE("another created") {
    request.base.replace(request.base.find("1618884473"), 10, "1618884474");
    CHECK(!request.verifies());
  }
  SUBCASE("another key") {
    request.key.bytes[0] ^= 1;
    CHECK(!request.verifies());
  }
}

TEST_CASE("what a signature says of itself") {
  CHECK(wrong_with(R"(("@method");created=1;keyid="web";alg="ed25519";nonce="n";tag="t";expires=2)") == "");
  CHECK(wrong_with(R"(("@method");keyid="web")") == "parameter `created` is wanted");
  CHECK(wrong_with(R"(("@method");created=1)") == "parameter `keyid` is wanted");
  CHECK(wrong_with(R"(("@method");created="1";keyid="web")").starts_with("parameter `created`"));
  CHECK(wrong_with(R"(("@method");created=-1;keyid="web")").starts_with("parameter `created`"));
  CHECK(wrong_with(R"(("@method");created=253402300799;keyid="web")") == "");
  CHECK(wrong_with(R"(("@method");created=253402300800;keyid="web")").starts_with("parameter `created`"));
  CHECK(wrong_with(R"(("@method");created=1;keyid=web)").starts_with("parameter `keyid`"));
  CHECK(wrong_with(R"(("@method");created=1;keyid="web";alg="hmac-sha256")").starts_with("parameter `alg`"));
  CHECK(wrong_with(R"(("@method");created=1;keyid="web";bogus=1)") == "parameter `bogus` is not known here");
  CHECK(wrong_with(R"((method);created=1;keyid="web")") == "a component is named by a string");
  CHECK(wrong_with(R"(("@method" "@method");created=1;keyid="web")") == "component `@method` stands twice");
  CHECK(wrong_with(R"(("@signature-params");created=1;keyid="web")").starts_with("component"));
  CHECK(wrong_with(R"(("@query-param";name="x");created=1;keyid="web")") ==
        "component `@query-param`: parameters are not known here");
}

TEST_CASE("a base that is not made") {
  const auto parameters = parameters_of(R"(("x");created=1;keyid="web")");
  const auto make = [&](std::optional<std::string> value) {
    return signature_base(parameters, [&](const std::string&) { return value; });
  };
  CHECK(!make(std::nullopt));
  CHECK(!make("a\nb"));
  const std::size_t around = make("")->size();
  REQUIRE(make(std::string(signature_base_bytes_max - around, 'x')));
  CHECK(!make(std::string(signature_base_bytes_max - around + 1, 'x')));
  CHECK(read_signature_base(*make(std::string(signature_base_bytes_max - around, 'x'))));
}

TEST_CASE("a base that is none") {
  const std::string good = base_of();
  REQUIRE(read_signature_base(good));
  const std::size_t last = good.rfind('\n');
  for (const std::string& text :
       {std::string(), std::string("x"), good.substr(0, last), good.substr(last + 1), good + "\n", "\"x\": y\n" + good,
        good.substr(good.find('\n') + 1), good + ";x=1", good + std::string(signature_base_bytes_max, 'x')}) {
    CAPTURE(text);
    CHECK(!read_signature_base(text));
  }
}

TEST_CASE("of which command a signature is") {
  CHECK(refuted(base_of(), names) == "");
  CHECK(refuted(base_of("idempotency-key", "key-1"), names) == "");
  CHECK(refuted(base_of("@path", "/v1/commands/block-account"), names) == "");
  CHECK(refuted(base_of("@path", "/v1/accounts"), {"web", "register-account", "key-1", names.account, origin}) == "");
  SUBCASE("another service") {
    CHECK(refuted(base_of(), {"radar", "block-account", "key-1", names.account, origin}) == "keyid is not the service");
    for (const char* other : {"", "daicho.example/staging"})
      CHECK(refuted(base_of(), {"web", "block-account", "key-1", names.account, other}) ==
            "tag is not this ledger's name");
  }
  SUBCASE("another command") {
    CHECK(refuted(base_of(), {"web", "unblock-account", "key-1", names.account, origin}).starts_with("the path"));
    CHECK(refuted(base_of("@path", "/v1/commands/unblock-account"), names).starts_with("the path"));
    CHECK(refuted(base_of("@path", "/v1/accounts"), names).starts_with("the path"));
  }
  SUBCASE("another account, or a path that names it otherwise") {
    CHECK(refuted(base_of(), {"web", "block-account", "key-1", account_id(7), origin}).starts_with("the path"));
    for (const std::string& path : {std::string("/v1/accounts/") + account_text, std::string("/v1/accounts/"),
                                    "/v1/accounts/" + account_text + "/commands/block-account/",
                                    "/v1/accounts/" + account_text + "/commands/%62lock-account",
                                    "/v1/accounts" + account_text + "//commands/block-account", std::string("/foo")})
      CHECK(refuted(base_of("@path", path), names).starts_with("the path"));
  }
  SUBCASE("another method") { CHECK(refuted(base_of("@method", "GET"), names) == "the method signed is no command's"); }
  SUBCASE("another idempotency key") {
    CHECK(refuted(base_of("idempotency-key", "\"key-2\""), names).starts_with("the idempotency key"));
  }
  SUBCASE("each component that must be covered") {
    for (const std::string left_out : {"@method", "@path", "content-digest", "idempotency-key"}) {
      std::string base;
      std::string covered;
      for (const std::string each : {"@method", "@path", "content-digest", "idempotency-key"}) {
        if (each == left_out) continue;
        base += '"' + each + "\": x\n";
        covered += (covered.empty() ? "" : " ") + ('"' + each + '"');
      }
      base += "\"@signature-params\": (" + covered + ");created=1;keyid=\"web\"";
      CHECK(refuted(base, names) == "component `" + left_out + "` is not covered");
    }
  }
}

TEST_CASE("when a signature counts") {
  const auto at = [](const std::string& more, Time time) {
    const auto words = refute_time(parameters_of("();created=1618884473;keyid=\"web\"" + more), time);
    return !words;
  };
  const Time instant = created * second_us;
  CHECK(at("", instant - signature_ahead_max));
  CHECK(!at("", instant - signature_ahead_max - 1));
  CHECK(at("", instant + signature_age_max));
  CHECK(!at("", instant + signature_age_max + 1));
  CHECK(at(";expires=1618884483", instant + 10 * second_us));
  CHECK(!at(";expires=1618884483", instant + 10 * second_us + 1));
}

TEST_CASE("the key of a signed request is made of every key that it has to do with") {
  const SecretKey own = make_key(1), other = make_key(2), third = make_key(3);
  const auto text = [](const SecretKey& key) { return std::string(as_text(key.view())); };
  CHECK(text(request_key(own, {})) != text(own));
  CHECK(text(request_key(own, {&other})) != text(request_key(own, {})));
  CHECK(text(request_key(own, {&other})) != text(request_key(third, {&other})));
  CHECK(text(request_key(own, {&other, &third})) != text(request_key(own, {&other})));
  CHECK(text(request_key(own, {&other, &third})) != text(request_key(own, {&third, &other})));
  CHECK(text(request_key(own, {&other})) == text(request_key(own, {&other})));
}
