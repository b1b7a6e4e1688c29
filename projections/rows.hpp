// projections/rows.hpp — the projection rows: their keys, and which of them an event changes.
// One letter opens each key: L ledger, A account, D due, B blocked, N sign-in name, O outbox (docs/ledger-format.md).
#pragma once

#include "ledger/store.hpp"
#include "projections/row_codec.hpp"

namespace daicho {

std::string ledger_row_key();
std::string account_row_key(const Id& account);
std::string sign_in_name_row_key(const Tag32& name_tag);  ///< value: account id
std::string outbox_row_key(const Id& notification);

/// What falls due by time alone. Only windows today; replies and expiries join it later.
enum class DueKind : std::uint8_t { replacement = 1 };
struct Due {
  Time at = 0;
  DueKind kind = DueKind::replacement;
  Id account;
  Id subject;  ///< the window
  auto operator<=>(const Due&) const = default;
};
std::string due_row_key(const Due& due);
std::optional<Due> parse_due_row(ByteView key);
std::vector<Due> due_of(const Account& account);

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

/// The parts of an account that the indexes look at; the rest is left empty.
Account index_view(const Account& account);

/// Rows that an event changes, given the account before and after it; the account rows themselves are left to the
/// caller, who writes each once a command. `name_tag` is the lookup tag of the sign-in name when the event registers
/// one.
void append_index_changes(Rows& rows, const Account& before, const Account& after, const Event& event,
                          const std::optional<Tag32>& name_tag);

}  // namespace daicho
