#include "commands/services.hpp"

#include <doctest/doctest.h>

#include "projections/event_fields.hpp"
#include "tests/support/commands_ledger.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

using enum fb::Role;

constexpr std::array all_roles = {front_end, delivery, risk,         evidence, scheduler,
                                  support,   auditor,  investigator, admin};

RegisterService service(const std::string& name, std::vector<fb::Role> roles = {front_end}) {
  return {.name = name, .roles = std::move(roles), .public_key = ""};
}

/// A ledger's own state, asked to decide and folded from what it decided.
struct Registry {
  LedgerState state;
  Subject subject;

  template <class C>
  Decision run(const C& command) {
    Decision decision = decide(state, command, subject.context());
    for (const Draft& each : decision.events) {
      if (const auto* registered = each.payload.AsServiceRegistered()) {
        state.services.push_back({.id = registered->service_id,
                                  .name = registered->name,
                                  .roles = registered->roles,
                                  .public_key = registered->public_key,
                                  .token_hash = registered->token_hash});
      } else if (const auto* revoked = each.payload.AsServiceRevoked()) {
        std::ranges::find(state.services, revoked->service_id, &Service::id)->revoked_at = subject.now;
      }
    }
    return decision;
  }
};

/// The newest event of a ledger.
struct Newest {
  std::string bytes;
  const Event event;
  explicit Newest(const MemoryLedger& ledger)
      : bytes(ledger.envelopes().back()), event(*Event::parse(as_bytes(bytes))) {}
};

std::ptrdiff_t refusals_recorded(const MemoryLedger& ledger, const Id& account) {
  const auto envelopes = ledger.envelopes();
  return std::ranges::count_if(envelopes, [&](const std::string& bytes) {
    const auto event = Event::parse(as_bytes(bytes));
    return event && event->account() == account && event->as<fb::CommandRefused>();
  });
}

Envelope as(const std::string& service_name, const std::string& command) {
  Envelope envelope;
  envelope.service = service_name;
  envelope.command = command;
  return envelope;
}

bool is_replay_equal(const MemoryLedger& ledger) {
  Replay replay(ledger.store(), &ledger.keys());
  REQUIRE(!replay_log(ledger.store(), replay, nullptr));
  return replay.rows() == ledger.rows(Family::rows);
}

}  // namespace

SCENARIO("R-LED-5: a registration that is wrong in every way is refused step by step until nothing is wrong") {
  Registry registry;
  RegisterService command{.name = "Web Shop", .roles = {}, .public_key = "no key"};
  CHECK(outcome(registry.run(command)) == "R-LED-5 name_not_a_word");
  command.name = "local";
  CHECK(outcome(registry.run(command)) == "R-LED-5 name_reserved");
  command.name = "scheduler";
  CHECK(outcome(registry.run(command)) == "R-LED-5 name_reserved");
  CHECK(outcome(registry.run(service("web"))) == "accepted: ServiceRegistered");
  command.name = "web";
  CHECK(outcome(registry.run(command)) == "R-LED-5 service_exists");
  command.name = "shop";
  CHECK(outcome(registry.run(command)) == "R-LED-5 no_roles");
  command.roles = {front_end, risk};
  CHECK(outcome(registry.run(command)) == "R-LED-5 invalid_public_key");
  command.public_key = to_base64(as_bytes(std::string(32, 'k')));
  const Decision decision = registry.run(command);
  CHECK(outcome(decision) == "accepted: ServiceRegistered");
  const auto* registered = decision.events.front().payload.AsServiceRegistered();
  CHECK(registered->name == "shop");
  CHECK(registered->roles == std::vector<fb::Role>{front_end, risk});
  CHECK(registered->public_key == std::vector<std::uint8_t>(32, 'k'));
}

SCENARIO("R-LED-5: a service's name is one word of a-z, 0-9, _ and -, at most 64 long") {
  Registry registry;
  for (const std::string& name : {std::string("a"), std::string("web-1"), std::string("web_2"), std::string(64, 'w')}) {
    CAPTURE(name);
    CHECK(outcome(registry.run(service(name))) == "accepted: ServiceRegistered");
  }
  for (const std::string& name :
       {std::string(""), std::string(65, 'w'), std::string("Web"), std::string("we b"), std::string("web.1"),
        std::string("w\xC3\xA9"
                    "b"),
        std::string("web\n"), std::string("web\0x", 5)}) {
    CAPTURE(name);
    CHECK(outcome(registry.run(service(name))) == "R-LED-5 name_not_a_word");
  }
}

