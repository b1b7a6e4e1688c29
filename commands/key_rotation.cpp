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

Decision decide(const LedgerState& ledger, const RotateLookupKey& command, const Context&) {
  Decision decision = accepted({{"rotation", ledger.lookup_rotations + 1}});
  decision.events.push_back(draft(
      fb::LookupKeyRotatedT{.old_key_fingerprint = command.old_fingerprint, .key_fingerprint = command.fingerprint},
      {Rule::led_5}));
  return decision;
}

}  // namespace daicho
