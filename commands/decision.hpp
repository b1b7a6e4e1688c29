// commands/decision.hpp — what a decision is given (Context) and what it says (Decision): events, or a refusal by a
// rule. `decide` functions are pure: the same account, command and context give the same decision.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>

#include "commands/rules.hpp"
#include "commands/vault.hpp"
#include "projections/account.hpp"
#include "projections/rows.hpp"

namespace daicho {

using Json = nlohmann::ordered_json;

struct Context {
  Time now;
  const Policy& policy;
  const Vault& vault;  ///< of the account's own data key
  const Issuer& issuer;
  std::function<Id()> new_id;
  /// Of another data key of the account, by slot, or its own; null: it is erased, or was never drawn.
  std::function<const Vault*(std::uint32_t slot)> vault_at;
  /// Of a data key that is drawn now, and kept when an event of the decision is under it.
  std::function<const Vault&(std::uint32_t slot)> new_vault_at;
  /// The sealed part of one of the account's events; nullopt when its key is gone.
  std::function<std::shared_ptr<const fb::PersonalT>(Position)> personal;
  /// What services observed about one field of the recovery form (R-REC-5).
  std::function<const std::vector<Evidence>&(fb::RecoveryField)> evidence;
};

/// A rule said no. Nothing changed but the events named, if any.
struct Refusal {
  Rule rule;
  std::string code;    ///< one word for programs: `wrong_code`
  std::string detail;  ///< one sentence for people, no personal data
  std::optional<Time> retry_at = std::nullopt;
  Json extra = Json::object();  ///< further members of the answer: `guesses_left`
};

/// Sealed values, read once the events that say so are durable; members of the answer that no stored first answer has.
using Reveal = std::function<Json(const Account& account, const Context& context)>;

struct Decision {
  std::vector<Draft> events;
  std::optional<Refusal> refusal;
  Json returns = Json::object();  ///< beside the events' places
  /// Members of the answer that describe proofs, masked: `offers`, `proofs_kept`, `proofs_removed`.
  std::vector<std::pair<const char*, std::vector<Id>>> described;
  Reveal reveal;
  bool counted = false;  ///< a refusal past what is recorded one by one: counted (R-LED-1)
};

inline Decision refused(Refusal refusal) {
  Decision decision;
  decision.refusal = std::move(refusal);
  return decision;
}
inline Decision accepted(Json returns = Json::object()) {
  Decision decision;
  decision.returns = std::move(returns);
  return decision;
}

template <class T>
Draft draft(T payload, std::initializer_list<Rule> rules) {
  Draft result;
  result.payload.Set(std::move(payload));
  for (const Rule rule : rules) result.rules.push_back(static_cast<std::uint16_t>(rule));
  return result;
}

/// What a command that needs a secret checked outside the decision was told: Argon2id takes tens of milliseconds.
enum class Verdict : std::uint8_t {
  not_asked,  ///< while it is found out whether there is anything to ask; such a decision is never appended
  right,
  wrong,
};

/// Adds the event that records a refusal, or only counts it when the hour's records are used up (R-LED-1).
Decision refused_on_record(const RefusalMarks& marks, const Context& context, Refusal refusal, Draft record);
inline Decision refused_on_record(const Account& account, const Context& context, Refusal refusal, Draft record) {
  return refused_on_record(account.limits.refusals, context, std::move(refusal), std::move(record));
}

/// Adds a notification to `event`; `proof` goes with recipient proof, `secret` names the code or link it carries.
void notify(Draft& event, const Context& context, fb::NotificationKind kind, fb::Recipient recipient,
            fb::Channel channel, const Id& proof = {}, const Id& secret = {});

/// Adds a notification to `event` for each usable proof that can be written to, but `except`.
void notify_proofs(Draft& event, const Account& account, const Context& context, fb::NotificationKind kind,
                   const Id& except = {}, const Id& secret = {});

/// The same; when no proof can be written to, to the account's own mailbox
/// (docs/decisions/0010-no-proof-verified-yet.md).
void notify_owner(Draft& event, const Account& account, const Context& context, fb::NotificationKind kind,
                  const Id& secret = {});

/// After a reset or a replacement: the proofs that still count and those that do not any more, trusted devices among
/// them, so that nothing an earlier holder planted survives unseen.
void describe_survivors(Decision& decision, const Account& account, const std::vector<Id>& added,
                        const std::vector<Id>& removed);

/// The sealed profile in force; empty when its key is gone.
fb::ProfileT profile_of(const Account& account, const Context& context);

/// Channels a kind of proof offers (R-PRF-3), the documents' order. Empty: none that the ledger sends to.
std::span<const fb::Channel> channels_of(fb::ProofKind kind);
bool is_written_to(fb::ProofKind kind);  ///< the ledger sends something to such a proof

}  // namespace daicho
