// projections/rows.hpp — the projection rows: their keys, and which of them an event changes.
// One letter opens each key: L ledger, A account, B blocked, D due, E evidence, I access, N sign-in name, O outbox, P
// proof addresses (docs/ledger-format.md).
#pragma once

#include "projections/accesses.hpp"
#include "projections/lookup.hpp"
#include "projections/row_codec.hpp"

namespace daicho {

std::string ledger_row_key();
std::string account_row_key(const Id& account);
std::string outbox_row_key(const Id& notification);

/// What comes by time alone. Some wait for an instant; of others the row says since when they wait, and the policy in
/// force how long.
enum class DueKind : std::uint8_t {
  replacement = 1,        ///< at the end of a window; subject: the window
  recovery_reply = 2,     ///< since the submission; subject: the recovery
  recovery_survey = 3,    ///< likewise
  mailbox_first_use = 4,  ///< since the registration, in whole hours: no sign-in yet
  mailbox_idle = 5,       ///< since the last sign-in, in whole hours
  account_idle = 6,       ///< since the last sign-in or the registration, in whole hours; free accounts
  erasure = 7,            ///< since a data key went from the store: not yet out of its files; subject: the key
  unneeded_key = 8,       ///< since no proof needs a destination's data key; subject: the key
  account_expired = 9,    ///< since the expiry
};
inline constexpr std::array due_kinds = {DueKind::replacement,       DueKind::recovery_reply, DueKind::recovery_survey,
                                         DueKind::mailbox_first_use, DueKind::mailbox_idle,   DueKind::account_idle,
                                         DueKind::erasure,           DueKind::unneeded_key,   DueKind::account_expired};
struct Due {
  DueKind kind = DueKind::replacement;
  Time at = 0;
  Id account;
  Id subject;
  auto operator<=>(const Due&) const = default;
};
/// A data key as a subject: its slot in the last four bytes, so that the account's own, and with it all, is all zero.
Id subject_of_key(std::uint32_t slot);
std::uint32_t key_of_subject(const Id& subject);
std::string due_row_key(const Due& due);
std::string due_rows_prefix(DueKind kind);  ///< what the keys of one kind begin with, earliest first
std::optional<Due> parse_due_row(ByteView key);
std::vector<Due> due_of(const Account& account);

/// A fact that a service observed, as keyed hashes: what recovery answers are compared with (R-REC-6).
struct Evidence {
  Tag16 tag;
  std::vector<std::uint64_t> shingles;  ///< sorted
};
std::string evidence_rows_prefix(const Id& account);
std::string evidence_rows_prefix(const Id& account, fb::RecoveryField field);
std::optional<Evidence> parse_evidence_row(ByteView key, ByteView value);
bool is_mail(fb::RecoveryField field);  ///< what goes with the mailbox (R-LIFE-2)

std::string blocked_row_key(const Id& account);  ///< value: u64 big-endian time since when
std::optional<Id> parse_blocked_row(ByteView key);

/// A notification waiting for its DeliveryRecorded. Destination and text are made from the events when it is leased.
struct OutboxRow {
  Id notification;
  Id account;
  Position position = 0;    ///< of the event that asked for it
  std::uint16_t index = 0;  ///< which of the event's notifications
  Time asked_at = 0;
};
std::string encode_outbox_row(const OutboxRow& row);
std::optional<OutboxRow> decode_outbox_row(ByteView key, ByteView value);

/// What the index rows of an account are made of.
struct Indexed {
  std::vector<Due> due;
  std::optional<Time> blocked_since;
  std::vector<AddressedProof> addresses;
};
Indexed indexed(const Account& account);

/// Rows that an event changes, given what is indexed before and after it; the account rows themselves are left to the
/// caller, who writes each once a command.
void append_index_changes(Rows& rows, const Indexed& before, const Indexed& after, const Event& event,
                          const Lookup& lookup);

/// Of these, the one that an event of the ledger's own account may change.
void append_access_row(Rows& rows, const Event& event);

/// The notifications that an account's events asked for.
std::vector<Id> notifications_of(std::span<const Event> history);
/// Beside them, those that an erasing event changes: what cannot be sent any more waits no longer, and after a closing
/// the name stays taken. `history` is the account's, the erasing event last; `name_row` the row that its mark says, if
/// it opens.
void append_erasing_changes(Rows& rows, std::span<const Event> history, const std::optional<RowChange>& name_row);

}  // namespace daicho
