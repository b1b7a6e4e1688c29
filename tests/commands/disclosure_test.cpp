#include <doctest/doctest.h>

#include <set>

#include "commands/decoy.hpp"
#include "tests/support/commands_ledger.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

constexpr const char* known_name = "known@outlook.jp";
constexpr const char* unknown_name = "nobody@outlook.jp";

/// One of the two whose answers are compared: an account, or a name that nobody has.
struct Side {
  MemoryLedger& ledger;
  std::string name;
  std::optional<Id> account;
  Json last;                           ///< newest answer
  std::vector<Id> offers;              ///< of the newest challenge
  Id challenge, replacement;           ///< the newest ones
  std::uint64_t seq = 0, version = 0;  ///< of the newest event

  Envelope envelope() const {
    Envelope envelope;
    if (!account) envelope.unknown_name = name;
    return envelope;
  }
  Account state() const {
    if (account) return ledger.account(*account);
    auto decoy = load_decoy(ledger.store(), ledger.keys(), name, noon, ledger.clock);
    REQUIRE(decoy);
    return std::move(const_cast<Decoy&>(*decoy).account);
  }
  void remember(const Answer& answer) {
    last = answer.body;
    if (last.contains("challenge_id")) challenge = id_in(answer, "challenge_id");
    if (last.contains("replacement_id")) replacement = id_in(answer, "replacement_id");
    if (!last.contains("offers")) return;
    offers.clear();
    for (const Json& offer : last["offers"]) offers.push_back(*parse_id(offer["proof_id"].get<std::string>()));
  }
};

/// What a stranger could learn from an answer: everything but what is drawn anew for each account.
Json shape(const Json& json, const std::string& member = "") {
  if (json.is_array() || json.is_object()) {
    Json shaped = json.is_array() ? Json::array() : Json::object();
    for (const auto& [key, value] : json.items()) {
      json.is_array() ? shaped.push_back(shape(value, member)) : void(shaped[key] = shape(value, key));
    }
    return shaped;
  }
  if (member == "seq" || member == "account_version") return json.is_number_unsigned() ? "a number" : json;
  if (!json.is_string()) return json;
  const std::string text = json.get<std::string>();
  if (parse_id(text)) return "an id of " + std::to_string(text.size());
  if (member == "replacement_token") return "a token of " + std::to_string(text.size());
  if (member != "masked") return json;
  const auto at = text.find('@');
  if (at == std::string::npos) return text.substr(0, text.size() - 2) + "two digits";
  return "two letters" + text.substr(2, at - 2) + "@a domain";
}

/// The same commands to an account and to a name nobody has; every answer is compared.
class Pair {
 public:
  MemoryLedger ledger;
  Side known{ledger, known_name, std::nullopt, {}, {}, {}, {}},
      unknown{ledger, unknown_name, std::nullopt, {}, {}, {}, {}};

  explicit Pair(const Json& changes = Json::object()) : ledger(changes) {
    RegisterAccount command = registration(known_name);
    command.proofs = {new_mailbox("knowner@outlook.com"), new_phone("090-1234-5678")};
    known.account = id_in(ledger.run(command), "account");
    for (const Mail& mail : ledger.outbox()) {
      VerifyProof verify{.proof = mail.proof};
      (mail.kind == fb::NotificationKind::proof_link ? verify.link_token : verify.code) = mail.secret;
      REQUIRE(!ledger.run(verify, known.account).is_refusal);
    }
    ledger.wait(2 * hour_us);
    REQUIRE(!ledger.run(RecordSignIn{.succeeded = true}, known.account).is_refusal);
    ledger.tick();
    ledger.wait(second_us);
  }

  /// In words what came of it, alike for both.
  std::string both(const std::function<Command(const Side&)>& make) {
    std::vector<std::string> answers;
    std::string words;
    for (Side* side : {&known, &unknown}) {
      const Command command = make(*side);
      CHECK(is_public(command));
      const auto answer = ledger.execute(command, side->account, side->envelope());
      if (!answer) {
        words = "fault " + std::to_string(static_cast<int>(answer.error().kind));
        answers.push_back(words);
        continue;
      }
      words = outcome(*answer);
      answers.push_back((answer->is_refusal ? "refused " : "accepted ") + shape(answer->body).dump());
      side->remember(*answer);
      follow(*side);
    }
    CHECK(answers[0] == answers[1]);
    if (known.version && unknown.version) {
      const auto distance = known.version - unknown.version;
      if (!distance_) distance_ = distance;
      CHECK(distance == *distance_);  // both have as many events more
    }
    return words;
  }
  std::string both(const Command& command) {
    return both([&](const Side&) { return command; });
  }
  /// The same again and again: what came of it last.
  std::string both(int times, const std::function<Command(const Side&)>& make) {
    std::string words;
    for (int i = 0; i < times; ++i) words = both(make);
    return words;
  }
  std::string start() { return both(StartChallenge{fb::Purpose::reset_password, {}, CharacterCheck{"a", "A"}}); }

