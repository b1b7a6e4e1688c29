#include "tools/keys/key_backup.hpp"

#include <doctest/doctest.h>

#include "tests/tools/tools_ledger.hpp"
#include "tools/keys/key_files.hpp"
#include "tools/keys/signing_place.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

constexpr KeyCost cheap{.passes = 1, .memory_kib = 8};
constexpr Time now = start_time;

KeyBackup backup() {
  return {.vkey = "ledger.example+01020304+AQ==",
          .made = now,
          .expires = now + 90 * day_us,
          .signing = "PRIVATE+KEY+secret",
          .master = make_key(1)};
}

std::string sealed() { return seal_key_backup(backup(), "pass", cheap, make_entropy()); }

template <class Call>
std::optional<Exit> exit_of(Call&& call) {
  try {
    call();
  } catch (const Failure& failure) {
    CHECK(std::string(failure.what()).size() > 10);
    return failure.exit;
  }
  return std::nullopt;
}

}  // namespace

TEST_CASE("a key backup gives back what it was made of, and says no secret") {
  const std::string text = sealed();
  CHECK(text.find("secret") == std::string::npos);
  CHECK(text.find(to_hex(make_key(1).view())) == std::string::npos);
  const KeyBackup opened = open_key_backup(text, "pass");
  CHECK(opened.vkey == backup().vkey);
  CHECK(opened.made == now);
  CHECK(opened.expires == now + 90 * day_us);
  CHECK(opened.signing == "PRIVATE+KEY+secret");
  CHECK(equal_constant_time(opened.master->view(), make_key(1).view()));
  KeyBackup less = backup();
  less.master.reset();
  CHECK(!open_key_backup(seal_key_backup(less, "pass", cheap, make_entropy()), "pass").master);
}

TEST_CASE("a key backup expires at the instant it names and not before") {
  const KeyBackup made = backup();
  CHECK(!is_expired(made, now));
  CHECK(!is_expired(made, made.expires - 1));
  CHECK(is_expired(made, made.expires));
  CHECK(is_expired(made, made.expires + 1));
}

TEST_CASE("an expiry that was put off is told as an altered file") {
  const std::string text = sealed();
  const std::string from = to_rfc3339(now + 90 * day_us), later = to_rfc3339(now + 900 * day_us);
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  std::string changed = text;
  changed.replace(at, from.size(), later);
  CHECK(exit_of([&] { open_key_backup(changed, "pass"); }) == Exit::not_permitted);
  CHECK(exit_of([&] { open_key_backup(text, "Pass"); }) == Exit::not_permitted);
  for (std::size_t i = 0; i < text.size(); i += 3) {
    changed = text;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    const auto key = parse_encrypted_key(changed);
    if (!key || key->cost == cheap) CHECK_MESSAGE(exit_of([&] { open_key_backup(changed, "pass"); }).has_value(), i);
  }
  const std::string other = encrypt_key("master", as_bytes("secret"), "pass", cheap, make_entropy());
  CHECK(exit_of([&] { open_key_backup(other, "pass"); }) == Exit::usage);
  CHECK(exit_of([&] { open_key_backup("", "pass"); }) == Exit::usage);
}

TEST_CASE("an expiry is a number of days or a time to come, up to ten years ahead") {
  CHECK(parse_expiry("1", now) == now + day_us);
  CHECK(parse_expiry(std::to_string(key_backup_days_max), now) == now + key_backup_days_max * day_us);
  CHECK(parse_expiry(to_rfc3339(now + 1), now) == now + 1);
  CHECK(parse_expiry(to_rfc3339(now + key_backup_days_max * day_us), now) == now + key_backup_days_max * day_us);
  for (const std::string& wrong : {std::string("0"), std::string("-1"), std::to_string(key_backup_days_max + 1),
                                   to_rfc3339(now), to_rfc3339(now + key_backup_days_max * day_us + 1),
                                   std::string("9999999999999999999999"), std::string("soon"), std::string()})
    CHECK_MESSAGE(exit_of([&] { parse_expiry(wrong, now); }) == Exit::usage, wrong);
}
