#include "commands/decision.hpp"

#include <algorithm>
#include <array>

namespace daicho {

Decision refused_on_record(const RefusalMarks& marks, const Context& context, Refusal refusal, Draft record) {
  const auto rule = static_cast<std::uint16_t>(refusal.rule);
  std::erase(record.rules, rule);
  record.rules.insert(record.rules.begin(), rule);  // it is counted by the first
  Decision decision = refused(std::move(refusal));
  if (marks.within_hour(rule, context.now) >= context.policy.recorded_refusals_per_hour) {
    decision.counted = true;
  } else {
    decision.events.push_back(std::move(record));
  }
  return decision;
}

std::span<const fb::Channel> channels_of(fb::ProofKind kind) {
  static constexpr std::array email = {fb::Channel::email};
  static constexpr std::array mobile = {fb::Channel::sms, fb::Channel::voice};
  static constexpr std::array landline = {fb::Channel::voice};
  static constexpr std::array app = {fb::Channel::app};
  switch (kind) {
    case fb::ProofKind::email:
    case fb::ProofKind::mobile_email:
      return email;
    case fb::ProofKind::mobile_phone:
      return mobile;
    case fb::ProofKind::landline_phone:
      return landline;
    case fb::ProofKind::authenticator_app:
      return app;
    case fb::ProofKind::none:
    case fb::ProofKind::secret_question:
    case fb::ProofKind::trusted_device:
    case fb::ProofKind::recovery_code:
      return {};
  }
  return {};
}

bool is_written_to(fb::ProofKind kind) {
  const auto channels = channels_of(kind);
  return !channels.empty() && channels.front() != fb::Channel::app;
}

void notify(Draft& event, const Context& context, fb::NotificationKind kind, fb::Recipient recipient,
            fb::Channel channel, const Id& proof, const Id& secret) {
  fb::NotificationT notification;
  notification.id = context.new_id();
  notification.kind = kind;
  notification.recipient = recipient;
  notification.proof_id = proof;
  notification.channel = channel;
  notification.secret_id = secret;
  event.notifications.push_back(std::move(notification));
}

void notify_proofs(Draft& event, const Account& account, const Context& context, fb::NotificationKind kind,
                   const Id& except, const Id& secret) {
  for (const Proof& proof : account.proofs.all) {
    if (!proof.is_usable() || proof.id == except || !is_written_to(proof.kind)) continue;
    notify(event, context, kind, fb::Recipient::proof, channels_of(proof.kind).front(), proof.id, secret);
  }
}

void notify_owner(Draft& event, const Account& account, const Context& context, fb::NotificationKind kind,
                  const Id& secret) {
  notify_proofs(event, account, context, kind, {}, secret);
  if (event.notifications.empty())
    notify(event, context, kind, fb::Recipient::sign_in_name, fb::Channel::email, {}, secret);
}

void describe_survivors(Decision& decision, const Account& account, const std::vector<Id>& added,
                        const std::vector<Id>& removed) {
  const auto is_in = [](const std::vector<Id>& ids, const Id& id) { return std::ranges::find(ids, id) != ids.end(); };
  std::vector<Id> kept, gone;
  for (const Proof& proof : account.proofs.all) {
    const bool is_void = proof.is_usable() && proof.kind == fb::ProofKind::trusted_device;
    if (is_void || is_in(removed, proof.id)) {
      gone.push_back(proof.id);
    } else if (proof.is_usable() || is_in(added, proof.id)) {
      kept.push_back(proof.id);
    }
  }
  decision.described.emplace_back("proofs_kept", std::move(kept));
  decision.described.emplace_back("proofs_removed", std::move(gone));
}

fb::ProfileT profile_of(const Account& account, const Context& context) {
  const auto personal = context.personal(account.identity.profiles.back());
  return personal && personal->profile ? *personal->profile : fb::ProfileT{};
}

}  // namespace daicho