 private:
  /// Events of an answer come after those before, without a gap in the account's own count.
  void follow(Side& side) {
    if (!side.last.contains("events")) return;
    for (const Json& event : side.last["events"]) {
      CHECK(event["seq"].get<std::uint64_t>() > side.seq);
      side.seq = event["seq"].get<std::uint64_t>();
      side.version = event["account_version"].get<std::uint64_t>();
    }
  }
  std::optional<std::uint64_t> distance_;
};

SendCode sending(const Side& side, std::size_t n, const std::string& confirmation = "nothing") {
  return {side.challenge, side.offers.at(n), n == 0 ? fb::Channel::email : fb::Channel::sms, confirmation};
}

}  // namespace

SCENARIO("R-ACC-6: starting a challenge on a name nobody has is answered as on an account") {
  Pair pair;
  CHECK(pair.both(StartChallenge{fb::Purpose::unblock, {}, {}}) ==
        "R-CHL-1 character_check_missing: CharacterCheckFailed");
  CHECK(pair.both(12, [](const Side&) {
    return StartChallenge{fb::Purpose::reset_password, {}, CharacterCheck{"a", "b"}};
  }) == "R-CHL-1 character_check_failed");
  CHECK(pair.start() == "accepted: ChallengeStarted");
  CHECK(pair.known.offers.size() == 2);
  CHECK(pair.both(StartChallenge{fb::Purpose::unblock, "a device", CharacterCheck{"a", "A"}}) ==
        "accepted: ChallengeStarted");
  CHECK(pair.both(40, [](const Side&) {
    return StartChallenge{fb::Purpose::reset_password, {}, CharacterCheck{"a", "A"}};
  }) == "accepted: ChallengeStarted");
  CHECK(pair.both([](const Side& side) { return UnblockAccount{side.challenge}; }) == "accepted");
}

SCENARIO("R-ACC-6: wrong confirmations are refused and limited on a name nobody has as on an account") {
  Pair pair;
  CHECK(pair.both(SendCode{numbered(1), numbered(2), fb::Channel::email, "x"}) == "R-CHL-1 challenge_unknown");
  pair.start();
  CHECK(pair.both([](const Side& side) {
    return SendCode{side.challenge, numbered(2), fb::Channel::email, "x"};
  }) == "R-CHL-2 proof_not_offered");
  CHECK(pair.both([](const Side& side) {
    return SendCode{side.challenge, side.offers[0], fb::Channel::voice, "x"};
  }) == "R-PRF-3 channel_not_offered");
  for (const std::size_t proof : {std::size_t{0}, std::size_t{1}}) {
    for (int left = 4; left >= 0; --left) {
      CHECK(pair.both([&](const Side& side) { return sending(side, proof); }) ==
            "R-CHL-3 wrong_confirmation: ContactConfirmationFailed");
      CHECK(pair.unknown.last["confirmations_left"] == left);
    }
    CHECK(pair.both(12, [&](const Side& side) { return sending(side, proof); }) == "R-CHL-3 confirmation_limit");
    CHECK(pair.unknown.last.contains("retry_at"));
  }
  pair.start();
  CHECK(pair.both([](const Side& side) { return sending(side, 0); }) == "R-CHL-3 confirmation_limit");
  pair.ledger.reopen();
  CHECK(pair.both([](const Side& side) { return sending(side, 1); }) == "R-CHL-3 confirmation_limit");
  pair.ledger.wait(hour_us);
  CHECK(pair.both([](const Side& side) { return sending(side, 0); }) == "R-CHL-1 challenge_expired");
  pair.ledger.wait(day_us);
  pair.start();
  CHECK(pair.both([](const Side& side) { return sending(side, 0); }) ==
        "R-CHL-3 wrong_confirmation: ContactConfirmationFailed");
}