SCENARIO("R-LED-5: a public key is 32 bytes of Ed25519 in base64, or none") {
  const auto with_key = [](const std::string& key) {
    Registry registry;
    RegisterService command = service("web");
    command.public_key = key;
    return outcome(registry.run(command));
  };
  CHECK(with_key("") == "accepted: ServiceRegistered");
  CHECK(with_key(to_base64(as_bytes(std::string(32, 'k')))) == "accepted: ServiceRegistered");
  for (const std::string& key :
       {to_base64(as_bytes(std::string(31, 'k'))), to_base64(as_bytes(std::string(33, 'k'))), std::string(44, '!'),
        to_base64url(as_bytes(std::string(32, '\xff'))), std::string(64, 'a')}) {
    CAPTURE(key);
    CHECK(with_key(key) == "R-LED-5 invalid_public_key");
  }
}

SCENARIO("R-LED-5: a ledger registers a thousand services, revoked ones included, and no more") {
  Registry registry;
  for (std::size_t i = 0; i < services_max - 1; ++i) registry.run(service("s" + std::to_string(i)));
  CHECK(outcome(registry.run(RevokeService{"s0"})) == "accepted: ServiceRevoked");
  CHECK(outcome(registry.run(service("one-more"))) == "accepted: ServiceRegistered");
  CHECK(registry.state.services.size() == services_max);
  CHECK(outcome(registry.run(service("too-many"))) == "R-LED-5 too_many_services");
  CHECK(outcome(registry.run(RevokeService{"s1"})) == "accepted: ServiceRevoked");
  CHECK(outcome(registry.run(service("still-too-many"))) == "R-LED-5 too_many_services");
}

SCENARIO("R-LED-5: a revoked name may be given again, to another service with another token") {
  Registry registry;
  const Decision first = registry.run(service("web"));
  CHECK(outcome(registry.run(RevokeService{"shop"})) == "R-LED-5 no_such_service");
  CHECK(outcome(registry.run(RevokeService{"web"})) == "accepted: ServiceRevoked");
  CHECK(outcome(registry.run(RevokeService{"web"})) == "R-LED-5 no_such_service");
  CHECK(check_role(registry.state, "web", "start-challenge")->code == "service_unknown");
  const Decision second = registry.run(service("web", {risk}));
  CHECK(outcome(second) == "accepted: ServiceRegistered");
  CHECK(second.returns["token"] != first.returns["token"]);
  CHECK(registry.state.services[0].id != registry.state.services[1].id);
  CHECK(registry.state.find_service("web")->roles == std::vector<fb::Role>{risk});
  CHECK(check_role(registry.state, "web", "start-challenge")->code == "role_missing");
}

SCENARIO("R-LED-6: a service's token is shown once, and its event holds nothing but the hash") {
  MemoryLedger ledger;
  const Answer answer = ledger.run(service("web"), std::nullopt, {.key = "first", .service = "local"});
  CHECK(outcome(answer) == "accepted: ServiceRegistered");
  const std::string token = answer.body["token"].get<std::string>();
  CHECK(token.size() >= 22);  // 128 bits in base64
  const Newest newest(ledger);
  const auto* registered = newest.event.as<fb::ServiceRegistered>();
  REQUIRE(registered);
  CHECK(newest.event.account().is_zero());
  const Vault vault(Id{}, *ledger.keys().data_key(ledger.store(), Id{}), ledger.keys().code_key());
  const Id id = id_of(registered->service_id());
  CHECK(tag_of(registered->token_hash()) == vault.hash(OneTime::service_token, id, token));
  CHECK(vault.matches(OneTime::service_token, id, ledger.executor().ledger().services[0].token_hash, token));
  for (const Family family : {Family::events, Family::answers, Family::meta, Family::rows}) {
    for (const auto& [key, value] : ledger.rows(family)) CHECK(value.find(token) == std::string::npos);
  }
  const Answer again = ledger.run(service("web"), std::nullopt, {.key = "second", .service = "local"});
  CHECK(outcome(again) == "R-LED-5 service_exists");
  CHECK(!again.body.contains("token"));
}

