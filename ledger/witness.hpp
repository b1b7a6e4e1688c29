// ledger/witness.hpp — a witness's side of c2sp.org/tlog-witness v1.0.0, without sockets, files or a clock: a request
// and what was cosigned last in, an answer and what to remember out. And the request's body, for those who ask.
// Whoever keeps the state must compare and set under one lock, and have it durable before the answer leaves.
#pragma once

#include <map>

#include "ledger/checkpoint.hpp"
#include "ledger/cosignature.hpp"

namespace daicho {

inline constexpr std::size_t consistency_hashes_max = 63;
/// `old <20 digits>`, the hashes' lines, the empty line, the checkpoint.
inline constexpr std::size_t add_checkpoint_bytes_max = 25 + consistency_hashes_max * 45 + 1 + note_bytes_max;
inline constexpr const char* tree_size_content_type = "text/x.tlog.size";
inline constexpr const char* note_content_type = "text/plain; charset=utf-8";

struct AddCheckpoint {
  std::uint64_t old_size = 0;
  std::vector<Hash> proof;
  std::string note;
  bool operator==(const AddCheckpoint&) const = default;
};
std::string add_checkpoint_body(const AddCheckpoint& request);
std::optional<AddCheckpoint> parse_add_checkpoint(std::string_view body);

/// The newest checkpoint that a witness cosigned of an origin.
struct Witnessed {
  Checkpoint checkpoint;
  std::uint64_t seconds = 0;  ///< when
  std::string note;           ///< with the log's signatures and the witness's own
};
/// Reads what a witness remembered; nullopt unless it cosigned it.
std::optional<Witnessed> read_witnessed(std::string note, const CosignatureVerifier& witness);

/// By origin.
using WitnessState = std::map<std::string, Witnessed, std::less<>>;

struct WitnessAnswer {
  unsigned status = 0;
  std::string content_type, body;
  std::optional<Witnessed> next;  ///< to be remembered before the answer leaves
  bool is_fork = false;           ///< signed by the log, of a size that was cosigned with another root
};

/// Checks in this order: the body's form (400), the origin (404), a signature by one of `logs` and none spoilt (403),
/// the old size (400, 409), the proof and the root (422). `logs` may hold several keys of one origin.
WitnessAnswer answer_add_checkpoint(std::string_view body, const std::vector<Verifier>& logs, const WitnessState& state,
                                    const Cosigner& cosigner, std::uint64_t seconds);

/// `<hex SHA-256(origin)>`, by which the newest cosigned checkpoint is asked for: GET <prefix>/<hash>/checkpoint.
std::string origin_hash(std::string_view origin);

}  // namespace daicho
