#include "commands/master_rotation.hpp"

namespace daicho {

Decision decide(const LedgerState&, const RotateMasterKey& command, const Context&) {
  Decision decision = accepted({{"keys", command.keys}, {"fingerprint", to_hex(command.new_fingerprint.view())}});
  decision.events.push_back(draft(
      fb::MasterKeyRotatedT{
          .keys = command.keys, .old_fingerprint = command.old_fingerprint, .new_fingerprint = command.new_fingerprint},
      {Rule::led_6}));
  return decision;
}

}  // namespace daicho
