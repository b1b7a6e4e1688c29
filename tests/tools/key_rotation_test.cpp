#include <atomic>
#include <thread>

#include "ledger/audit.hpp"
#include "tests/tools/tools_ledger.hpp"
#include "tools/audit/verify.hpp"
#include "tools/keys/key_files.hpp"
#include "tools/log_files.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

struct RotatingLedger : ToolsLedger {
  const std::filesystem::path path = directory.path() / "ledger";
  const std::filesystem::path current = path / "signing.key", next = path / "signing.key.next";
  const std::string first = read_verifier(path).vkey();

  std::string rotate() { return run("rotate-signing-key", Json::object())["vkey"]; }
  std::string key_in_file() const { return read_signing_key(current).verifier().vkey(); }
  void close() { open = {}; }
  void reopen() {
    close();
    open = open_for_writing(path, std::nullopt);
  }
  std::string read(const std::filesystem::path& file) const { return read_file(file).value_or(""); }

  void check_intact(std::uint64_t rotations) {
    close();
    const auto audit = audit_verify({.directory = path, .keys = parse_vkeys({first})});
    INFO(audit.report.dump());
    CHECK(audit.is_clean);
    CHECK(audit.report.value("key_rotations", std::uint64_t{0}) == rotations);
    CHECK(replay_ledger(path, false).is_clean);
    CHECK(read_verifier(path).vkey() == first);
    CHECK(!std::filesystem::exists(next));
    open = open_for_writing(path, std::nullopt);
  }
};

}  // namespace

