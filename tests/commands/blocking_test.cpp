#include "commands/blocking.hpp"

#include <doctest/doctest.h>

#include "commands/policy_adoption.hpp"
#include "commands/sign_in.hpp"
#include "tests/support/commands_subject.hpp"

using namespace daicho;
using namespace daicho::test;

SCENARIO("R-BLK-1: a block that is wrong in every way is refused step by step until nothing is wrong") {
  Subject subject = owner();
  for (const std::string& bad :
       {std::string(), std::string("Bad"), std::string("two words"), std::string("ü"), std::string(65, 'a')}) {
    CHECK(outcome(subject.when(BlockAccount{bad, ""})) == "R-BLK-1 reason_not_a_word");
  }
  CHECK(outcome(subject.when(BlockAccount{std::string(64, 'a'), ""})) == "accepted: AccountBlocked");
  const Decision blocking = subject.run(BlockAccount{"suspected_intrusion", "seen from two continents"});
  CHECK(outcome(blocking) == "accepted: AccountBlocked");
  CHECK(blocking.events.front().notifications.size() == 2);
  CHECK(blocking.events.front().personal.detail == "seen from two continents");
  const Decision again = subject.run(BlockAccount{"other_reason", ""});
  CHECK(outcome(again) == "accepted");
  CHECK(again.returns["block_id"] == blocking.returns["block_id"]);
  CHECK(subject.account().block.current->reason == "suspected_intrusion");
}

SCENARIO("R-BLK-2: a block is lifted only by a passed challenge with purpose unblock, step by step") {
  Subject subject = owner();
  CHECK(outcome(subject.when(UnblockAccount{numbered(99)})) == "accepted");
  blocked("suspected_intrusion")(subject);
  CHECK(outcome(subject.when(UnblockAccount{numbered(99)})) == "R-BLK-2 challenge_unknown");
  passed(fb::Purpose::reset_password, 70)(subject);
  CHECK(outcome(subject.when(UnblockAccount{numbered(70)})) == "R-BLK-2 challenge_unknown");
  started(fb::Purpose::unblock, 71)(subject);
  CHECK(outcome(subject.when(UnblockAccount{numbered(71)})) == "R-BLK-2 challenge_not_passed");
  passed(fb::Purpose::unblock, 72)(subject);
  subject.now += subject.policy.step_up_ttl_seconds * second_us;
  CHECK(outcome(subject.when(UnblockAccount{numbered(72)})) == "R-BLK-2 challenge_stale");
  subject.now -= 1;
  CHECK(outcome(subject.run(UnblockAccount{numbered(72)})) == "accepted: AccountUnblocked");
  CHECK(!subject.account().block.current);
  CHECK(outcome(subject.run(UnblockAccount{numbered(72)})) == "accepted");
  blocked("again")(subject);
  CHECK(outcome(subject.when(UnblockAccount{numbered(72)})) == "R-BLK-2 challenge_unknown");
}

SCENARIO(
    "R-BLK-1 R-ACC-5: a blocked account's sign-ins are refused and recorded, others are recorded with their notices") {
  Subject subject = owner();
  const Decision succeeded = subject.run(RecordSignIn{.succeeded = true, .device_id = "pc-1", .location = "Kyoto"});
  CHECK(outcome(succeeded) == "accepted: SignInSucceeded");
  CHECK(succeeded.events.front().personal.device_id == "pc-1");
  CHECK(succeeded.events.front().personal.location == "Kyoto");
  const Decision failed =
      subject.run(RecordSignIn{.succeeded = false, .device_id = "pc-1", .reason = "wrong_password"});
  CHECK(outcome(failed) == "accepted: SignInFailed");
  CHECK(failed.events.front().payload.AsSignInFailed()->reason == "wrong_password");
  CHECK(subject.account().identity.failed_sign_ins == 1);
  blocked("suspected_intrusion")(subject);
  const Decision refused = subject.run(RecordSignIn{.succeeded = true, .device_id = "pc-1"});
  CHECK(outcome(refused) == "R-BLK-1 blocked: SignInRefused");
  CHECK(refused.refusal->extra["reason"] == "suspected_intrusion");
  for (int i = 1; i < 10; ++i)
    CHECK(outcome(subject.run(RecordSignIn{.succeeded = true})) == "R-BLK-1 blocked: SignInRefused");
  CHECK(outcome(subject.run(RecordSignIn{.succeeded = true})) == "R-BLK-1 blocked (counted)");
}

SCENARIO("R-ACC-7: after a change each device asks its owner to verify, until a challenge is passed there") {
  Subject subject = owner();
  const auto shown = [&](const std::string& device_id) {
    return subject.when(RecordSignIn{.succeeded = true, .device_id = device_id}).returns["notices"];
  };
  const Json asked = {"verify_this_device"}, nothing = Json::array();
  CHECK(shown("pc-1") == asked);
  passed(fb::Purpose::sensitive_page, 70, 0, "pc-1")(subject);
  CHECK(shown("pc-1") == nothing);
  CHECK(shown("pc-2") == asked);
  CHECK(shown("") == nothing);
  subject.now += minute_us;
  mailbox("third@example.org")(subject);
  CHECK(shown("pc-1") == asked);
  CHECK(shown("") == asked);
}

