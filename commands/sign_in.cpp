#include "commands/sign_in.hpp"

#include "commands/names.hpp"
#include "commands/text.hpp"

namespace daicho {

Decision decide(const Account& account, const RecordSignIn& command, const Context& context) {
  const Tag16 device = command.device_id.empty() ? Tag16{} : context.vault.tag("device", command.device_id);
  const Tag16 location = command.location.empty() ? Tag16{} : context.vault.tag("location", fold(command.location));
  if (account.block.current) {
    Refusal refusal{Rule::blk_1, "blocked", "The account is blocked; it is unblocked by a challenge."};
    refusal.extra["reason"] = account.block.current->reason;
    return refused_on_record(
        account, context, std::move(refusal),
        draft(fb::SignInRefusedT{.device_tag = device, .rule = static_cast<std::uint16_t>(Rule::blk_1)},
              {Rule::blk_1}));
  }
  Draft event = command.succeeded
                    ? draft(fb::SignInSucceededT{.device_tag = device, .location_tag = location}, {Rule::acc_5})
                    : draft(fb::SignInFailedT{.device_tag = device, .location_tag = location, .reason = command.reason},
                            {Rule::acc_5});
  event.personal.device_id = command.device_id;
  event.personal.location = command.location;
  Json shown = Json::array();
  for (const Notice notice :
       notices(account, context.policy, command.device_id.empty() ? std::nullopt : std::optional(device))) {
    shown.push_back(name(notice));
  }
  Decision decision = accepted({{"notices", std::move(shown)}});
  decision.events.push_back(std::move(event));
  return decision;
}

Decision decide(const Account&, const RecordDelivery& command, const Context&) {
  if (!command.waiting) {
    return refused({Rule::chl_7, "notification_unknown", "No notification of this account waits under this id."});
  }
  Draft recorded = draft(
      fb::DeliveryRecordedT{
          .notification_id = command.notification, .kind = *command.waiting, .result = command.result},
      {Rule::chl_7});
  recorded.personal.detail = command.detail;
  Decision decision = accepted();
  decision.events.push_back(std::move(recorded));
  return decision;
}

}  // namespace daicho