SCENARIO("R-ACC-6: answers to a challenge of a name nobody has are refused and limited as an account's") {
  Pair pair;
  CHECK(pair.both(SubmitCode{numbered(1), "1234567"}) == "R-CHL-1 challenge_unknown");
  CHECK(pair.both(UseRecoveryCode{numbered(1), "x"}) == "R-CHL-1 challenge_unknown");
  CHECK(pair.both(AnswerSecretQuestion{numbered(1), numbered(2), "x"}) == "R-CHL-1 challenge_unknown");
  pair.start();
  CHECK(pair.both(14, [](const Side& side) { return SubmitCode{side.challenge, "1234567"}; }) == "R-CHL-5 no_code");
  CHECK(pair.both([](const Side& side) {
    return SubmitCode{side.challenge, "1234567", side.offers[0]};
  }) == "R-CHL-5 no_code");
  CHECK(pair.both([](const Side& side) {
    return AnswerSecretQuestion{side.challenge, side.offers[0], "x"};
  }) == "R-CHL-2 proof_not_offered");
  const auto recovery_code = [](const Side& side) { return UseRecoveryCode{side.challenge, "AAAAA-AAAAA"}; };
  for (int left = 4; left >= 0; --left) {
    CHECK(pair.both(recovery_code) == "R-PRF-9 wrong_recovery_code: RecoveryCodeRejected");
    CHECK(pair.unknown.last["guesses_left"] == left);
  }
  CHECK(pair.both(14, recovery_code) == "R-CHL-5 guess_limit");
  pair.ledger.reopen();
  CHECK(pair.both(recovery_code) == "R-CHL-5 guess_limit");
  pair.ledger.wait(30 * minute_us);
  pair.start();
  CHECK(pair.both(recovery_code) == "R-CHL-5 guess_limit");
  pair.ledger.wait(30 * minute_us);
  CHECK(pair.both(recovery_code) == "R-PRF-9 wrong_recovery_code: RecoveryCodeRejected");
}

SCENARIO("R-ACC-6: no password is reset, and nothing else is told, on a name nobody has as on an account") {
  Pair pair;
  const NewPassword password{"New-pass2", "New-pass2"};
  CHECK(pair.both(ResetPassword{.challenge = numbered(1), .password = password}) == "R-PWD-3 challenge_unknown");
  CHECK(pair.both(ResetPassword{.password = password}) == "R-PWD-3 challenge_unknown");
  CHECK(pair.both(ResetPassword{.reset_token = "no token", .password = password}) == "R-REC-8 reset_link_unknown");
  pair.start();
  CHECK(pair.both(8, [&](const Side& side) {
    return ResetPassword{.challenge = side.challenge, .password = {"short", "long"}};
  }) == "R-PWD-3 challenge_not_passed");
  CHECK(pair.both(UnblockAccount{numbered(1)}) == "accepted");
  CHECK(pair.both(ConfirmSignInName{"no link"}) == "R-ACC-2 link_unknown");
}

SCENARIO("R-ACC-6: marking lost, proposing and confirming goes the same way on a name nobody has") {
  Pair pair;
  CHECK(pair.both(MarkProofsLost{.proofs = {numbered(1)}}) == "R-LOST-1 proof_unknown");
  CHECK(pair.both(8, [](const Side&) { return MarkProofsLost{.recovery_code = "AAAAA"}; })
            .starts_with("R-CHL-5 guess_limit"));
  CHECK(pair.both(ProposeReplacementProof{numbered(1), new_mailbox("new@example.org")}) == "R-LOST-3 no_open_window");
  pair.start();
  CHECK(pair.both([](const Side& side) { return MarkProofsLost{.proofs = {side.offers[1]}}; }) ==
        "accepted: ProofsMarkedLost ReplacementOpened");
  CHECK(pair.both(3, [](const Side&) { return MarkProofsLost{}; }) == "R-LOST-4 window_open");
  CHECK(pair.start() == "accepted: ChallengeStarted");
  CHECK(pair.unknown.last["offers"][1]["marked_lost"] == true);
  const auto propose = [&](const NewProof& proof) {
    return pair.both([&](const Side& side) { return ProposeReplacementProof{side.replacement, proof}; });
  };
  const auto confirm = [&](ConfirmReplacementProof command) {
    return pair.both([&](const Side& side) {
      command.replacement = side.replacement;
      return command;
    });
  };
  CHECK(propose(new_question("First pet?", "Pochi")) == "R-LOST-3 kind_not_offered");
  CHECK(propose(new_mailbox("no address")) == "R-PRF-1 invalid_email");
  CHECK(propose(new_phone("12")) == "R-PRF-2 invalid_phone");
  CHECK(confirm({.code = "1234567"}) == "R-LOST-3 nothing_proposed");
  for (int i = 0; i < 5; ++i)
    CHECK(propose(new_mailbox("new@example.org")) == "accepted: ReplacementProofProposed LinkSent");
  CHECK(propose(new_mailbox("new@example.org")) == "R-CHL-5 proof_send_limit");
  CHECK(confirm({.code = "1234567"}) == "R-CHL-5 no_code: CodeRejected");
  CHECK(confirm({.link_token = "x", .account_named = "another@outlook.jp"}) == "R-CHL-5 wrong_code: CodeRejected");
  for (int left = 3; left >= 0; --left) {
    CHECK(pair.both([](const Side& side) {
      return ConfirmReplacementProof{.replacement = side.replacement, .link_token = "x", .account_named = side.name};
    }) == "R-CHL-5 wrong_code: CodeRejected");
    CHECK(pair.unknown.last["guesses_left"] == left);
  }
  CHECK(confirm({.code = "1234567"}).starts_with("R-CHL-5"));
  for (int i = 0; i < 5; ++i)
    CHECK(propose(new_phone("090-1111-222" + std::to_string(i))) == "accepted: ReplacementProofProposed CodeSent");
  CHECK(propose(new_phone("090-3333-4444")) == "R-CHL-5 account_send_limit");
  pair.ledger.reopen();
  CHECK(propose(new_phone("090-3333-4444")) == "R-CHL-5 account_send_limit");
}

