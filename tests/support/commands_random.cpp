#include "tests/support/commands_random.hpp"

#include <doctest/doctest.h>

namespace daicho::test {

namespace {

constexpr std::size_t accounts_max = 5;
constexpr std::array purposes = {fb::Purpose::reset_password, fb::Purpose::unblock, fb::Purpose::verify_proof,
                                 fb::Purpose::trust_device, fb::Purpose::change_security_info};
const std::vector<std::string> mailboxes = {"first@example.com", "second@example.net", "third@example.org",
                                            "fourth@example.jp"};

}  // namespace

void RandomLife::step() {
  if (chance(12)) {
    static constexpr std::array jumps = {minute_us, minute_us,  11 * minute_us, 5 * hour_us,
                                         day_us,    8 * day_us, 31 * day_us};
    ledger_.wait(jumps[below(jumps.size())]);
  }
  if (chance(5)) {
    for (const Answer& done : ledger_.tick()) ++outcomes_[outcome(done)];
    return;
  }
  if (chance(3)) ledger_.run(AdoptPolicy{{{"recovery_per_day", 1 + below(4)}, {"replacement_days", 1 + below(30)}}});
  if (accounts_.empty() || (accounts_.size() < accounts_max && chance(15))) {
    const std::string name = "owner" + std::to_string(accounts_.size()) + "@outlook.jp";
    accounts_.push_back(chance(60) ? ledger_.make_owner(name) : id_in(ledger_.run(registration(name)), "account"));
    return;
  }
  if (current_ >= accounts_.size() || chance(10)) current_ = below(accounts_.size());
  const Id id = accounts_[current_];
  const Answer answer = ledger_.run(any_command(id), id);
  if (answer.body.contains("replacement_token")) tokens_[id] = answer.body["replacement_token"].get<std::string>();
  if (answer.body.contains("recovery_code")) recovery_codes_[id] = answer.body["recovery_code"].get<std::string>();
  const std::string words = outcome(answer);
  if (words.find("ReplacementConfirmed") != std::string::npos && chance(50)) ledger_.wait(31 * day_us);
  ++outcomes_[answer.is_refusal ? words.substr(0, words.find(':')) : words];
}

Command RandomLife::any_command(const Id& id) {
  const Account account = settled(ledger_.account(id), ledger_.clock);
  const std::uint64_t kind = below(100);
  if (kind < 40) return challenge_command(account);
  if (kind < 60) return proof_command(account);
  if (kind < 80) return window_command(account);
  return other_command(account);
}

Id RandomLife::any_challenge(const Account& account) {
  const auto& open = account.challenges.open;
  if (open.empty()) return numbered(below(3));
  return chance(75) ? open.back().id : open[below(open.size())].id;
}

Id RandomLife::any_proof_of(const Account& account) { return account.proofs.all[below(account.proofs.all.size())].id; }

std::string RandomLife::code_of(const Account& account, const Proof& proof) {
  if (!proof.code || chance(20)) return "0000000";
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
  switch (next) {
    case 0: {
      std::optional<std::string> device;
      if (chance(50)) device = "pc-" + std::to_string(below(3));
      return StartChallenge{purposes[below(purposes.size())], device, CharacterCheck{"a", chance(95) ? "A" : "b"}};
    }
    case 1: {
      const auto& all = account.proofs.all;
      const auto usable = std::ranges::find_if(all, &Proof::is_usable);
      const Proof& proof = chance(70) && usable != all.end() ? *usable : all[below(all.size())];
      const bool is_mail = proof.kind == fb::ProofKind::email;
      std::string confirmation = is_mail ? "nobody" : "5432";
      for (const std::string& address : mailboxes) {
        const std::string local = address.substr(0, address.find('@'));
        const auto key = ledger_.keys().data_key(ledger_.store(), account.id);
        const Vault vault(account.id, *key, ledger_.keys().code_key());
        if (chance(95) && vault.tag("confirmation", local) == proof.confirmation_tag) confirmation = local;
      }
      return SendCode{challenge, proof.id, is_mail ? fb::Channel::email : fb::Channel::sms, confirmation};
    }
    default: {
      const Proof* proof = account.proofs.with_code_of(challenge);
      return SubmitCode{challenge, proof ? code_of(account, *proof) : "0000000"};
    }
  }
}

Command RandomLife::proof_command(const Account& account) {
  switch (below(4)) {
    case 0:
      return AddProof{.challenge = any_challenge(account), .proof = any_proof()};
    case 1:
      return IssueRecoveryCode{any_challenge(account)};
    default: {
      const Proof* proof = account.proofs.find(any_proof_of(account));
      VerifyProof verify{.proof = proof->id};
      (proof->kind == fb::ProofKind::email ? verify.link_token : verify.code) = code_of(account, *proof);
      return verify;
    }
  }
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
      if (chance(70)) cancel.replacement_token = tokens_[account.id];
      return cancel;
    }
    case 3: {
      DisputeReplacement dispute;
      dispute.replacement = window;
      if (chance(30)) dispute.link_token = ledger_.secret(account.id, OneTime::notice_link, window);
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
      confirm.account_named = (chance(90) ? "owner" : "other") + std::to_string(at) + "@outlook.jp";
      return confirm;
    }
  }
}

Command RandomLife::other_command(const Account& account) {
  switch (below(9)) {
    case 7:
    case 8:
    case 0:
      return recovery_form("friend@example.org");
    case 1:
      return BlockAccount{"suspected_intrusion", "detail"};
    case 2:
      return UnblockAccount{any_challenge(account)};
    case 3: {
      const std::string text = "New-pass" + std::to_string(below(1'000));
      return ResetPassword{.challenge = any_challenge(account), .password = {text, text}};
    }
    case 4: {
      const auto waiting = ledger_.outbox();
      const Id notification = waiting.empty() ? numbered(4) : waiting[below(waiting.size())].notification;
      return RecordDelivery{
          .notification = notification, .result = fb::DeliveryResult::accepted, .detail = "", .waiting = {}};
    }
    default:
      return RecordSignIn{.succeeded = chance(70),
                          .device_id = "pc-" + std::to_string(below(3)),
                          .location = "Kyoto",
                          .reason = "wrong_password"};
  }
}

}  // namespace daicho::test
