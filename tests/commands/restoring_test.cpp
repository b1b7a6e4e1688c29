#include "commands/restoring.hpp"

#include <doctest/doctest.h>

#include "ledger/audit.hpp"
#include "tests/support/commands_ledger.hpp"

using namespace daicho;
using namespace daicho::test;

SCENARIO("R-LED-5: a restored ledger that goes on leaves an event of its own account, with the reason sealed") {
  MemoryLedger ledger;
  const std::uint64_t size = ledger.log().size();
  const Hash root = *Hash::from(as_bytes(std::string(32, '\x07')));
  const Envelope once{.key = "once", .body = "mark", .service = "local"};
  const AcceptRestore command{.size = size, .known_size = size + 5, .known_root = root, .reason = "disk lost"};
  const Answer answer = ledger.run(command, std::nullopt, once);
  CHECK(outcome(answer) == "accepted: RestoreAccepted");
  CHECK(answer.body["events_missing"] == 5);
  const std::string envelope = ledger.envelopes().back();
  const auto event = Event::parse(as_bytes(envelope));
  REQUIRE(event);
  const auto* restored = event->as<fb::RestoreAccepted>();
  REQUIRE(restored);
  CHECK(event->account().is_zero());
  CHECK(event->position() == size);
  CHECK(restored->size() == size);
  CHECK(restored->known_size() == size + 5);
  CHECK(flatbuffers::UnPack(*restored->known_root()) == root);
  CHECK(envelope.find("disk lost") == std::string::npos);
  const auto key = ledger.keys().data_key(ledger.store(), Id{});
  REQUIRE(key);
  CHECK(event->open(*key)->detail == "disk lost");

  const auto report = audit_log(ledger.store(), ledger.log().verifier(), {.threads = 1, .keys = &ledger.keys()});
  CHECK(!report.first_finding);
  REQUIRE(report.restores.size() == 1);
  CHECK(report.restores[0].position == size);
  CHECK(report.restores[0].known_size == size + 5);

  const Answer again = ledger.run(command, std::nullopt, once);  // as after a crash before the mark was taken away
  CHECK(again.replayed);
  CHECK(ledger.log().size() == size + 1);
}

SCENARIO("an accepted restore that names another size than its position is found") {
  MemoryLedger ledger;
  const std::uint64_t size = ledger.log().size();
  ledger.run(AcceptRestore{.size = size - 1, .known_size = size, .reason = "x"}, std::nullopt, {.service = "local"});
  const auto report = audit_log(ledger.store(), ledger.log().verifier(), {.threads = 1});
  REQUIRE(report.first_finding);
  CHECK(report.first_finding->kind == FindingKind::malformed);
  CHECK(report.first_finding->position == size);
}

SCENARIO("an accepted restore needs a reason, to its limit and not beyond") {
  MemoryLedger ledger;
  const std::uint64_t size = ledger.log().size();
  const auto accept = [&](std::size_t bytes) {
    return ledger.run(AcceptRestore{.size = size, .known_size = size, .reason = std::string(bytes, 'r')}, std::nullopt,
                      {.service = "local"});
  };
  for (const std::size_t bytes : {std::size_t{0}, restore_reason_bytes_max + 1})
    CHECK(outcome(accept(bytes)) == "R-LED-5 reason_missing");
  CHECK(ledger.log().size() == size);
  CHECK(outcome(accept(restore_reason_bytes_max)) == "accepted: RestoreAccepted");
}
