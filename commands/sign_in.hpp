// commands/sign_in.hpp — sign-in results and deliveries, reported by the services that saw them (R-ACC-5, R-BLK-1,
// R-CHL-7).
#pragma once

#include "commands/decision.hpp"

namespace daicho {

struct RecordSignIn {
  bool succeeded = false;
  std::string device_id, location;  ///< empty: not known
  std::string reason;               ///< of a failure, one word
  std::optional<Id> challenge;      ///< passed with purpose two_step_sign_in
};
struct RecordDelivery {
  Id notification;
  fb::DeliveryResult result;
  std::string detail;
  std::optional<fb::NotificationKind> waiting;  ///< what waits in the outbox under this id, filled in by the executor
  Id proof = {};                                ///< likewise: the proof it goes to; all zero: none
};

Decision decide(const Account& account, const RecordSignIn& command, const Context& context);
Decision decide(const Account& account, const RecordDelivery& command, const Context& context);

}  // namespace daicho
