// ledger/tlog_proof.hpp — proofs in a file (C2SP tlog-proof@v1): events, where the last of them stands in the tree, and
// a checkpoint of that tree. Its `extra` line holds the events as an entry bundle (C2SP tlog-tiles), so that a file is
// all that a verifier needs. Several events are one account's whole history up to the last. Pure.
#pragma once

#include "ledger/checkpoint.hpp"
#include "ledger/event.hpp"
#include "ledger/merkle.hpp"

namespace daicho {

inline constexpr std::size_t proof_bytes_max = 256 << 20;
inline constexpr std::size_t proof_hashes_max = 63;

struct TlogProof {
  std::vector<std::string> envelopes;  ///< in order; `index` is the place of the last
  std::uint64_t index = 0;
  std::vector<Hash> path;  ///< RFC 6962 section 2.1.1
  std::string checkpoint;  ///< a signed note, with all its signatures
};

std::string write_proof(const TlogProof& proof);
/// nullopt: not a proof file, or one without events.
std::optional<TlogProof> read_proof(std::string_view file);

/// What is wrong with a proof, in words; nullopt: it shows what it says, if the checkpoint is signed as it should be.
/// `keys` verify the events; each event must be signed by one of them.
std::optional<std::string> refute(const TlogProof& proof, const Checkpoint& checkpoint,
                                  const std::vector<Verifier>& keys);

}  // namespace daicho