SCENARIO("R-LED-5: every command of the catalogue is issued by the roles the catalogue names, and by no other") {
  const std::map<std::string, std::vector<fb::Role>> catalogue = {
      {"register-account", {front_end}},
      {"confirm-sign-in-name", {front_end}},
      {"change-profile", {front_end}},
      {"change-password", {front_end}},
      {"record-sign-in", {front_end}},
      {"enable-two-step", {front_end}},
      {"disable-two-step", {front_end}},
      {"merge-accounts", {all_roles.begin(), all_roles.end()}},
      {"add-proof", {front_end}},
      {"verify-proof", {front_end}},
      {"replace-proof", {front_end}},
      {"remove-proof", {front_end}},
      {"issue-recovery-code", {front_end}},
      {"start-challenge", {front_end}},
      {"send-code", {front_end}},
      {"record-delivery", {delivery}},
      {"submit-code", {front_end}},
      {"answer-secret-question", {front_end}},
      {"use-recovery-code", {front_end}},
      {"reset-password", {front_end}},
      {"trust-device", {front_end}},
      {"mark-proofs-lost", {front_end}},
      {"propose-replacement-proof", {front_end}},
      {"confirm-replacement-proof", {front_end}},
      {"cancel-replacement", {front_end}},
      {"dispute-replacement", {front_end}},
      {"complete-replacement", {scheduler}},
      {"submit-recovery", {front_end}},
      {"decide-recovery", {scheduler}},
      {"send-recovery-survey", {scheduler}},
      {"block-account", {risk}},
      {"unblock-account", {front_end}},
      {"record-evidence", {evidence}},
      {"deactivate-mailbox", {front_end, scheduler}},
      {"expire-account", {scheduler}},
      {"close-account", {front_end}},
      {"adopt-policy", {admin}},
      {"register-service", {admin}},
      {"revoke-service", {admin}},
      {"record-access", {investigator}},
      {"disclose-events", {investigator, auditor}},
      {"lease", {delivery}},
  };
  for (const auto& each : catalogue) {
    const auto& [command, roles] = each;
    const auto named = roles_of(command);
    for (const fb::Role role : all_roles) {
      CAPTURE(each.first);
      CAPTURE(fb::EnumNameRole(role));
      const bool may = std::ranges::find(roles, role) != roles.end();
      CHECK((named.empty() || std::ranges::find(named, role) != named.end()) == may);
      LedgerState ledger;
      ledger.services = {{.name = "other", .roles = roles}, {.name = "asking", .roles = {role}}};
      const auto refusal = check_role(ledger, "asking", command);
      CHECK(!refusal.has_value() == may);
      if (!refusal) continue;
      CHECK(refusal->rule == (role == support ? Rule::rec_11 : Rule::led_5));
      CHECK(refusal->code == (role == support ? "support_overreach" : "role_missing"));
      ledger.services[1].roles.insert(ledger.services[1].roles.begin(), roles.front());
      CHECK(!check_role(ledger, "asking", command));  // one of several roles is enough, beside support, too
    }
  }
}

SCENARIO("R-LED-5: while no service is registered every name issues every command; from then on only known ones") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp");
  CHECK(outcome(ledger.run(BlockAccount{"suspected_intrusion", ""}, owner, as("anybody", "block-account"))) ==
        "accepted: AccountBlocked");
  CHECK(outcome(ledger.run(service("admin-tool", {admin}), std::nullopt, as("anybody", "register-service"))) ==
        "accepted: ServiceRegistered");
  for (const std::string name : {"anybody", "web", "scheduler", "", "Local"}) {
    CAPTURE(name);
    const Answer answer = ledger.run(RecordSignIn{.succeeded = true}, owner, as(name, "record-sign-in"));
    CHECK(outcome(answer) == "R-LED-5 service_unknown: CommandRefused");
    CHECK(is_not_permitted(answer.body));
  }
  CHECK(outcome(ledger.run(AdoptPolicy{{{"recovery_per_day", 3}}}, std::nullopt, as("web", "adopt-policy"))) ==
        "R-LED-5 service_unknown: CommandRefused");
  CHECK(outcome(ledger.run(service("web"), std::nullopt, as("admin-tool", "register-service"))) ==
        "accepted: ServiceRegistered");
  CHECK(outcome(ledger.run(RecordSignIn{.succeeded = false}, owner, as("web", "record-sign-in"))) ==
        "R-BLK-1 blocked: SignInRefused");
  const Answer missing = ledger.run(BlockAccount{"x", ""}, owner, as("web", "block-account"));
  CHECK(outcome(missing) == "R-LED-5 role_missing: CommandRefused");
  CHECK(is_not_permitted(missing.body));
  CHECK(!is_not_permitted(ledger.run(RecordSignIn{}, owner, as("web", "record-sign-in")).body));
  CHECK(outcome(ledger.run(AdoptPolicy{{{"recovery_per_day", 4}}}, std::nullopt, as("local", "adopt-policy"))) ==
        "accepted: PolicyAdopted");
  ledger.reopen();
  CHECK(ledger.run(RecordSignIn{}, owner, as("anybody", "record-sign-in")).body["code"] == "service_unknown");
  CHECK(ledger.run(RecordSignIn{}, owner, as("web", "record-sign-in")).body["code"] == "blocked");
}

