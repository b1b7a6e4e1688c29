#include "projections/block_status.hpp"

#include "projections/event_fields.hpp"

namespace daicho {

void evolve(BlockStatus& status, const Event& event) {
  if (const auto* blocked = event.as<fb::AccountBlocked>()) {
    status.current = Block{id_of(blocked->block_id()), text_of(blocked->reason()), text_of(event.header().service()),
                           event.time(), event.position()};
  } else if (const auto* unblocked = event.as<fb::AccountUnblocked>(); unblocked && status.current) {
    status.last = LiftedBlock{*status.current, unblocked->by(), event.time(), event.position()};
    status.current.reset();
  }
}

}  // namespace daicho
