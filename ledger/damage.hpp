// ledger/damage.hpp — what happened to a log that an audit found violated: every damage in it, of which class, where,
// and whose accounts it touches. The measure is what was signed: the leaf hashes below the newest checkpoint that the
// stored tiles, the events' own links back and the events themselves still give. Reads only; one thread. Cost: two
// passes over the log on one core, an Ed25519 verification an event and a checkpoint, 80 bytes of memory an event.
#pragma once

#include "ledger/audit.hpp"

namespace daicho {

enum class DamageClass {
  flipped,            ///< its bytes are not those that were signed
  rewritten,          ///< another event stands in its place, signed with a key of the log
  truncated,          ///< the log ends before it
  reordered,          ///< it is stored at another position
  missing,            ///< it is stored nowhere
  forked,             ///< the log's key signed another history
  signature,          ///< it was committed like this, and is not signed by the key in force
  malformed,          ///< it was signed and committed like this, and breaks the format
  service_signature,  ///< it was signed and committed like this, and the service it names did not sign the command
  projection,         ///< rows that the events do not give
};
const char* name(DamageClass what);

enum class DamagedThing { event, checkpoint, tile, store };
const char* name(DamagedThing thing);

/// A run of bytes that differs from a copy's.
struct ByteChange {
  std::size_t offset;           ///< in the envelope
  std::string expected, found;  ///< the bytes; one is shorter where the envelope is
};
inline constexpr std::size_t byte_changes_max = 64;        ///< runs told of one event
inline constexpr std::size_t byte_change_bytes_max = 256;  ///< bytes told of one run

/// The runs in which two envelopes differ, the first `byte_changes_max` of them.
std::vector<ByteChange> byte_changes(std::string_view expected, std::string_view found);

struct Damage {
  DamageClass what;
  DamagedThing thing;
  Position first, last;      ///< of the events concerned; of a checkpoint both are its size
  std::vector<Id> accounts;  ///< as far as the events and their links tell
  std::string expected, found;
  std::vector<ByteChange> changes = {};  ///< where a copy has the event that was signed
};
inline constexpr std::size_t damages_max = 1'000;  ///< told; the rest is counted

struct DamageReport {
  std::vector<Damage> found;  ///< by position
  std::uint64_t total = 0;
  std::uint64_t measured = 0;  ///< events below it are compared with what was signed, not only with themselves
  std::vector<KnownCheckpoint> evidence;  ///< signed checkpoints that cannot both be true of one log
};

struct DamageSearch {
  const LogSource& source;
  const Verifier& verifier;  ///< the first
  std::vector<KnownCheckpoint> known = {};
  const LogSource* copy = nullptr;  ///< of the same log, for byte differences; believed only where the measure agrees
  std::function<void(std::uint64_t done, std::uint64_t total)> progress = nullptr;
};

/// `first` is what the audit found. It is among the damage in any case: one that shows nowhere else is told as it is.
DamageReport find_damage(const DamageSearch& search, const Finding& first);

}  // namespace daicho