SCENARIO("R-ACC-6: a link mailed to the stranger confirms, and the window runs, on a name nobody has as well") {
  Pair pair;
  CHECK(pair.both(MarkProofsLost{}) == "accepted: ProofsMarkedLost ReplacementOpened");
  CHECK(pair.both([](const Side& side) {
    return ProposeReplacementProof{side.replacement, new_mailbox("new@example.org")};
  }) == "accepted: ReplacementProofProposed LinkSent");
  const auto confirm = [&](const Side& side) {
    const Account account = side.state();
    const Proof& proposed = account.proofs.all.back();
    std::optional<SecretKey> data_key =
        side.account ? pair.ledger.keys().data_key(pair.ledger.store(), account.id) : std::nullopt;
    if (!data_key) {
      auto decoy = load_decoy(pair.ledger.store(), pair.ledger.keys(), side.name, noon, pair.ledger.clock);
      data_key = std::move(const_cast<Decoy&>(*decoy).data_key);
    }
    const Vault vault(account.id, *data_key, pair.ledger.keys().code_key());
    const std::string token = proposed.code ? vault.secret(OneTime::link, proposed.code->id) : "";
    return ConfirmReplacementProof{.replacement = side.replacement, .link_token = token, .account_named = side.name};
  };
  CHECK(pair.both(confirm) == "accepted: ReplacementConfirmed");
  CHECK(pair.both(confirm) == "accepted");
  CHECK(pair.both(MarkProofsLost{}) == "R-LOST-4 window_open");
  CHECK(pair.unknown.last.contains("retry_at"));
  pair.ledger.wait(29 * day_us);
  CHECK(pair.start() == "accepted: ChallengeStarted");
  CHECK(pair.unknown.offers.size() == 2);
  pair.ledger.wait(2 * day_us);
  pair.start();
  CHECK(pair.known.offers.size() == 1);
}

