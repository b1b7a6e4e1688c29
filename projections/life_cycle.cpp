#include "projections/life_cycle.hpp"

#include "projections/event_fields.hpp"

namespace daicho {

void evolve(LifeCycle& life, const Event& event) {
  if (const auto* registered = event.as<fb::AccountRegistered>()) {
    life.has_mailbox = registered->name_confirmed();  // only the provider's own names need no confirmation (R-ACC-2)
  } else if (const auto* off = event.as<fb::MailboxDeactivated>()) {
    life.mailbox_off = MailboxOff{off->reason(), event.time(), event.position()};
  } else if (const auto* closed = event.as<fb::AccountClosed>()) {
    life =
        LifeCycle{.end = End{EndKind::closed, event.time(), event.position(), hash_of(closed->key_fingerprint()), {}}};
  } else if (event.as<fb::AccountExpired>()) {
    life.end = End{EndKind::expired, event.time(), event.position(), {}, {}};
  } else if (const auto* completed = event.as<fb::ErasureCompleted>();
             completed && completed->slot() == 0 && life.end) {
    life.end->erasure = Erasure{event.time(), event.position()};
  }
}

}  // namespace daicho
