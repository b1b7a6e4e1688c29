#include "commands/sign_in.hpp"

#include <algorithm>

#include "commands/blocking.hpp"
#include "commands/challenges.hpp"
#include "commands/names.hpp"
#include "commands/text.hpp"

namespace daicho {

namespace {

/// With two-step verification on, a password alone lets in only on a trusted device.
bool needs_second_step(const Account& account, const RecordSignIn& command, const Tag16& device,
                       const Context& context) {
  if (!account.identity.two_step || !command.succeeded) return false;
  const bool is_trusted = std::ranges::any_of(account.proofs.all, [&](const Proof& proof) {
    return proof.kind == fb::ProofKind::trusted_device && proof.is_usable() && proof.address_tag == device;
  });
  if (is_trusted) return false;
  const Id passed = command.challenge.value_or(Id{});
  const Challenge* challenge = account.challenges.find(passed);
  const bool is_elsewhere = challenge && !challenge->device_tag.is_zero() && challenge->device_tag != device;
  return is_elsewhere || check_passed(account, passed, fb::Purpose::two_step_sign_in, Rule::acc_5, context);
}

}  // namespace

Decision decide(const Account& account, const RecordSignIn& command, const Context& context) {
  if (!is_word(command.reason) && !command.reason.empty())
    return refused({Rule::acc_5, "reason_not_a_word", "A reason is one word of a-z, 0-9 and _, at most 64 long."});
  const Tag16 device = device_tag(command.device_id, context);
  const Tag16 location = location_tag(command.location, context);
  if (auto blocked = check_not_blocked(account)) {
    blocked->extra["reason"] = account.block.current->reason;
    return refused_on_record(
        account, context, *std::move(blocked),
        draft(fb::SignInRefusedT{.device_tag = device, .rule = static_cast<std::uint16_t>(Rule::blk_1)},
              {Rule::blk_1}));
  }
  if (needs_second_step(account, command, device, context)) {
    const Rule rule = account.windows.open ? Rule::lost_4 : Rule::acc_5;
    Refusal refusal{rule, "two_step_needed",
                    "Two-step verification is on: pass a challenge with purpose two_step_sign_in."};
    return refused_on_record(
        account, context, std::move(refusal),
        draft(fb::SignInRefusedT{.device_tag = device, .rule = static_cast<std::uint16_t>(rule)}, {rule}));
  }
  Draft event = command.succeeded
                    ? draft(fb::SignInSucceededT{.device_tag = device, .location_tag = location}, {Rule::acc_5})
                    : draft(fb::SignInFailedT{.device_tag = device, .location_tag = location, .reason = command.reason},
                            {Rule::acc_5});
  event.personal.device_id = command.device_id;
  event.personal.location = command.location;
  Json shown = Json::array();  // to who got in only: a failure must not tell one account from another (R-ACC-6)
  const auto seen_on = command.device_id.empty() ? std::nullopt : std::optional(device);
  if (command.succeeded) {
    for (const Notice notice : notices(account, context.policy, seen_on)) shown.push_back(name(notice));
  }
  Decision decision = accepted({{"notices", std::move(shown)}});
  decision.events.push_back(std::move(event));
  return decision;
}

Decision decide(const Account& account, const RecordDelivery& command, const Context& context) {
  if (!command.waiting) {
    return refused({Rule::chl_7, "notification_unknown", "No notification of this account waits under this id."});
  }
  Draft recorded = draft(
      fb::DeliveryRecordedT{
          .notification_id = command.notification, .kind = *command.waiting, .result = command.result},
      {Rule::chl_7});
  const Proof* proof = account.proofs.find(command.proof);
  const bool is_key_there = proof && context.vault_at(proof->sealed_slot);
  if (is_key_there) recorded.sealed_slot = proof->sealed_slot;  // the detail may tell the address: it goes with it
  if (is_key_there || command.proof.is_zero()) recorded.personal.detail = command.detail;
  Decision decision = accepted();
  decision.events.push_back(std::move(recorded));
  return decision;
}

}  // namespace daicho
