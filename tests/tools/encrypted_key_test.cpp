#include "tools/keys/encrypted_key.hpp"

#include <doctest/doctest.h>

#include "tests/support/ledger_fixture.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

constexpr KeyCost cheap{.passes = 1, .memory_kib = 8};

std::string with(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

SCENARIO("a key under a passphrase opens with it, and with nothing else") {
  const std::string text = encrypt_key("master", as_bytes("the secret"), "pass", cheap, make_entropy());
  CHECK(is_encrypted_key(text));
  CHECK(text.find("the secret") == std::string::npos);
  const auto key = parse_encrypted_key(text);
  REQUIRE(key);
  CHECK(key->what == "master");
  CHECK(key->cost == cheap);
  CHECK(decrypt_key(*key, "pass") == "the secret");
  for (const char* other : {"Pass", "pass ", "pas", ""}) CHECK(!decrypt_key(*key, other));
}

SCENARIO("every changed byte of an encrypted key is told") {
  const std::string text =
      encrypt_key("signing k+01020304+AQ==", as_bytes("the secret"), "pass", cheap, make_entropy());
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const int bit : {1, 64}) {
      std::string changed = text;
      changed[at] = static_cast<char>(changed[at] ^ bit);
      const auto key = parse_encrypted_key(changed);
      const bool is_costly = key && key->cost.memory_kib > 1'024;  // its own limits are another test's
      if (key && !is_costly) CHECK_MESSAGE(!decrypt_key(*key, "pass"), at);
    }
  }
  for (std::size_t size = 0; size < text.size(); ++size) CHECK(!parse_encrypted_key(text.substr(0, size)));
  CHECK(!parse_encrypted_key(text + "\n"));
}

SCENARIO("the cost of an encrypted key is accepted to its limits and not beyond") {
  const std::string text = encrypt_key("master", as_bytes("s"), "pass", cheap, make_entropy());
  const auto accepts = [&](const std::string& passes, const std::string& memory) {
    return parse_encrypted_key(with(text, "argon2id 1 8 ", "argon2id " + passes + ' ' + memory + ' ')).has_value();
  };
  CHECK(accepts("64", "4194304"));
  CHECK(!accepts("65", "4194304"));
  CHECK(!accepts("64", "4194305"));
  CHECK(!accepts("1", "7"));
  CHECK(!accepts("0", "8"));
  for (const char* odd : {"01", "+1", "1.0", "-1", "", "4294967297"}) CHECK(!accepts(odd, "8"));
  CHECK(is_key_cost({.passes = key_passes_max, .memory_kib = key_memory_kib_max}));
  CHECK(!is_key_cost({.passes = key_passes_max + 1, .memory_kib = key_memory_kib_max}));
}

SCENARIO("an encrypted key written once opens for ever") {
  const std::string text =
      "daicho encrypted key v1\n"
      "master\n"
      "argon2id 1 8 Eo8CGv/5FvqKKzB0G6BAIg==\n"
      "RSC1ro8jxM/EstrVb9ESQ5ArROl9brpM2372mvIoEVzlOIiensZRi7WuFn/9JG0KrH/uDz0sh2a+gJahjShAnv/R"
      "GTJ9weMLmdjGG4bhwW3Tz8jX0QMWkPoNcy7sA7F+GazW3DDbGck4qHYcSeZqM+IgTqNA5uEUE4xjz3EeAz5Ae+B/ZwjhpQ==\n";
  const auto key = parse_encrypted_key(text);
  REQUIRE(key);
  CHECK(decrypt_key(*key, "golden passphrase") == to_hex(bytes_from(0).view()));
}
