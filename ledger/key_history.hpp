// ledger/key_history.hpp — whose signature counts at which position: the first verifier, and each key that an event
// SigningKeyRotated, signed by the key then in force, put in its place from the next position on.
// Whoever trusts the first key trusts the rest by these events alone. Reading it: any thread.
#pragma once

#include "ledger/checkpoint.hpp"
#include "ledger/event.hpp"
#include "ledger/store.hpp"

namespace daicho {

class KeyHistory {
 public:
  explicit KeyHistory(Verifier first) : reigns_{{0, std::move(first)}} {}

  const Verifier& first() const { return reigns_.front().verifier; }
  const Verifier& newest() const { return reigns_.back().verifier; }
  const Verifier& at(Position position) const;  ///< whose signature counts at `position`
  std::vector<Verifier> all() const;            ///< in the order of their reigns
  std::vector<Position> rotations() const;      ///< positions of the rotation events, in order

  /// Opens a stored checkpoint by who must have signed one of its size: the key that signed the last event it covers,
  /// and where that event is a rotation, the new key as well.
  Result<Checkpoint, NoteFault> open(std::string_view note) const;

  /// Whether a key may come next at `position`: of the same origin, and never in force before.
  bool accepts(const Verifier& next, Position position) const;
  /// The key that an event puts in force; nullopt: it is no rotation, or not a well-formed one. Not the signature.
  std::optional<Verifier> named_by(const Event& event) const;
  /// `next` signs what follows the event at `position`, which comes after every earlier rotation.
  void rotate(Position position, Verifier next);

 private:
  struct Reign {
    Position from;
    Verifier verifier;
  };
  std::vector<Reign> reigns_;
};

/// Where the rotations of a store are: a list, for the events themselves say it, and are checked against it.
RowChange rotations_row(const KeyHistory& keys);
/// Adds the listed rotations as far as each is signed by the key before it; `corrupt` at the first that is not.
std::optional<StoreError> read_key_history(const LogSource& source, KeyHistory& keys);

}  // namespace daicho