SCENARIO("R-LED-5: a revoked service is refused, also when it was the last one") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp");
  ledger.run(service("web"), std::nullopt, as("local", "register-service"));
  ledger.run(service("app"), std::nullopt, as("local", "register-service"));
  const auto sign_in = [&](const std::string& name) {
    return outcome(ledger.run(RecordSignIn{.succeeded = true}, owner, as(name, "record-sign-in")));
  };
  CHECK(sign_in("web") == "accepted: SignInSucceeded");
  CHECK(outcome(ledger.run(RevokeService{"web"}, std::nullopt, as("app", "revoke-service"))) ==
        "R-LED-5 role_missing: CommandRefused");
  CHECK(outcome(ledger.run(RevokeService{"web"}, std::nullopt, as("local", "revoke-service"))) ==
        "accepted: ServiceRevoked");
  CHECK(sign_in("web") == "R-LED-5 service_unknown: CommandRefused");
  CHECK(sign_in("app") == "accepted: SignInSucceeded");
  ledger.run(RevokeService{"app"}, std::nullopt, as("local", "revoke-service"));
  CHECK(sign_in("app") == "R-LED-5 service_unknown: CommandRefused");
  CHECK(sign_in("never-there") == "R-LED-5 service_unknown: CommandRefused");
  CHECK(sign_in("local") == "accepted: SignInSucceeded");
  CHECK(ledger.executor().ledger().services[0].revoked_at == ledger.clock.load());
  CHECK(is_replay_equal(ledger));
}

namespace {

/// Somebody at the help desk of a ledger with one account.
struct HelpDesk {
  MemoryLedger ledger;
  Id owner;
  explicit HelpDesk(const Json& changes = Json::object())
      : ledger(changes), owner(ledger.make_owner("owner@outlook.jp")) {
    ledger.run(service("desk", {support}), std::nullopt, as("local", "register-service"));
    ledger.tick();
  }
  Answer tries(Command command, const std::string& name, bool names_account = true) {
    return ledger.run(std::move(command), names_account ? std::optional(owner) : std::nullopt, as("desk", name));
  }
};

}  // namespace

SCENARIO("R-REC-11: whatever support tries is refused and recorded on the account, and changes nothing else") {
  HelpDesk desk;
  const Account before = desk.ledger.account(desk.owner);
  const std::vector<std::pair<std::string, Command>> tries = {
      {"reset-password", ResetPassword{.reset_token = "x", .password = {"New-pass2", "New-pass2"}}},
      {"change-profile", ChangeProfile{.challenge = numbered(1), .changes = {{"surname", "Sato"}}}},
      {"change-password", ChangePassword{.current = "Old-pass1", .password = {"New-pass2", "New-pass2"}}},
      {"decide-recovery", DecideRecovery{numbered(1)}},
      {"record-access", RecordAccess{{.reason = "a call", .case_number = "1", .investigator = ""}, {"profile"}}},
      {"disclose-events", DiscloseEvents{{.reason = "a call", .case_number = "1", .investigator = ""}, {2}}},
      {"start-challenge", StartChallenge{fb::Purpose::reset_password, {}, CharacterCheck{"a", "a"}}},
      {"close-account", CloseAccount{.password = "Old-pass1", .confirm = true}},
      {"add-proof", AddProof{.challenge = {}, .proof = new_mailbox("desk@example.org")}},
      {"block-account", BlockAccount{"a_reason", ""}},
  };
  for (const auto& each : tries) {
    const auto& [name, command] = each;
    CAPTURE(each.first);
    const Answer answer = desk.tries(command, name);
    CHECK(outcome(answer) == "R-REC-11 support_overreach: CommandRefused");
    CHECK(answer.body.size() == 5);  // rule, code, title, detail, events: nothing of the account
    const Newest newest(desk.ledger);
    const auto* refused = newest.event.as<fb::CommandRefused>();
    REQUIRE(refused);
    CHECK(newest.event.account() == desk.owner);
    CHECK(refused->rule() == static_cast<std::uint16_t>(Rule::rec_11));
    CHECK(refused->code()->str() == "support_overreach");
    CHECK(newest.event.header().service()->str() == "desk");
    CHECK(newest.event.header().command()->str() == name);
    CHECK(newest.event.header().rules()->Get(0) == static_cast<std::uint16_t>(Rule::rec_11));
  }
  Account after = desk.ledger.account(desk.owner);
  after.head = before.head;
  after.limits.refusals = before.limits.refusals;
  CHECK(after == before);
  CHECK(refusals_recorded(desk.ledger, desk.owner) == 10);
  CHECK(is_replay_equal(desk.ledger));
}