SCENARIO("R-CHL-7: a delivery is recorded for a notification that waits, and only then") {
  Subject subject = owner();
  RecordDelivery command{
      .notification = numbered(90), .result = fb::DeliveryResult::bounced, .detail = "mailbox full", .waiting = {}};
  CHECK(outcome(subject.when(command)) == "R-CHL-7 notification_unknown");
  command.waiting = fb::NotificationKind::security_code;
  const Decision decision = subject.when(command);
  CHECK(outcome(decision) == "accepted: DeliveryRecorded");
  CHECK(decision.events.front().payload.AsDeliveryRecorded()->kind == fb::NotificationKind::security_code);
  CHECK(decision.events.front().payload.AsDeliveryRecorded()->result == fb::DeliveryResult::bounced);
  CHECK(decision.events.front().personal.detail == "mailbox full");
}

SCENARIO("R-LED-4: a policy that is wrong in every way is refused step by step until nothing is wrong") {
  LedgerState ledger;
  ledger.policy.version = 4;
  const Subject subject;
  const auto adopting = [&](const Json& parameters) {
    return decide(ledger, AdoptPolicy{parameters}, subject.context());
  };
  CHECK(outcome(adopting({{"no_such_parameter", 1}})) == "R-LED-4 bad_value");
  CHECK(adopting({{"no_such_parameter", 1}}).refusal->extra["parameter"] == "no_such_parameter");
  CHECK(outcome(adopting({{"recovery_per_day", 3}, {"code_digits", 11}})) == "R-LED-4 bad_value");
  CHECK(outcome(adopting({{"password_min", 17}})) == "R-LED-4 bad_value");
  CHECK(outcome(adopting({{"password_min", 17}, {"password_max", 17}})) == "accepted: PolicyAdopted");
  const Decision decision = adopting({{"recovery_per_day", 3}});
  CHECK(decision.returns["version"] == 5);
  CHECK(decision.events.front().payload.AsPolicyAdopted()->version == 5);
  CHECK(outcome(adopting(Json::object())) == "accepted: PolicyAdopted");
}

SCENARIO(
    "R-LED-4: every number is accepted at its bounds and refused one past them, and as anything but a whole number") {
  for (const PolicyNumber& entry : policy_numbers()) {
    CAPTURE(entry.name);
    Policy base;
    base.password_max = 256;
    base.password_min = 8;
    CHECK(amended(base, {{entry.name, entry.min}}));
    CHECK(amended(base, {{entry.name, entry.max}}));
    CHECK(!amended(base, {{entry.name, entry.min - 1}}));
    CHECK(!amended(base, {{entry.name, entry.max + 1}}));
    CHECK(!amended(base, {{entry.name, std::to_string(entry.min)}}));
    CHECK(!amended(base, {{entry.name, static_cast<double>(entry.min) + 0.5}}));
    CHECK(!amended(base, {{entry.name, nullptr}}));
    CHECK(!amended(base, {{entry.name, std::numeric_limits<std::uint64_t>::max()}}));
    const auto changed = amended(base, {{entry.name, entry.max}});
    REQUIRE(changed);
    CHECK((*changed).*entry.field == entry.max);
    CHECK(base.*entry.field >= entry.min);
    CHECK(base.*entry.field <= entry.max);
  }
}

SCENARIO("R-LED-4: texts and lists of a policy") {
  const Policy base;
  const auto good = [&](const Json& change) { return amended(base, change).has_value(); };
  CHECK(good({{"day_kind", "rolling_24h"}}));
  CHECK(!good({{"day_kind", "weekly"}}));
  CHECK(!good({{"day_kind", 1}}));
  CHECK(good({{"day_zone", "Europe/Berlin"}}));
  CHECK(!good({{"day_zone", "Europe/Atlantis"}}));
  CHECK(!good({{"day_zone", ""}}));
  CHECK(good({{"routes", Json::array()}}));
  CHECK(good({{"routes", {"recovery_form", "security_code"}}}));
  CHECK(!good({{"routes", {"security_code", "security_code"}}}));
  CHECK(!good({{"routes", {"mark_lost"}}}));
  CHECK(!good({{"routes", "security_code"}}));
  CHECK(!good({{"routes", Json::array({1})}}));
  CHECK(good({{"provider_domains", {"example.jp"}}}));
  CHECK(!good({{"provider_domains", {"no domain"}}}));
  Json many = Json::array();
  for (int i = 0; i < 64; ++i) many.push_back("d" + std::to_string(i) + ".example");
  CHECK(good({{"provider_domains", many}}));
  many.push_back("one-more.example");
  CHECK(!good({{"provider_domains", many}}));
  CHECK(amended(base, {{"routes", {"recovery_form"}}})->routes == std::vector<std::string>{"recovery_form"});
}

SCENARIO("R-LED-4: a policy as JSON has every parameter") {
  const Json json = to_json(Policy());
  const std::size_t version_and_weights = 2;
  CHECK(json.size() == version_and_weights + policy_numbers().size() + policy_texts().size() + policy_lists().size() +
                           policy_flags().size());
  CHECK(json["replacement_days"] == 30);
  CHECK(json["routes"].size() == 4);
  CHECK(json["disclose_account_existence"] == false);
  CHECK(json["recovery_weights"].size() == default_recovery_weights.size() - 1);  // [0] is no field
  Json parameters = json;
  parameters.erase("version");
  CHECK(*amended(Policy(), parameters) == Policy());
}