SCENARIO("a rotated key signs what follows, and the first verifier still verifies all of it") {
  RotatingLedger ledger;
  ledger.register_account("before");
  const std::string second = ledger.rotate();
  CHECK(second != ledger.first);
  CHECK(ledger.open.log->verifier().vkey() == second);
  CHECK(ledger.key_in_file() == second);
  CHECK((std::filesystem::status(ledger.current).permissions() & std::filesystem::perms::mask) ==
        (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
  ledger.register_account("between");
  ledger.check_intact(1);
  ledger.register_account("after-opening");
  const std::string third = ledger.rotate();
  CHECK(third != second);
  ledger.register_account("last");
  ledger.check_intact(2);
  CHECK(ledger.open.log->verifier().vkey() == third);
  for (const std::string& other : {second, third}) {
    const auto audit = audit_verify({.directory = ledger.path, .keys = parse_vkeys({other})});
    CHECK(!audit.is_clean);
    CHECK(audit.report["finding"]["position"] == 0);
  }
}

SCENARIO("a repeated call rotates once and answers the same") {
  RotatingLedger ledger;
  const Defaults defaults{.idempotency_key = "rotation-1"};
  const auto once = execute_json(ledger.open, "rotate-signing-key", Json::object(), defaults);
  REQUIRE(once);
  const std::uint64_t size = ledger.open.log->size();
  ledger.reopen();
  const auto again = execute_json(ledger.open, "rotate-signing-key", Json::object(), defaults);
  REQUIRE(again);
  CHECK(again->replayed);
  CHECK(again->body["vkey"] == once->body["vkey"]);
  CHECK(ledger.open.log->size() == size);
  CHECK(ledger.key_in_file() == once->body["vkey"]);
  ledger.check_intact(1);
}

SCENARIO("a crash before the event: the next key is dropped") {
  RotatingLedger ledger;
  std::string left = Signer("daicho.example/ledger", bytes_from(0x77).view()).secret_text() + "\n";
  SUBCASE("whole") {}
  SUBCASE("cut short") { left.resize(20); }
  SUBCASE("empty") { left.clear(); }
  ledger.close();
  create_file(ledger.next, left, 0600);
  ledger.reopen();
  CHECK(!std::filesystem::exists(ledger.next));
  CHECK(ledger.open.log->verifier().vkey() == ledger.first);
  CHECK(ledger.key_in_file() == ledger.first);
  ledger.register_account();
  ledger.check_intact(0);
  ledger.rotate();
  ledger.check_intact(1);
}

SCENARIO("a crash between the event and the new file name: the rotation is finished") {
  RotatingLedger ledger;
  const std::string old_secret = ledger.read(ledger.current);
  const std::string second = ledger.rotate();
  ledger.close();
  rename_file(ledger.current, ledger.next);  // as it was after the event
  create_file(ledger.current, old_secret, 0600);
  SUBCASE("by a writer") {}
  SUBCASE("after an audit and a query beside it, which change nothing") {
    CHECK(audit_verify({.directory = ledger.path, .keys = parse_vkeys({ledger.first})}).is_clean);
    open_for_reading(ledger.path);
    CHECK(std::filesystem::exists(ledger.next));
  }
  ledger.reopen();
  CHECK(ledger.open.log->verifier().vkey() == second);
  CHECK(ledger.key_in_file() == second);
  ledger.register_account();
  ledger.check_intact(1);
}

SCENARIO("without the key in force a ledger does not open, and no key file is touched") {
  RotatingLedger ledger;
  const std::string old_secret = ledger.read(ledger.current);
  ledger.rotate();
  ledger.close();
  remove_file(ledger.current);
  create_file(ledger.current, old_secret, 0600);
  bool has_next = false;
  SUBCASE("with nothing beside it") {}
  SUBCASE("with a key beside it that the log does not name") { has_next = true; }
  if (has_next) create_file(ledger.next, make_signer(0x33).secret_text() + "\n", 0600);
  CHECK_THROWS_AS(open_for_writing(ledger.path, std::nullopt), Failure);
  CHECK(ledger.read(ledger.current) == old_secret);
  CHECK(std::filesystem::exists(ledger.next) == has_next);
  CHECK(audit_verify({.directory = ledger.path, .keys = parse_vkeys({ledger.first})}).is_clean);
}

SCENARIO("a key that cannot be kept is not put in force") {
  RotatingLedger ledger;
  create_file(ledger.next, "in the way", 0600);
  const std::uint64_t size = ledger.open.log->size();
  const auto answer = execute_json(ledger.open, "rotate-signing-key", Json::object(), {});
  REQUIRE(!answer);
  CHECK(answer.error().kind == FaultKind::busy);
  CHECK(ledger.open.log->size() == size);
  CHECK(ledger.open.log->verifier().vkey() == ledger.first);
  CHECK(ledger.read(ledger.next) == "in the way");
  ledger.register_account();
}

SCENARIO("only an administrator rotates the key, once services are registered") {
  RotatingLedger ledger;
  ledger.run("register-service", {{"name", "web"}, {"roles", {"front_end"}}});
  ledger.run("register-service", {{"name", "console"}, {"roles", {"admin"}}});
  const auto refused = execute_json(ledger.open, "rotate-signing-key", Json::object(), {.service = "web"});
  REQUIRE(refused);
  CHECK(refused->body["code"] == "role_missing");
  CHECK(ledger.key_in_file() == ledger.first);
  CHECK(!std::filesystem::exists(ledger.next));
  const auto done = execute_json(ledger.open, "rotate-signing-key", Json::object(), {.service = "console"});
  REQUIRE(done);
  CHECK(!done->is_refusal);
  ledger.check_intact(1);
}

SCENARIO("keys are rotated under load") {
  RotatingLedger ledger;
  std::vector<std::string> accounts;
  for (int i = 0; i < 4; ++i) accounts.push_back(ledger.register_account("owner" + std::to_string(i)));
  std::atomic<bool> stop = false;
  std::atomic<int> faults = 0;
  std::vector<std::thread> threads;
  for (const std::string& account : accounts) {
    threads.emplace_back([&, account] {
      while (!stop) {
        const Json body = {{"account", account}, {"result", "succeeded"}, {"device_id", "pc"}, {"location", "JP"}};
        if (!execute_json(ledger.open, "record-sign-in", body, {})) ++faults;
      }
    });
  }
  for (int i = 0; i < 5; ++i) {
    const auto answer = execute_json(ledger.open, "rotate-signing-key", Json::object(), {});
    if (!answer) ++faults;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  CHECK(faults == 0);
  ledger.check_intact(5);
}

SCENARIO("no secret of a key leaves its file") {
  RotatingLedger ledger;
  const auto answer = execute_json(ledger.open, "rotate-signing-key", Json::object(), {});
  REQUIRE(answer);
  std::string secret = ledger.read(ledger.current);
  for (int i = 0; i < 4; ++i) secret.erase(0, secret.find('+') + 1);  // PRIVATE, KEY, name, key id
  secret.resize(40);                                                  // of the base64 of 01 and the seed
  CHECK(answer->body.dump().find(secret) == std::string::npos);
  const auto seed = from_base64(secret);
  REQUIRE(seed);
  const auto failed = ledger.open.store->scan(Family::events, {}, [&](ByteView, ByteView envelope) {
    CHECK(as_text(envelope).find(secret) == std::string::npos);
    CHECK(as_text(envelope).find(seed->substr(1)) == std::string::npos);
    return true;
  });
  CHECK(!failed);
}

SCENARIO("a store that lost its end with a rotation is not written to, and an audit of it warns") {
  RotatingLedger ledger;
  ledger.register_account("before");
  ledger.close();
  const auto copy = ledger.directory.path() / "copy";
  std::filesystem::copy(ledger.path / "store", copy, std::filesystem::copy_options::recursive);
  ledger.reopen();
  ledger.rotate();
  SUBCASE("published: the checkpoint of the rotation") {}
  SUBCASE("published: a later one") { ledger.register_account("after"); }
  const bool is_later = ledger.open.log->size() > 8;
  ledger.close();
  std::filesystem::remove_all(ledger.path / "store");
  std::filesystem::rename(copy, ledger.path / "store");
  CHECK_THROWS_AS(open_for_writing(ledger.path, std::nullopt), Failure);
  const auto audit = audit_verify({.directory = ledger.path, .keys = parse_vkeys({ledger.first})});
  CHECK(audit.is_clean == is_later);
  CHECK(audit.report.contains(is_later ? "warnings" : "finding"));
}