SCENARIO("R-ACC-6: the recovery form counts, limits and replies on a name nobody has as on an account") {
  Pair pair;
  SubmitRecovery form = recovery_form();
  form.character_check = CharacterCheck{"a", "b"};
  CHECK(pair.both(form) == "R-CHL-1 character_check_failed: CharacterCheckFailed");
  CHECK(pair.both(recovery_form("no address")) == "R-REC-2 invalid_contact_address");
  CHECK(pair.both([](const Side& side) { return recovery_form(side.name); }) == "R-REC-2 own_address");
  form = recovery_form();
  form.answers.resize(2);
  CHECK(pair.both(form) == "R-REC-4 too_little_information");
  form.answers.push_back({.field = "passwords", .values = {"Other-pass1", "Other-pass2"}});
  CHECK(pair.both(form) == "accepted: RecoverySubmitted");
  CHECK(pair.unknown.last["attempts_left_today"] == 1);
  pair.ledger.reopen();
  CHECK(pair.both(recovery_form("other@example.org")) == "accepted: RecoverySubmitted");
  CHECK(pair.unknown.last["attempts_left_today"] == 0);
  CHECK(pair.both(recovery_form()) == "R-REC-3 attempts_used_up: RecoveryRefused");
  CHECK(pair.unknown.last.contains("retry_at"));
  pair.ledger.reopen();
  CHECK(pair.both(14, [](const Side&) { return recovery_form(); }) == "R-REC-3 attempts_used_up");
  pair.ledger.wait(day_us);
  CHECK(pair.both(recovery_form()) == "accepted: RecoverySubmitted");
  pair.ledger.tick();
  for (const Side* side : {&pair.known, &pair.unknown}) {
    const auto recoveries = side->state().recoveries.all;
    REQUIRE(recoveries.size() == 3);
    for (const Recovery& recovery : recoveries) CHECK(recovery.outcome == RecoveryOutcome::not_verified);
  }
  CHECK(pair.both(recovery_form()) == "accepted: RecoverySubmitted");
}

SCENARIO("R-ACC-6 R-ACC-5: failed sign-ins on a name nobody has are answered as an account's") {
  Pair pair;
  CHECK(pair.both(30, [](const Side&) { return RecordSignIn{.reason = "wrong_password"}; }) ==
        "accepted: SignInFailed");
  CHECK(pair.both(RecordSignIn{.device_id = "a device", .location = "Osaka"}) == "accepted: SignInFailed");
  CHECK(pair.both(RecordSignIn{.reason = "Not a word"}) == "R-ACC-5 reason_not_a_word");
  pair.both(MarkProofsLost{});
  CHECK(pair.both(RecordSignIn{.device_id = "a device"}) == "accepted: SignInFailed");
  CHECK(pair.unknown.last["notices"] == Json::array());  // an account's notices are for who gets in
}

SCENARIO("R-ACC-6 R-LED-1: a command given again under its key is answered alike; under another body it is refused") {
  Pair pair;
  std::vector<Command> commands = {StartChallenge{fb::Purpose::reset_password, {}, CharacterCheck{"a", "A"}},
                                   recovery_form(), MarkProofsLost{}, RecordSignIn{}};
  for (const Command& command : commands) {
    CAPTURE(command.index());
    for (Side* side : {&pair.known, &pair.unknown}) {
      CAPTURE(side->name);
      Envelope envelope = side->envelope();
      envelope.key = side->name + std::to_string(command.index());
      envelope.body = "{\"a\":1}";
      const Answer first = pair.ledger.run(command, side->account, envelope);
      CHECK(!first.is_refusal);
      CHECK(!first.replayed);
      const Answer again = pair.ledger.run(command, side->account, envelope);
      CHECK(again.replayed);
      CHECK(again.body == first.body);
      pair.ledger.reopen();
      CHECK(pair.ledger.run(command, side->account, envelope).body == first.body);
      envelope.body = "{\"a\":2}";
      const auto other = pair.ledger.execute(command, side->account, envelope);
      REQUIRE(!other);
      CHECK(other.error().kind == FaultKind::key_reused);
    }
  }
}

namespace {

/// One of each public kind.
std::vector<Command> public_commands() {
  return {StartChallenge{fb::Purpose::reset_password, {}, CharacterCheck{"a", "A"}},
          StartChallenge{fb::Purpose::unblock, {}, CharacterCheck{"a", "A"}},
          SendCode{numbered(1), numbered(2), fb::Channel::email, "x"},
          SubmitCode{numbered(1), "1234567"},
          AnswerSecretQuestion{numbered(1), numbered(2), "x"},
          UseRecoveryCode{numbered(1), "x"},
          ResetPassword{.reset_token = "x", .password = {"New-pass2", "New-pass2"}},
          UnblockAccount{numbered(1)},
          MarkProofsLost{},
          ProposeReplacementProof{numbered(1), new_mailbox("new@example.org")},
          ConfirmReplacementProof{.replacement = numbered(1), .code = "1234567"},
          recovery_form(),
          RecordSignIn{}};
}

Json offers_of(MemoryLedger& ledger, const std::string& name) {
  Envelope envelope;
  envelope.unknown_name = name;
  const StartChallenge command{fb::Purpose::reset_password, {}, CharacterCheck{"a", "A"}};
  return ledger.run(command, std::nullopt, envelope).body.at("offers");
}

}  // namespace

