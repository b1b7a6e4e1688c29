// projections/current_proofs.hpp — the proofs of an account, with the code or link each one waits for and its budgets.
// Addresses are not here: `added` says which event's sealed part holds them.
#pragma once

#include "ledger/event.hpp"
#include "projections/marks.hpp"

namespace daicho {

inline constexpr std::size_t removed_proofs_kept_max = 16;  ///< as_of reaches older ones

enum class ProofStatus : std::uint8_t {
  unverified,
  verified,
  marked_lost,  ///< a replacement window is open; still works until its end (R-LOST-4)
  removed,
  proposed,   ///< the new one of an open window, not yet confirmed
  confirmed,  ///< the new one of an open window, waiting for its end
};

/// What is expected back from the owner. A new one voids the old (R-CHL-5).
struct PendingCode {
  Id id;
  Id challenge;  ///< all zero: it verifies the proof itself
  bool is_link = false;
  Tag16 hash;
  Time expires_at = 0;
  bool operator==(const PendingCode&) const = default;
};

struct Proof {
  Id id;
  fb::ProofKind kind = fb::ProofKind::none;
  ProofStatus status = ProofStatus::unverified;
  Position added = 0;
  Time added_at = 0;
  Position status_position = 0;
  Time status_since = 0;
  Tag16 address_tag, confirmation_tag;
  Id replacement;  ///< the window that marked it lost, or proposed it
  Id replaces;
  std::optional<PendingCode> code;
  std::vector<Time> wrong_guesses;        ///< of the last hour; a right one empties it
  std::vector<Time> sends;                ///< of the last hour
  std::vector<Time> wrong_confirmations;  ///< of the last days (R-CHL-3)
  std::vector<Time>
      familiar_wrong_confirmations;  ///< on devices that signed in before: a budget strangers cannot spend
  std::uint64_t totp_step = 0;       ///< of the newest app code accepted: it and those before are used up
  Position verified = 0;             ///< of the event that verified it last; 0: never
  std::uint32_t sealed_slot = 0;     ///< of the data key that its values and tags are under
  bool operator==(const Proof&) const = default;

  /// Usable for challenges: verified, or marked lost while the window runs (docs/decisions/0004-marked-lost-proofs.md).
  bool is_usable() const { return status == ProofStatus::verified || status == ProofStatus::marked_lost; }
  bool is_in_force() const { return is_usable() || status == ProofStatus::unverified; }
  bool is_of_window() const { return status == ProofStatus::proposed || status == ProofStatus::confirmed; }
};

struct CurrentProofs {
  std::vector<Proof> all;  ///< in the order they were added
  bool operator==(const CurrentProofs&) const = default;

  const Proof* find(const Id& id) const;
  Proof* find(const Id& id);
  const Proof* with_code_of(const Id& challenge) const;    ///< the proof whose newest code belongs to this challenge
  const Proof* newest_at(const Tag16& address_tag) const;  ///< of the same destination, removed ones too
  std::size_t usable_count() const;
};

void evolve(CurrentProofs& proofs, const Event& event);

/// What the end of a window does to the proofs (R-LOST-6): the marked go, the confirmed are verified.
void complete_replacement(CurrentProofs& proofs, const Id& replacement, Time effective_at, Position position);

/// After a recovery or a replacement nobody can verify any more what was added before. A device becomes a proof only by
/// a challenge that its owner passes, so it may stay.
inline bool is_void_after_recovery(const Proof& proof) {
  return proof.status == ProofStatus::unverified && proof.kind != fb::ProofKind::trusted_device;
}

/// Voids what an earlier holder of the account may have left open: codes, links, trust in devices (R-PWD-3).
void void_open(CurrentProofs& proofs, Time at, Position position);

}  // namespace daicho
