// The refusals of the ledger's own commands, each in its fixed order; and of what comes before every decision.
#include "tests/support/commands_ledger.hpp"
#include "tests/support/ladder.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

/// A ledger's own state, asked to decide.
struct Registry {
  LedgerState state;
  Subject subject;

  template <class C>
  Decision when(const C& command) const {
    return decide(state, command, subject.context());
  }
};

Service service(const std::string& name) { return {.name = name, .roles = {fb::Role::front_end}}; }

auto parameters(Json given) {
  return [given = std::move(given)](Registry&, AdoptPolicy& command) { command.parameters = given; };
}

}  // namespace

SCENARIO("R-LED-4: adopt-policy, rung by rung") {
  const std::string bad = "R-LED-4 bad_value";
  Ladder(Registry(), AdoptPolicy{{{"window_days", 30}, {"code_digits", 3}}})
      .rung(bad, parameters({{"replacement_days", 0}, {"day_zone", "Europe/Atlantis"}}))
      .rung(bad, parameters({{"replacement_days", 1}, {"day_zone", "Europe/Atlantis"}}))
      .rung(bad, parameters({{"day_kind", "weekly"}}))
      .rung(bad, parameters({{"routes", {"carrier_pigeon"}}}))
      .rung(bad, parameters({{"provider_domains", {"not a domain"}}}))
      .rung(bad, parameters({{"disclose_account_existence", 1}}))
      .rung(bad, parameters({{"recovery_weights", {{"shoe_size", 1}}}}))
      .rung(bad, parameters({{"password_min", 17}}))
      .rung(bad, parameters({{"password_min", 17}, {"password_max", 17}}))
      .expect_accepted("PolicyAdopted");
}

SCENARIO("R-LED-5: register-service, rung by rung") {
  Registry registry;
  registry.state.services.assign(services_max, service("web"));
  Ladder(registry, RegisterService{.name = "Web Shop", .roles = {}, .public_key = "no key"})
      .rung("R-LED-5 name_not_a_word", &RegisterService::name, "local")
      .rung("R-LED-5 name_reserved", &RegisterService::name, "scheduler")
      .rung("R-LED-5 name_reserved", &RegisterService::name, "web")
      .rung("R-LED-5 service_exists", &RegisterService::name, "shop")
      .rung("R-LED-5 too_many_services", [](Registry& r, auto&) { r.state.services.pop_back(); })
      .rung("R-LED-5 no_roles", &RegisterService::roles, {fb::Role::risk})
      .rung("R-LED-5 invalid_public_key", &RegisterService::public_key, to_base64(as_bytes(std::string(32, 'k'))))
      .expect_accepted("ServiceRegistered");
}

SCENARIO("R-LED-5: revoke-service, rung by rung") {
  Registry registry;
  registry.state.services = {service("web"), service("shop")};
  registry.state.services[1].revoked_at = noon;
  Ladder(registry, RevokeService{"shops"})
      .rung("R-LED-5 no_such_service", &RevokeService::name, "shop")
      .rung("R-LED-5 no_such_service", &RevokeService::name, "web")
      .expect_accepted("ServiceRevoked");
}

SCENARIO("R-LED-5: record-access, rung by rung") {
  RecordAccess wrong;
  wrong.investigator = "Taro Yamada";
  wrong.earlier = {noon};
  Subject subject = owner();
  subject.policy.accesses_per_day = 1;
  Ladder(subject, wrong)
      .rung("R-LED-5 fields_missing", &RecordAccess::fields, {"profile", "profile", "password"})
      .rung("R-LED-5 field_unknown", &RecordAccess::fields, {"profile", "profile"})
      .rung("R-LED-5 field_repeated", &RecordAccess::fields, {"profile"})
      .rung("R-LED-5 reason_missing", &RecordAccess::reason, std::string(access_reason_bytes_max + 1, 'r'))
      .rung("R-LED-5 reason_too_long", &RecordAccess::reason, "complaint")
      .rung("R-LED-5 case_number_missing", &RecordAccess::case_number, std::string(case_number_bytes_max + 1, '@'))
      .rung("R-LED-5 case_number_too_long", &RecordAccess::case_number, "taro@example.com")
      .rung("R-LED-5 case_number_not_a_word", &RecordAccess::case_number, "C-1042")
      .rung("R-LED-5 investigator_not_a_word", &RecordAccess::investigator, "staff-17")
      .rung("R-LED-5 access_limit: CommandRefused", under([](Policy& policy) { ++policy.accesses_per_day; }))
      .expect_accepted("AccessRecorded");
}

