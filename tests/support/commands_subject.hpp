// tests/support/commands_subject.hpp — given / when / then for decisions: an account folded from events over real
// bytes, asked to decide with a fixed clock, counting ids, a real Vault and a policy that may be changed. No store, no
// threads.
#pragma once

#include <map>
#include <set>

#include "commands/executor.hpp"

namespace daicho::test {

inline constexpr Time noon = 1'772'334'000 * second_us;  ///< 2026-03-01T03:00:00Z, noon in Tokyo

/// An id that tells where it comes from.
Id numbered(std::uint64_t number);

class Subject {
 public:
  Subject();

  Time now = noon;
  Policy policy;
  Issuer issuer;
  std::map<fb::RecoveryField, std::vector<Evidence>> evidence;  ///< what services observed; in a ledger, rows E

  const Id& id() const { return id_; }
  const Vault& vault() const { return *vault_; }
  /// The account as a decision sees it.
  Account account() const { return settled(folded_, now); }
  const Account& folded() const { return folded_; }
  Context context() const;

  /// Encodes the event, folds its bytes. Every event comes one position after the one before.
  Subject& happened(const Draft& event);
  Subject& happened(const std::vector<Draft>& events) {
    for (const Draft& event : events) happened(event);
    return *this;
  }

  template <class C>
  Decision when(const C& command) const {
    return decide(account(), command, context());
  }
  /// Decides and folds what comes of it, the end of a window that ran out first, as the executor does.
  template <class C>
  Decision run(const C& command) {
    Decision decision = when(command);
    const bool appends = !decision.refusal || !decision.events.empty();
    if (appends && folded_.windows.is_due(now))
      happened(completion(folded_, *folded_.windows.open->effective_at, context()));
    append(decision.events);
    return decision;
  }

  Id new_id() const { return numbered(++next_id_); }
  /// The n-th proof added, from 0.
  const Proof& proof(std::size_t n) const { return folded_.proofs.all.at(n); }
  /// The code or link that this proof waits for.
  std::string secret_of(const Proof& proof) const;
  std::string secret_of(std::size_t n) const { return secret_of(proof(n)); }
  const std::vector<std::string>& envelopes() const { return envelopes_; }
  const SecretKey& data_key() const { return *data_key_; }
  /// Of a data key, by slot; drawn or not.
  const SecretKey& data_key(std::uint32_t slot) const { return slot == own_key_slot ? *data_key_ : held(slot).key; }
  const Vault& vault(std::uint32_t slot) const { return slot == own_key_slot ? *vault_ : held(slot).vault; }

 private:
  struct Held {
    SecretKey key;
    Vault vault;
  };
  const Held& held(std::uint32_t slot) const;
  void append(std::vector<Draft>& events);

  Id id_;
  std::shared_ptr<const SecretKey> data_key_, code_key_;
  std::shared_ptr<const Signer> signer_;
  std::shared_ptr<const Vault> vault_;
  mutable std::map<std::uint32_t, std::shared_ptr<const Held>> held_;
  mutable std::set<std::uint32_t> drawn_;  // slots of keys that decisions drew
  mutable std::uint64_t next_id_ = 1'000;
  std::vector<std::string> envelopes_;
  Account folded_;
};

/// One step of an account's past.
using Past = std::function<void(Subject&)>;
Subject given(std::initializer_list<Past> past);

Past after(Duration span);
Past under(std::function<void(Policy&)> change);
/// owner@outlook.jp, password "Old-pass1", born with the proofs that follow it.
Past registered(const std::string& sign_in_name = "owner@outlook.jp", bool confirmed = true);
Past mailbox(const std::string& address);  ///< added, not verified
Past phone(const std::string& number, fb::ProofKind kind = fb::ProofKind::mobile_phone);
Past question(const std::string& text);
Past app(const std::string& totp_secret);
Past device(const std::string& device_id);
Past verified(std::size_t n);
Past removed(std::size_t n);
/// A challenge started and passed with proof n; its id is numbered(number).
Past passed(fb::Purpose purpose, std::uint64_t number, std::size_t n = 0, const std::string& device_id = "");
Past started(fb::Purpose purpose, std::uint64_t number, const std::string& device_id = "");
/// The challenge started as numbered(number) is passed with proof n.
Past answered(std::uint64_t number, std::size_t n = 0);
Past recovery_code(std::uint64_t number);
Past blocked(const std::string& reason);
/// A service saw this value: as record-evidence keeps it.
Past observed(fb::RecoveryField field, const std::string& value);
/// A window with every verified proof marked lost; its id is numbered(number).
Past marked_lost(std::uint64_t number, bool expedited = false);
/// ...the new one proposed for it, with its link sent, and confirmed.
Past proposed(std::uint64_t number, const std::string& address);
Past confirmed(std::uint64_t number);

/// A registered account with two verified proofs: msabc123@outlook.com and +81 90-9876-5432.
Subject owner();

/// In one line: `R-BLK-2 challenge_unknown`, `R-CHL-5 wrong_code: CodeRejected`, `accepted: ProofAdded LinkSent`.
std::string outcome(const Decision& decision);
/// The events of a decision only: `ProofAdded LinkSent`.
std::string event_names(const Decision& decision);

/// What a person types when registering; two mailboxes outside the provider's domains.
RegisterAccount registration(const std::string& sign_in_name);
NewProof new_mailbox(const std::string& address);
NewProof new_phone(const std::string& number, const std::string& country = "JP",
                   fb::ProofKind kind = fb::ProofKind::mobile_phone);
NewProof new_question(const std::string& text, const std::string& answer);
SubmitRecovery recovery_form(const std::string& contact = "friend@example.org");

}  // namespace daicho::test