SCENARIO("R-ACC-6: nothing of a name nobody has gets into the log or the accounts' rows, and its text nowhere") {
  MemoryLedger ledger;
  const auto log = ledger.envelopes();
  const auto rows = ledger.rows(Family::rows), keys = ledger.rows(Family::keys);
  for (int i = 0; i < 8; ++i) {
    for (const Command& command : public_commands()) {
      Envelope envelope;
      envelope.unknown_name = unknown_name;
      ledger.run(command, std::nullopt, envelope);
    }
  }
  CHECK(ledger.envelopes() == log);
  CHECK(ledger.rows(Family::rows) == rows);
  CHECK(ledger.rows(Family::keys) == keys);
  CHECK(ledger.outbox().empty());
  for (const Family family : {Family::events, Family::answers, Family::meta, Family::rows, Family::leases}) {
    for (const auto& [key, value] : ledger.rows(family)) {
      for (const std::string text : {"nobody@", "friend@example.org", "new@example.org"}) {
        CHECK(key.find(text) == std::string::npos);
        CHECK(value.find(text) == std::string::npos);
      }
    }
  }
}

SCENARIO("R-ACC-6: a name nobody has gets the same offers each time, another name others, another ledger others") {
  MemoryLedger ledger, other(Json::object(), 2);
  const Json first = offers_of(ledger, unknown_name);
  REQUIRE(first.size() == 2);
  CHECK(first[0]["kind"] == "email");
  CHECK(first[1]["kind"] == "mobile_phone");
  CHECK(offers_of(ledger, unknown_name) == first);
  ledger.wait(40 * day_us);
  ledger.reopen();
  CHECK(offers_of(ledger, unknown_name) == first);
  std::set<std::string> ids, masked;
  for (int i = 0; i < 40; ++i) {
    for (const Json& offer : offers_of(ledger, "nobody" + std::to_string(i) + "@outlook.jp")) {
      ids.insert(offer["proof_id"]);
      masked.insert(offer["masked"]);
    }
  }
  CHECK(ids.size() == 80);
  CHECK(masked.size() > 40);
  CHECK(!ids.contains(first[0]["proof_id"].get<std::string>()));
  const Json elsewhere = offers_of(other, unknown_name);
  for (const std::size_t i : {std::size_t{0}, std::size_t{1}}) {
    CHECK(elsewhere[i]["proof_id"] != first[i]["proof_id"]);
    CHECK(elsewhere[i]["masked"] != first[i]["masked"]);
  }
}

SCENARIO("R-ACC-6: limits of one name are its own") {
  MemoryLedger ledger;
  const auto submit = [&](const std::string& name) {
    Envelope envelope;
    envelope.unknown_name = name;
    return outcome(ledger.run(recovery_form(), std::nullopt, envelope));
  };
  CHECK(submit("first@outlook.jp") == "accepted: RecoverySubmitted");
  CHECK(submit("first@outlook.jp") == "accepted: RecoverySubmitted");
  CHECK(submit("second@outlook.jp") == "accepted: RecoverySubmitted");
  CHECK(submit("first@outlook.jp") == "R-REC-3 attempts_used_up: RecoveryRefused");
  CHECK(submit("second@outlook.jp") == "accepted: RecoverySubmitted");
  CHECK(submit("second@outlook.jp") == "R-REC-3 attempts_used_up: RecoveryRefused");
}

SCENARIO("R-ACC-6: a policy that discloses existence says so for every public command, and changes no other answer") {
  MemoryLedger open(Json{{"disclose_account_existence", true}}), closed;
  const Id there = open.make_owner(known_name), here = closed.make_owner(known_name);
  const auto log = open.envelopes();
  for (const Command& command : public_commands()) {
    CAPTURE(command.index());
    CHECK(is_public(command));
    Envelope envelope;
    envelope.unknown_name = unknown_name;
    const Answer answer = open.run(command, std::nullopt, envelope);
    CHECK(answer.is_refusal);
    CHECK(answer.body["rule"] == "R-ACC-6");
    CHECK(answer.body["code"] == "no_such_account");
    CHECK(answer.body.size() == 4);
    CHECK(closed.run(command, std::nullopt, envelope).body["code"] != "no_such_account");
  }
  CHECK(open.envelopes() == log);
  for (const Command& command : public_commands()) {
    CAPTURE(command.index());
    const Answer known = open.run(command, there);
    CHECK(outcome(known) == outcome(closed.run(command, here)));
    CHECK(known.body.value("code", "") != "no_such_account");
  }
}
