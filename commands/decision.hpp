// commands/decision.hpp — what a decision is given (Context) and what it says (Decision): events, or a refusal by a
// rule. `decide` functions are pure: the same account, command and context give the same decision.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>

#include "commands/rules.hpp"
#include "commands/vault.hpp"
#include "projections/account.hpp"

namespace daicho {

using Json = nlohmann::ordered_json;

struct Context {
  Time now;
  const Policy& policy;
  const Vault& vault;
  const Issuer& issuer;
  std::function<Id()> new_id;
  /// The sealed part of one of the account's events; nullopt when its key is gone.
  std::function<std::shared_ptr<const fb::PersonalT>(Position)> personal;
};

/// A rule said no. Nothing changed but the events named, if any.
struct Refusal {
  Rule rule;
  std::string code;    ///< one word for programs: `wrong_code`
  std::string detail;  ///< one sentence for people, no personal data
  std::optional<Time> retry_at = std::nullopt;
  Json extra = Json::object();  ///< further members of the answer: `guesses_left`
};

struct Decision {
  std::vector<Draft> events;
  std::optional<Refusal> refusal;
  Json returns = Json::object();  ///< beside the events' places
  std::vector<Id> offers;         ///< proofs to be described, masked, in the answer
  bool counted = false;           ///< a refusal past what is recorded one by one: counted (R-LED-1)
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

/// Adds the event that records a refusal, or only counts it when the hour's records are used up (R-LED-1).
Decision refused_on_record(const Account& account, const Context& context, Refusal refusal, Draft record);

/// Adds a notification to `event`; `proof` goes with recipient proof, `secret` names the code or link it carries.
void notify(Draft& event, const Context& context, fb::NotificationKind kind, fb::Recipient recipient,
            fb::Channel channel, const Id& proof = {}, const Id& secret = {});

/// Adds a notification to `event` for each usable proof that can be written to, but `except`.
void notify_proofs(Draft& event, const Account& account, const Context& context, fb::NotificationKind kind,
                   const Id& except = {}, const Id& secret = {});

/// Channels a kind of proof offers (R-PRF-3), the documents' order. Empty: none that the ledger sends to.
std::span<const fb::Channel> channels_of(fb::ProofKind kind);

}  // namespace daicho
