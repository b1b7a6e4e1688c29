// ledger/pending_erasure.hpp — an erasure that a longer copy of this log has on record and a restored one has not yet:
// kept in the restored store from the moment its key goes until the ledger records it anew
// (docs/decisions/0028-restore-and-erasure.md; bytes: docs/ledger-format.md, section "Pending erasures"). Any thread.
#pragma once

#include "ledger/erasing.hpp"
#include "ledger/key_history.hpp"

namespace daicho {

/// Proves itself to whoever has the log's first verifier: the event is signed, and so is every rotation of the signing
/// key before it.
struct PendingErasure {
  Id account;
  Position position = 0;               ///< of the event, in the log that has it
  Hash fingerprint;                    ///< of the account's own key, which went with all others
  std::vector<std::string> rotations;  ///< envelopes, in order
  std::string envelope;                ///< of the event

  Event event() const { return *Event::parse(as_bytes(envelope)); }
};

/// nullopt: the envelope is no event that erases an account. One that erased a single data key is none: what it
/// followed from, a removal or a mailbox's end, is gone from a restored log with it.
std::optional<PendingErasure> read_erasure(std::vector<std::string> rotations, std::string envelope);
/// Whose signature counts where, by rotations alone; nullopt: one of them is not signed by the key before it.
std::optional<KeyHistory> follow_rotations(const Verifier& first, const std::vector<std::string>& rotations);
/// Whether keys that follow from the first one signed it.
bool is_proven(const PendingErasure& erasure, const Verifier& first);

/// The row of the family `meta` that keeps one, and its value read back; the prefix of all of an account.
RowChange pending_row(const PendingErasure& erasure);
std::optional<PendingErasure> parse_pending_row(ByteView value);
std::string pending_rows_prefix(const Id& account);
/// All that a store keeps, or those of an account, by account and position. A row that does not read proves nothing,
/// and is passed over. Whether the rest are proven is the caller's to ask.
Result<std::vector<PendingErasure>, StoreError> pending_erasures(const LogSource& source,
                                                                 const std::optional<Id>& account = std::nullopt);

}  // namespace daicho
