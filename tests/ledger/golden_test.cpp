#include <doctest/doctest.h>

#include <map>

#include "ledger/checkpoint.hpp"
#include "ledger/merkle.hpp"
#include "tests/support/ledger_fixture.hpp"
#include "tests/support/ledger_golden.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

Event parsed(const std::string& envelope) {
  const auto event = Event::parse(as_bytes(envelope));
  REQUIRE(event);
  return *event;
}

}  // namespace

SCENARIO("the golden ledger of format version 1 parses, verifies, links and opens for ever") {
  const GoldenLedger golden = read_golden();
  REQUIRE(golden.envelopes.size() == 10);
  CHECK(golden.vkey == "daicho.example/ledger+5a758731+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4\n");
  const auto verifier = Verifier::parse_vkey(golden.vkey.substr(0, golden.vkey.size() - 1));
  REQUIRE(verifier);

  Frontier frontier;
  std::map<Id, AccountHead> heads;
  Time last = 0;
  for (const std::string& envelope : golden.envelopes) {
    const Event event = parsed(envelope);
    CHECK(event.verify(*verifier));
    CHECK(event.position() == frontier.size());
    CHECK(event.time() >= last);
    CHECK(event.previous() == heads[event.account()]);
    CHECK(event.open(golden_data_key()));
    last = event.time();
    const Hash leaf = leaf_hash(as_bytes(envelope));
    heads[event.account()] = {event.account_version(), event.position(), leaf};
    frontier.append(leaf);
  }
  const auto checkpoint = open_checkpoint(golden.checkpoint, *verifier);
  REQUIRE(checkpoint);
  CHECK(*checkpoint == Checkpoint{origin, frontier.size(), frontier.root()});
}

SCENARIO("what the golden ledger says does not change") {
  const GoldenLedger golden = read_golden();
  REQUIRE(golden.envelopes.size() == 10);
  const Event created = parsed(golden.envelopes[0]);
  REQUIRE(created.as<fb::LedgerCreated>());
  CHECK(created.as<fb::LedgerCreated>()->origin()->str() == origin);
  CHECK(created.as<fb::LedgerCreated>()->simulated_clock());
  CHECK(created.header().source()->entry() == fb::Entry::http);
  CHECK(created.header().service()->str() == "web");
  CHECK(flatbuffers::UnPack(*created.header().command_digest()) == bytes_from(0xd0));

  const Event adopted = parsed(golden.envelopes[1]);
  REQUIRE(adopted.as<fb::PolicyAdopted>());
  CHECK(adopted.as<fb::PolicyAdopted>()->parameters()->Get(0)->number() == 6);
  CHECK(adopted.as<fb::PolicyAdopted>()->parameters()->Get(1)->texts()->Get(1)->str() == "FR");

  const Event registered = parsed(golden.envelopes[2]);
  REQUIRE(registered.as<fb::AccountRegistered>());
  CHECK(registered.as<fb::AccountRegistered>()->plan() == fb::Plan::paid);
  const auto personal = registered.open(golden_data_key());
  REQUIRE(personal);
  CHECK(personal->sign_in_name == "taro@example.com");
  CHECK(personal->profile->surname == "山田");
  CHECK(personal->ip == "192.0.2.7");

  const Event sent = parsed(golden.envelopes[4]);
  REQUIRE(sent.as<fb::CodeSent>());
  CHECK(sent.as<fb::CodeSent>()->channel() == fb::Channel::sms);
  CHECK(sent.header().rules()->Get(1) == 302);
  CHECK(flatbuffers::UnPack(*sent.body().notifications()->Get(0)->secret_id()) == account_id(101));

  const Event submitted = parsed(golden.envelopes[6]);
  REQUIRE(submitted.as<fb::RecoverySubmitted>());
  CHECK(submitted.header().caused_by() == 5U);
  CHECK(submitted.header().previous_position() == 5U);
  CHECK(submitted.open(golden_data_key())->answers.at(0)->values.at(1) == "two");

  const Event completed = parsed(golden.envelopes[7]);
  REQUIRE(completed.as<fb::ReplacementCompleted>());
  CHECK(flatbuffers::UnPack(*completed.as<fb::ReplacementCompleted>()->added()->Get(1)) == account_id(114));
  const Event refused = parsed(golden.envelopes[8]);
  REQUIRE(refused.as<fb::RecoveryRefused>());
  CHECK(refused.as<fb::RecoveryRefused>()->retry_at() == start_time + day_us);
  CHECK(parsed(golden.envelopes[9]).as<fb::RecoveryCodeRejected>());
}

SCENARIO("today's encoder still makes events of format version 1 that read like the golden ones") {
  const GoldenLedger golden = read_golden(), made = make_golden();
  REQUIRE(made.envelopes.size() == golden.envelopes.size());
  for (std::size_t i = 0; i < golden.envelopes.size(); ++i) {
    const Event old_one = parsed(golden.envelopes[i]), new_one = parsed(made.envelopes[i]);
    CHECK(old_one.type() == new_one.type());
    CHECK(old_one.time() == new_one.time());
    CHECK(old_one.account() == new_one.account());
    CHECK(old_one.header().command()->str() == new_one.header().command()->str());
    CHECK(old_one.open(golden_data_key())->address == new_one.open(golden_data_key())->address);
  }
}
