#include "commands/key_rotation.hpp"

#include <doctest/doctest.h>

#include "tests/support/commands_ledger.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

/// A place for keys that notes what it is asked for, and how long the log was then.
struct NotedPlace {
  std::string steps;
  std::string kept;  ///< vkey
  bool has_room = true;
  std::uint8_t seed = 0x71;

  SigningKeyPlace place(const Log& log) {
    const auto note = [this, &log](const char* step) { steps += step + std::to_string(log.size()) + ' '; };
    return {.next = [this, note](const std::string& name) -> std::optional<Signer> {
              note("keep@");
              if (!has_room) return std::nullopt;
              Signer next(name, std::vector<std::uint8_t>(32, seed++));
              kept = next.verifier().vkey();
              return next;
            },
            .drop_next = [note] { note("drop@"); },
            .put_next_in_force = [note] { note("put@"); }};
  }
};

}  // namespace

SCENARIO("R-LED-5: a new signing key is kept before its event is appended, and put in force after") {
  MemoryLedger ledger;
  NotedPlace noted;
  ledger.executor().set_signing_key_place(noted.place(ledger.log()));
  const Verifier first = ledger.log().verifier();
  const std::uint64_t size = ledger.log().size();
  const Answer answer = ledger.run(RotateSigningKey{});
  CHECK(outcome(answer) == "accepted: SigningKeyRotated");
  CHECK(noted.steps == "keep@" + std::to_string(size) + " put@" + std::to_string(size + 1) + " ");
  CHECK(answer.body["vkey"] == noted.kept);
  CHECK(ledger.log().verifier().vkey() == noted.kept);

  const std::string envelope = ledger.envelopes().back();
  const auto event = Event::parse(as_bytes(envelope));
  REQUIRE(event);
  CHECK(event->account().is_zero());
  CHECK(event->verify(first));
  CHECK(event->header().rules()->Get(0) == static_cast<std::uint16_t>(Rule::led_5));
  CHECK(event->as<fb::SigningKeyRotated>()->vkey()->string_view() == noted.kept);
  CHECK(ledger.executor().ledger().head.position == size);
  ledger.make_owner("after@outlook.com");
}

SCENARIO("a repeated rotation gives its first answer, and draws no key") {
  MemoryLedger ledger;
  NotedPlace noted;
  ledger.executor().set_signing_key_place(noted.place(ledger.log()));
  const Envelope envelope{.key = "once", .body = "{}"};
  const Answer once = ledger.run(RotateSigningKey{}, std::nullopt, envelope);
  const std::string steps = noted.steps;
  const Answer again = ledger.run(RotateSigningKey{}, std::nullopt, envelope);
  CHECK(again.replayed);
  CHECK(again.body == once.body);
  CHECK(noted.steps == steps);
}

SCENARIO("nothing is appended when the new key cannot be kept, or the account has moved on") {
  MemoryLedger ledger;
  const std::uint64_t size = ledger.log().size();
  CHECK(ledger.execute(RotateSigningKey{}).error().kind == FaultKind::busy);  // there is no place at all
  NotedPlace noted;
  ledger.executor().set_signing_key_place(noted.place(ledger.log()));
  const auto moved_on = ledger.execute(RotateSigningKey{}, std::nullopt, {.expected_version = 77});
  CHECK(moved_on.error().kind == FaultKind::version_conflict);
  CHECK(noted.steps.empty());
  noted.has_room = false;
  CHECK(ledger.execute(RotateSigningKey{}).error().kind == FaultKind::busy);
  CHECK(noted.steps == "keep@" + std::to_string(size) + " ");
  CHECK(ledger.log().size() == size);
  ledger.make_owner("after@outlook.com");
}