SCENARIO("R-LED-5 R-LED-6 R-LIFE-1: disclose-events, rung by rung") {
  DiscloseEvents wrong;
  wrong.investigator = "Taro Yamada";
  wrong.earlier = {noon};
  Subject subject = owner();
  subject.policy.accesses_per_day = 1;
  Subject closed = owner();
  closed.happened(draft(fb::AccountClosedT{.key_fingerprint = Hash{{1}}, .name_mark = {1}}, {Rule::life_1}));
  CHECK(outcome(closed.when(wrong)) == "R-LIFE-1 account_erased");
  Ladder(subject, wrong)
      .rung("R-LED-5 positions_missing", &DiscloseEvents::positions, std::vector<Position>(disclosure_events_max + 1))
      .rung("R-LED-5 too_many_positions", &DiscloseEvents::positions, std::vector<Position>(disclosure_events_max))
      .rung("R-LED-5 position_repeated", &DiscloseEvents::positions, {999, 0, 1})
      .rung("R-LED-6 secrets_included", &DiscloseEvents::with_secrets, true)
      .rung("R-LED-5 event_closed", &DiscloseEvents::positions, {1, 0})
      .rung("R-LED-5 reason_missing", &DiscloseEvents::reason, std::string(access_reason_bytes_max + 1, 'r'))
      .rung("R-LED-5 reason_too_long", &DiscloseEvents::reason, std::string(access_reason_bytes_max, 'r'))
      .rung("R-LED-5 case_number_missing", &DiscloseEvents::case_number, std::string(case_number_bytes_max + 1, '@'))
      .rung("R-LED-5 case_number_too_long", &DiscloseEvents::case_number, "taro@example.com")
      .rung("R-LED-5 case_number_not_a_word", &DiscloseEvents::case_number, std::string(case_number_bytes_max, 'c'))
      .rung("R-LED-5 investigator_not_a_word", &DiscloseEvents::investigator, "staff-17")
      .rung("R-LED-5 access_limit: CommandRefused", under([](Policy& policy) { ++policy.accesses_per_day; }))
      .expect_accepted("AccessRecorded");
}

namespace {

/// A command at the executor's door: the refusal, or the fault, in words.
std::string answer(MemoryLedger& ledger, const std::optional<Id>& account, const Envelope& envelope) {
  const auto given = ledger.execute(RecordAccess{{"complaint", "C-1042", ""}, {"profile"}}, account, envelope);
  if (given) return outcome(*given);
  switch (given.error().kind) {
    case FaultKind::no_such_account:
      return "no such account";
    case FaultKind::key_reused:
      return "key reused";
    case FaultKind::version_conflict:
      return "version conflict";
    default:
      return "another fault";
  }
}

}  // namespace

SCENARIO("R-LED-5 R-REC-11 R-LIFE-1: what is asked before a decision, rung by rung: key, account, version, role, end") {
  MemoryLedger ledger;
  const Id open = ledger.make_owner("owner@outlook.jp"), closed = ledger.make_owner("gone@outlook.jp");
  ledger.run(RegisterService{"desk", {fb::Role::support}, ""});
  ledger.run(RegisterService{"post", {fb::Role::delivery}, ""}, std::nullopt, {.service = "local"});
  ledger.run(CloseAccount{.password = "Old-pass1", .confirm = true}, closed,
             {.key = "used", .service = "local", .command = "close-account"});
  Envelope envelope{.key = "used", .service = "shop", .expected_version = 1, .command = "record-access"};
  const Id nobody = numbered(99);
  ledger.run(RecordSignIn{.succeeded = false}, open, {.key = "used", .service = "shop", .command = "record-sign-in"});
  CHECK(answer(ledger, nobody, envelope) == "key reused");
  envelope.key = "unused";
  CHECK(answer(ledger, nobody, envelope) == "no such account");
  CHECK(answer(ledger, closed, envelope) == "version conflict");
  envelope.expected_version.reset();
  CHECK(answer(ledger, closed, envelope) == "R-LED-5 service_unknown: CommandRefused");
  envelope.service = "post";
  CHECK(answer(ledger, closed, envelope) == "R-LED-5 role_missing: CommandRefused");
  envelope.service = "desk";
  CHECK(answer(ledger, closed, envelope) == "R-REC-11 support_overreach: CommandRefused");
  envelope.service = "local";
  CHECK(answer(ledger, closed, envelope) == "R-LIFE-1 account_closed");
  CHECK(answer(ledger, open, envelope) == "accepted: AccessRecorded");
}

SCENARIO("R-LED-5: rotate-signing-key asks for the key to come, and then refuses nobody") {
  MemoryLedger ledger;
  CHECK(ledger.execute(RotateSigningKey{}).error().kind == FaultKind::busy);
  const auto next = [](const std::string& name) { return Signer(name, std::vector<std::uint8_t>(32, 0x71)); };
  ledger.executor().set_signing_key_place({next, [] {}, [] {}});
  CHECK(outcome(ledger.run(RotateSigningKey{})) == "accepted: SigningKeyRotated");
}

SCENARIO("R-LED-5: rotate-lookup-key waits for the rotation before it, and then refuses nobody") {
  MemoryLedger ledger;
  CHECK(outcome(ledger.run(RotateLookupKey{})) == "accepted: LookupKeyRotated");
  CHECK(ledger.execute(RotateLookupKey{}).error().kind == FaultKind::busy);
  ledger.reopen();  // puts the rows under the new key
  CHECK(outcome(ledger.run(RotateLookupKey{})) == "accepted: LookupKeyRotated");
}
