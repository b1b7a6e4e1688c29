#include "tests/support/commands_random.hpp"

#include <doctest/doctest.h>

namespace daicho::test {

namespace {

constexpr std::size_t steps_of_a_life = 40;
constexpr std::array purposes = {fb::Purpose::reset_password, fb::Purpose::unblock, fb::Purpose::verify_proof,
                                 fb::Purpose::trust_device, fb::Purpose::change_security_info};
const std::vector<std::string> mailboxes = {"first@example.com", "second@example.net", "third@example.org",
                                            "fourth@example.jp"};

/// `SubmitCode`, out of the compiler's name for this very function.
template <class T>
std::string_view type_name() {
  std::string_view name = __PRETTY_FUNCTION__;
  name.remove_prefix(name.find("T = ") + 4);
  name = name.substr(0, name.find_first_of(";]"));
  return name.substr(name.rfind(':') + 1);
}

std::string_view name_of(const Command& command) {
  return std::visit([](const auto& each) { return type_name<std::decay_t<decltype(each)>>(); }, command);
}

}  // namespace

rc::Gen<LifePlan> life_plans() {
  using namespace rc;
  const auto any_of = [](std::initializer_list<std::uint64_t> values) {
    return gen::noShrink(gen::elementOf(std::vector<std::uint64_t>(values)));
  };
  const auto dice = gen::container<std::vector<std::uint64_t>>(
      steps_of_a_life, gen::noShrink(gen::resize(kNominalSize, gen::arbitrary<std::uint64_t>())));
  const auto fewer = [](const std::vector<std::uint64_t>& thrown) { return shrink::removeChunks(thrown); };
  return gen::build<LifePlan>(
      gen::set(&LifePlan::habits, gen::build<Habits>(gen::set(&Habits::accounts_max, any_of({1, 2, 5})),
                                                     gen::set(&Habits::wrong_percent, any_of({5, 20, 70})),
                                                     gen::set(&Habits::pause_percent, any_of({3, 12, 30})),
                                                     gen::set(&Habits::proving_percent, any_of({5, 20, 60})))),
      gen::set(&LifePlan::dice, gen::shrink(gen::noShrink(dice), fewer)));
}

std::ostream& operator<<(std::ostream& out, const LifePlan& plan) {
  const auto& [accounts, wrong, pause, proving] = plan.habits;
  return out << plan.dice.size() << " steps of at most " << accounts << " accounts, " << wrong
             << " % wrong, a pause in " << pause << " %, proving in " << proving
             << " %; dice: " << rc::toString(plan.dice);
}

Journal::Journal(const MemoryLedger& ledger) : envelopes(ledger.envelopes()) {
  for (const std::string& envelope : envelopes) {
    const auto event = Event::parse(as_bytes(envelope));
    REQUIRE(event);
    events.push_back(*event);
  }
}

bool holds_in_lives(const std::string& what,
                    const std::function<void(MemoryLedger&, RandomLife&, const LifePlan&)>& property) {
  return rc::check(what, [&] {
    const LifePlan plan = *life_plans();
    MemoryLedger ledger;
    RandomLife life(ledger, plan.habits);
    property(ledger, life, plan);
  });
}

void expect_in_life(const RandomLife& life, bool holds, const std::string& otherwise) {
  if (holds) return;
  RC_LOG() << life.story();
  RC_FAIL(otherwise);
}

void RandomLife::note(const std::string& who, std::string_view what, const std::string& outcome) {
  story_ += to_rfc3339(ledger_.clock) + " " + who + " " + std::string(what) + " -> " + outcome + "\n";
}

void RandomLife::pause() {
  static constexpr std::array pauses = {minute_us, minute_us,  11 * minute_us, 5 * hour_us,
                                        day_us,    8 * day_us, 31 * day_us};
  ledger_.wait(pauses[below(pauses.size())]);
}

void RandomLife::adopt_policy() {
  const Json changes = {{"recovery_per_day", 1 + below(4)},
                        {"replacement_days", 1 + below(30)},
                        {"min_proofs", 1 + below(2)},  // a registration brings two
                        {"max_replacements_per_day", 1 + below(5)},
                        {"max_code_guesses", 1 + below(5)},
                        {"max_codes_per_hour", 1 + below(5)},
                        {"max_contact_confirmations", 1 + below(5)},
                        {"removed_proof_retention_days", 3 + below(30)},
                        {"day_kind", chance(50) ? "calendar_day" : "rolling_24h"}};
  ledger_.run(AdoptPolicy{changes});
  note("admin", "AdoptPolicy", changes.dump());
}

void RandomLife::add_account() {
  const std::string name = "owner" + std::to_string(accounts_.size()) + "@outlook.jp";
  accounts_.push_back(chance(60) ? ledger_.make_owner(name) : id_in(ledger_.run(registration(name)), "account"));
  passwords_[accounts_.back()] = "Old-pass1";
  note(name, "RegisterAccount", std::to_string(ledger_.account(accounts_.back()).proofs.usable_count()) + " verified");
}

std::optional<RandomLife::Step> RandomLife::step(std::uint64_t dice) {
  random_.seed(dice);
  if (std::exchange(waits_out_, false)) ledger_.wait(31 * day_us);
  if (chance(habits_.pause_percent)) pause();
  if (chance(5)) {
    for (const Answer& done : ledger_.tick()) {
      ++outcomes_[outcome(done)];
      note("scheduler", "tick", outcome(done));
    }
    return std::nullopt;
  }
  if (chance(5)) adopt_policy();
  if (accounts_.empty() || (accounts_.size() < habits_.accounts_max && chance(15))) {
    add_account();
    return std::nullopt;
  }
  if (current_ >= accounts_.size() || chance(10)) current_ = below(accounts_.size());
  const Id id = accounts_[current_];
  if (chance(habits_.proving_percent)) prove(id);
  Command command = std::exchange(sends_again_, false) ? recovery_form("friend@example.org") : any_command(id);
  Answer answer = ledger_.run(command, id);
  const std::string words = outcome(answer);
  note("owner" + std::to_string(current_), name_of(command), words);
  if (words.starts_with("accepted: RecoverySubmitted")) sends_again_ = chance(70);
  if (answer.body.contains("replacement_token")) tokens_[id] = answer.body["replacement_token"].get<std::string>();
  if (answer.body.contains("recovery_code")) recovery_codes_[id] = answer.body["recovery_code"].get<std::string>();
  if (const auto* change = std::get_if<ChangePassword>(&command); change && !answer.is_refusal)
    passwords_[id] = change->password.text;
  if (const auto* reset = std::get_if<ResetPassword>(&command); reset && !answer.is_refusal)
    passwords_[id] = reset->password.text;
  waits_out_ = words.find("ReplacementConfirmed") != std::string::npos && chance(80);
  ++outcomes_[answer.is_refusal ? words.substr(0, words.find(':')) : words];
  return Step{id, std::move(command), std::move(answer)};
}

/// Starts a challenge and goes through with it, else few were ever passed.
void RandomLife::prove(const Id& id) {
  constexpr std::array mostly = {fb::Purpose::change_security_info, fb::Purpose::trust_device};
  const fb::Purpose purpose = chance(70) ? mostly[below(mostly.size())] : purposes[below(purposes.size())];
  const auto run = [&](Command command) {
    Answer answer = ledger_.run(command, id);
    note("owner" + std::to_string(current_), name_of(command), outcome(answer));
    ++outcomes_[outcome(answer)];
    return answer;
  };
  const Answer started = run(StartChallenge{purpose, "pc-" + std::to_string(below(3)), CharacterCheck{"a", "A"}});
  if (started.is_refusal) return;
  const Id challenge = id_in(started, "challenge_id");
  const Account account = settled(ledger_.account(id), ledger_.clock);
  const auto& proofs = account.proofs.all;
  const auto question = std::ranges::find_if(
      proofs, [](const Proof& proof) { return proof.kind == fb::ProofKind::secret_question && proof.is_usable(); });
  if (question != proofs.end() && chance(80)) {
    run(AnswerSecretQuestion{challenge, question->id, is_wrong() ? "no answer" : "answer"});
    return;
  }
  const Answer sent = run(code_command(account, challenge));
  if (sent.is_refusal) return;
  const Account waiting = settled(ledger_.account(id), ledger_.clock);
  const Proof* proof = waiting.proofs.with_code_of(challenge);
  if (proof) run(SubmitCode{challenge, code_of(waiting, *proof)});
}

Command RandomLife::any_command(std::uint64_t dice, const Id& id) {
  random_.seed(dice);
  return any_command(id);
}

Command RandomLife::any_command(const Id& id) {
  const Account account = settled(ledger_.account(id), ledger_.clock);
  const bool is_erased = account.life.end && account.life.end->is_erased();  // nothing is left to be guessed at
  if (is_erased) return chance(50) ? secret_command(account) : other_command(account);
  const bool has_passed = std::ranges::any_of(account.challenges.open, [&](const Challenge& challenge) {
    return challenge.passed_at && *challenge.passed_at + 10 * minute_us > ledger_.clock;
  });
  if (has_passed && chance(50)) return chance(80) ? proof_command(account) : secret_command(account);
  const std::uint64_t kind = below(100);
  if (kind < 40) return challenge_command(account);
  if (kind < 65) return proof_command(account);
  if (kind < 80) return window_command(account);
  if (kind < 88) return secret_command(account);
  return other_command(account);
}

Id RandomLife::any_challenge(const Account& account) {
  const auto& open = account.challenges.open;
  if (open.empty()) return numbered(below(3));
  return chance(75) ? open.back().id : open[below(open.size())].id;
}

/// One that was passed for this purpose, mostly.
Id RandomLife::challenge_for(const Account& account, fb::Purpose purpose) {
  for (const Challenge& challenge : account.challenges.open) {
    if (challenge.purpose == purpose && challenge.passed_at && chance(90)) return challenge.id;
  }
  return any_challenge(account);
}

Id RandomLife::any_proof_of(const Account& account) { return account.proofs.all[below(account.proofs.all.size())].id; }

std::string RandomLife::confirmation_of(const Account& account, const Proof& proof) {
  if (is_wrong()) return "nobody";
  if (proof.kind != fb::ProofKind::email) return "543" + std::to_string(below(4));
  const auto key = ledger_.keys().data_key(ledger_.store(), account.id, proof.sealed_slot);
  if (!key) return "nobody";
  const Vault vault(account.id, *key, ledger_.keys().code_key());
  for (const std::string& address : mailboxes) {
    const std::string local = address.substr(0, address.find('@'));
    if (vault.tag("confirmation", local) == proof.confirmation_tag) return local;
  }
  return "nobody";
}

std::string RandomLife::code_of(const Account& account, const Proof& proof) {
  if (!proof.code || is_wrong()) return "0000000";
  const OneTime kind = proof.code->is_link ? OneTime::link : OneTime::security_code;
  return ledger_.secret(account.id, kind, proof.code->id);
}

NewProof RandomLife::any_proof() {
  switch (below(5)) {
    case 0:
      return new_phone("090-9876-543" + std::to_string(below(4)));
    case 1:
      return new_question("question " + std::to_string(below(3)), "answer");
    case 2:
      return {.kind = fb::ProofKind::trusted_device, .device_id = "pc-" + std::to_string(below(3))};
    default:
      return new_mailbox(mailboxes[below(mailboxes.size())]);
  }
}

Command RandomLife::challenge_command(const Account& account) {
  const Id challenge = any_challenge(account);
  const Challenge* open = account.challenges.find(challenge);
  std::uint64_t next = below(3);  // mostly what leads on, so that some challenges are passed
  if (chance(75))
    next = !open || open->passed_at || open->started_at + hour_us <= ledger_.clock ? 0
           : account.proofs.with_code_of(challenge)                                ? 2
                                                                                   : 1;
  if (next == 0) {
    std::optional<std::string> device;
    if (chance(50)) device = "pc-" + std::to_string(below(3));
    return StartChallenge{purposes[below(purposes.size())], device, CharacterCheck{"a", chance(95) ? "A" : "b"}};
  }
  if (next == 2) return answer_command(account, open);
  return code_command(account, challenge);
}

/// A code to one of the proofs, mostly one that is usable.
Command RandomLife::code_command(const Account& account, const Id& challenge) {
  std::vector<Proof> proofs = account.proofs.all;
  if (chance(80) && account.proofs.usable_count() > 0)
    std::erase_if(proofs, [](const Proof& proof) { return !proof.is_usable() || channels_of(proof.kind).empty(); });
  if (proofs.empty()) proofs = account.proofs.all;
  const Proof& proof = proofs[below(proofs.size())];
  const bool is_mail = proof.kind == fb::ProofKind::email;
  return SendCode{challenge, proof.id, is_mail ? fb::Channel::email : fb::Channel::sms,
                  confirmation_of(account, proof)};
}

Command RandomLife::answer_command(const Account& account, const Challenge* challenge) {
  const Id id = challenge ? challenge->id : numbered(5);
  const auto& all = account.proofs.all;
  const auto question = std::ranges::find(all, fb::ProofKind::secret_question, &Proof::kind);
  if (question != all.end() && chance(20))
    return AnswerSecretQuestion{id, question->id, is_wrong() ? "no answer" : "answer"};
  if (chance(10)) return UseRecoveryCode{id, is_wrong() ? "wrong" : recovery_codes_[account.id]};
  const Proof* proof = account.proofs.with_code_of(id);
  return SubmitCode{id, proof ? code_of(account, *proof) : "0000000"};
}

Command RandomLife::proof_command(const Account& account) {
  const Id change = challenge_for(account, fb::Purpose::change_security_info);
  switch (below(12)) {
    case 0:
    case 1:
      return AddProof{.challenge = change, .proof = any_proof()};
    case 2:
      return IssueRecoveryCode{change};
    case 3:
    case 4:
      return RemoveProof{change, any_proof_of(account)};
    case 5:
      return ReplaceProof{change, any_proof_of(account), any_proof()};
    case 6:
    case 7:
      return trust_command(account);
    default: {
      const Proof* proof = account.proofs.find(any_proof_of(account));
      VerifyProof verify{.proof = proof->id};
      (proof->kind == fb::ProofKind::email ? verify.link_token : verify.code) = code_of(account, *proof);
      return verify;
    }
  }
}

Command RandomLife::trust_command(const Account& account) {
  const Id id = challenge_for(account, fb::Purpose::trust_device);
  const Challenge* challenge = account.challenges.find(id);
  const auto key = ledger_.keys().data_key(ledger_.store(), account.id);
  const Vault vault(account.id, *key, ledger_.keys().code_key());
  for (const std::string device : {"pc-0", "pc-1", "pc-2"}) {
    if (challenge && !is_wrong() && vault.tag("device", device) == challenge->device_tag)
      return TrustDevice{id, device};
  }
  return TrustDevice{id, "pc-0"};
}

Command RandomLife::window_command(const Account& account) {
  const Id window = account.windows.open ? account.windows.open->id : numbered(3);
  const bool is_proposed = std::ranges::any_of(account.proofs.all, &Proof::is_of_window);
  std::uint64_t next = below(6);  // mostly what leads on, so that some windows run out
  if (chance(60)) next = !account.windows.open ? 0 : is_proposed ? 5 : 1;
  switch (next) {
    case 0: {
      MarkProofsLost lost;
      if (chance(20) && recovery_codes_.contains(account.id)) lost.recovery_code = recovery_codes_[account.id];
      return lost;
    }
    case 1:
      return ProposeReplacementProof{
          window, chance(70) ? new_mailbox("new" + std::to_string(below(3)) + "@example.org") : any_proof()};
    case 2: {
      CancelReplacement cancel;
      cancel.replacement = window;
      if (!is_wrong()) cancel.replacement_token = tokens_[account.id];
      return cancel;
    }
    case 3: {
      DisputeReplacement dispute;
      dispute.replacement = window;
      if (chance(80)) dispute.link_token = ledger_.secret(account.id, OneTime::notice_link, window);
      return dispute;
    }
    case 4:
      return CompleteReplacement{window};
    default: {
      ConfirmReplacementProof confirm{.replacement = window};
      for (const Proof& proof : account.proofs.all) {
        if (!proof.is_of_window()) continue;
        (proof.kind == fb::ProofKind::email ? confirm.link_token : confirm.code) = code_of(account, proof);
      }
      const auto at = std::ranges::find(accounts_, account.id) - accounts_.begin();
      confirm.account_named = (is_wrong() ? "other" : "owner") + std::to_string(at) + "@outlook.jp";
      return confirm;
    }
  }
}

Command RandomLife::secret_command(const Account& account) {
  const std::string text = "New-pass" + std::to_string(below(1'000));
  const Id change = challenge_for(account, fb::Purpose::change_security_info);
  switch (below(6)) {
    case 0:
      return ResetPassword{.challenge = challenge_for(account, fb::Purpose::reset_password), .password = {text, text}};
    case 1:
    case 2:
      return ChangePassword{.current = is_wrong() ? "wrong" : passwords_[account.id], .password = {text, text}};
    case 3:
      return ChangeProfile{change, {{"surname", text}}};
    case 4:
      return EnableTwoStep{change};
    default:
      return DisableTwoStep{change};
  }
}

Command RandomLife::other_command(const Account& account) {
  switch (below(10)) {
    case 0:
    case 1:
    case 2:
      return recovery_form("friend@example.org");
    case 3:
      return BlockAccount{"suspected_intrusion", "detail"};
    case 4:
      return UnblockAccount{challenge_for(account, fb::Purpose::unblock)};
    case 5: {
      const auto waiting = ledger_.outbox();
      const Id notification = waiting.empty() ? numbered(4) : waiting[below(waiting.size())].notification;
      return RecordDelivery{
          .notification = notification, .result = fb::DeliveryResult::accepted, .detail = "", .waiting = {}};
    }
    case 6:
      if (chance(40)) return RecordEvidence{{{"skype_id", "owner"}}};
      if (chance(70)) return RecordEvidence{{{"skype_id", "owner"}, {"mail_folders", "travel"}}};
      if (chance(30)) return DeactivateMailbox{fb::MailboxReason::owner};
      return CloseAccount{.password = is_wrong() ? "wrong" : passwords_[account.id], .confirm = true};
    default:
      return RecordSignIn{.succeeded = chance(70),
                          .device_id = "pc-" + std::to_string(below(3)),
                          .location = "Kyoto",
                          .reason = "wrong_password"};
  }
}

}  // namespace daicho::test
