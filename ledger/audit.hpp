// ledger/audit.hpp — re-reads every stored byte of a log and says whether it is what was signed.
// Trusts nothing but the verifier it is given: not the store, not the writer. Reads only.
// Cost: one Ed25519 verification an event and a checkpoint, spread over all threads; one pass in order for the rest.
#pragma once

#include "ledger/event.hpp"
#include "ledger/key_history.hpp"
#include "ledger/key_ring.hpp"
#include "ledger/log_source.hpp"

namespace daicho {

enum class FindingKind {
  unreadable,         ///< the store cannot read it back: its own checksums do not fit
  missing,            ///< it is not stored, or another event stands in its place
  malformed,          ///< it was committed like this, and is no event of a known format
  signature,          ///< it was committed like this, and is not signed by the key in force at its position
  flipped,            ///< its bytes are not those that were committed
  back_link,          ///< its account version or its link to the account's previous event does not fit
  time,               ///< it is earlier than the event before it
  tree,               ///< the events up to a signed checkpoint do not give its root; position: the first one it adds
  tile,               ///< a stored hash tile is not that of the events; position: its first event
  checkpoint,         ///< one is missing, not signed by the key in force, another than a known one, or covers nothing
  sealed,             ///< its sealed part does not open under the key that is stored for it
  key,                ///< the data key that it is under is gone and no event erased it, or is there although one did
  truncated,          ///< the log ends before what a checkpoint covers
  service_signature,  ///< it was committed like this, and the service it names did not sign the command, though it
                      ///< signs
  projection,         ///< for a replay that hooks into `on_event`
};

struct Finding {
  FindingKind kind;
  Position position;  ///< the first event that is not as it was written; for `checkpoint`, the size it covers
  Id account;         ///< all zero when it cannot be read
  std::string expected, found;
};

/// Where a restored ledger went on with less history than was known to have existed (RestoreAccepted).
struct AcceptedRestore {
  Position position;         ///< of the event: as many were left
  std::uint64_t known_size;  ///< events from `position` to the one before this are gone, if it is more
};

struct AuditReport {
  std::uint64_t events = 0, bytes = 0, checkpoints = 0, accounts = 0;
  std::uint64_t signatures = 0;  ///< verified: of events and of checkpoints
  std::uint64_t rotations = 0;   ///< of the signing key
  std::vector<AcceptedRestore> restores;
  std::uint64_t sealed_opened = 0;
  std::uint64_t sealed_without_key = 0;  ///< not checked further than their signature: no master key given
  std::uint64_t sealed_erased = 0;       ///< by their AccountClosed or DataKeyErased: nobody can open them
  std::uint64_t erasures = 0;            ///< completed ones
  std::uint64_t erasures_open = 0;       ///< erased, and no event says yet that no file holds the key
  std::uint64_t erasures_pending = 0;    ///< on record in a longer copy of this log only: ledger/pending_erasure.hpp
  /// Commands with a signature of their service (ledger/signed_request.hpp): verified, not opened for want of keys or
  /// by the audit's depth, and erased with what they are about.
  std::uint64_t requests_verified = 0, requests_unopened = 0, requests_erased = 0;
  Time first_time = 0, last_time = 0;
  std::string last_checkpoint;           ///< the newest signed note
  std::optional<Finding> first_finding;  ///< the audit stops there
  std::vector<std::string> warnings;     ///< what could not be compared, and why
};

/// How much is believed unchecked.
enum class AuditDepth {
  hashes,       ///< every byte, position, time and link, the tree against every checkpoint; events' signatures believed
  signatures,   ///< and the signature of every event, and sealed parts by their keys
  projections,  ///< and the stored rows by replay (`on_event` does it)
};
const char* name(AuditDepth depth);

/// A signed note that somebody kept of this log and verified: the log must still have the history that it covers, and
/// the keys. See `refute_note`.
struct KnownCheckpoint {
  std::string from;  ///< in words: where it was kept
  std::string note;
};

struct AuditOptions {
  unsigned threads = 0;  ///< 0: as many as the machine has
  AuditDepth depth = AuditDepth::projections;
  std::vector<KnownCheckpoint> known = {};
  const KeyRing* keys = nullptr;  ///< to open sealed parts
  /// Called in order for every event that passed so far; a projection's replay hooks in here.
  std::function<void(const Event& event, const Hash& leaf)> on_event = nullptr;
  std::function<void(std::uint64_t done, std::uint64_t total)> progress = nullptr;  ///< every few thousand events
};

const char* name(FindingKind kind);

/// Why a note cannot be held against a log with these keys: it is torn, edited, of another log, or by a key that was
/// not in force. Nullopt: it can, by its signature or because none of these keys claims to have signed it.
std::optional<std::string> refute_note(const KeyHistory& keys, const std::string& note);

/// `verifier` is the first one: later keys are trusted as far as the events that name them are signed
/// (ledger/key_history.hpp). Audits what the store held when it was called; a writer may go on meanwhile. Any thread;
/// calls back on its own.
AuditReport audit_log(const LogSource& source, const Verifier& verifier, const AuditOptions& options);

}  // namespace daicho
