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
/// Decimal without leading zeros, `0` for zero, as tree sizes are written.
std::optional<std::uint64_t> parse_tree_size(std::string_view text);
/// Takes a line from the front, and its newline; nullopt when there is no newline.
std::optional<std::string_view> take_line(std::string_view& rest);

/// At the rotation of a key its successor signs, too.
std::string sign_checkpoint(const Checkpoint& checkpoint, const Signer& signer, const Signer* successor = nullptr);
/// Verifies and parses; the origin must be the verifier's name.
Result<Checkpoint, NoteFault> open_checkpoint(std::string_view note, const Verifier& verifier);

}  // namespace daicho
