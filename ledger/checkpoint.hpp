// ledger/checkpoint.hpp — C2SP checkpoints (c2sp.org/tlog-checkpoint v1.0.0): origin, size, root, signed as a note.
#pragma once

#include "ledger/signing.hpp"

namespace daicho {

struct Checkpoint {
  std::string origin;
  std::uint64_t size = 0;
  Hash root;
  bool operator==(const Checkpoint&) const = default;
};

std::string checkpoint_text(const Checkpoint& checkpoint);  ///< the three lines, no extension lines
std::optional<Checkpoint> parse_checkpoint_text(std::string_view text);

/// At the rotation of a key its successor signs, too.
std::string sign_checkpoint(const Checkpoint& checkpoint, const Signer& signer, const Signer* successor = nullptr);
/// Verifies and parses; the origin must be the verifier's name.
Result<Checkpoint, NoteFault> open_checkpoint(std::string_view note, const Verifier& verifier);
/// By any of them: the keys that one log had.
Result<Checkpoint, NoteFault> open_checkpoint(std::string_view note, const std::vector<Verifier>& keys);

}  // namespace daicho