SCENARIO("R-REC-11: a command of support that names no account is recorded on the ledger's own") {
  HelpDesk desk;
  const std::size_t accounts = desk.ledger.rows(Family::keys).size();
  CHECK(outcome(desk.tries(registration("new@outlook.jp"), "register-account", false)) ==
        "R-REC-11 support_overreach: CommandRefused");
  CHECK(outcome(desk.tries(AdoptPolicy{{{"recovery_per_day", 9}}}, "adopt-policy", false)) ==
        "R-REC-11 support_overreach: CommandRefused");
  CHECK(outcome(desk.tries(service("mine", {admin}), "register-service", false)) ==
        "R-REC-11 support_overreach: CommandRefused");
  Envelope unknown = as("desk", "submit-recovery");
  unknown.unknown_name = "nobody@outlook.jp";
  CHECK(outcome(desk.ledger.run(recovery_form(), std::nullopt, unknown)) ==
        "R-REC-11 support_overreach: CommandRefused");
  CHECK(refusals_recorded(desk.ledger, Id{}) == 4);
  CHECK(refusals_recorded(desk.ledger, desk.owner) == 0);
  CHECK(desk.ledger.rows(Family::keys).size() == accounts);
  CHECK(desk.ledger.executor().ledger().policy.version == 1);
  CHECK(desk.ledger.executor().ledger().services.size() == 1);
  CHECK(desk.ledger.executor().ledger().refusals.within_hour(static_cast<std::uint16_t>(Rule::rec_11), noon) == 4);
  CHECK(is_replay_equal(desk.ledger));
}

SCENARIO("R-LED-1: of a flood of overreach some are recorded, the others counted, on the account and on the ledger") {
  HelpDesk desk(Json{{"recorded_refusals_per_hour", 4}});
  const auto flood = [&] {
    for (int i = 0; i < 30; ++i)
      CHECK(desk.tries(IssueRecoveryCode{numbered(1)}, "issue-recovery-code").body["code"] == "support_overreach");
    for (int i = 0; i < 20; ++i)
      CHECK(desk.tries(RevokeService{"desk"}, "revoke-service", false).body["code"] == "support_overreach");
  };
  flood();
  CHECK(refusals_recorded(desk.ledger, desk.owner) == 4);
  CHECK(refusals_recorded(desk.ledger, Id{}) == 4);
  const auto done = desk.ledger.tick();
  REQUIRE(done.size() == 2);
  std::vector<Json> counted;
  for (const Answer& answer : done) {
    CHECK(outcome(answer) == "accepted: RefusalsCounted");
    CHECK(answer.body["rule"] == "R-REC-11");
    counted.push_back(answer.body["count"]);
  }
  std::ranges::sort(counted);
  CHECK(counted == std::vector<Json>{16, 26});
  CHECK(desk.ledger.account(desk.owner).limits.refusals_counted == 26);
  CHECK(desk.ledger.tick().empty());
  desk.ledger.wait(hour_us);
  flood();
  CHECK(refusals_recorded(desk.ledger, desk.owner) == 8);
  CHECK(refusals_recorded(desk.ledger, Id{}) == 8);
  CHECK(is_replay_equal(desk.ledger));
}

SCENARIO("R-LED-1: a refused command given again under its key gives its first answer and no second event") {
  HelpDesk desk;
  Envelope envelope = as("desk", "issue-recovery-code");
  envelope.key = "once";
  envelope.body = "{}";
  const Answer first = desk.ledger.run(IssueRecoveryCode{numbered(1)}, desk.owner, envelope);
  const Answer again = desk.ledger.run(IssueRecoveryCode{numbered(1)}, desk.owner, envelope);
  CHECK(!first.replayed);
  CHECK(again.replayed);
  CHECK(again.body == first.body);
  CHECK(refusals_recorded(desk.ledger, desk.owner) == 1);
}
