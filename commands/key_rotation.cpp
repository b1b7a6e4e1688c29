#include "commands/key_rotation.hpp"

namespace daicho {

Decision decide(const LedgerState&, const RotateSigningKey& command, const Context&) {
  fb::SigningKeyRotatedT rotated;
  rotated.old_key_id.assign(command.old_key_id.bytes.begin(), command.old_key_id.bytes.end());
  rotated.vkey = command.vkey;
  Decision decision = accepted({{"vkey", command.vkey}});
  decision.events.push_back(draft(std::move(rotated), {Rule::led_5}));
  return decision;
}

}  // namespace daicho
