#include "projections/rows.hpp"

#include <algorithm>

#include "projections/event_fields.hpp"

namespace daicho {

namespace {

std::string key_of(char table, std::initializer_list<ByteView> parts) {
  std::string key(1, table);
  for (const ByteView part : parts) append(key, part);
  return key;
}

void put(Rows& rows, std::string key, std::string value) {
  rows.push_back({Family::rows, std::move(key), std::move(value)});
}
void erase(Rows& rows, std::string key) { rows.push_back({Family::rows, std::move(key), std::nullopt}); }

void append_due_changes(Rows& rows, const std::vector<Due>& was, const std::vector<Due>& is) {
  for (const Due& due : was) {
    if (std::ranges::find(is, due) == is.end()) erase(rows, due_row_key(due));
  }
  for (const Due& due : is) {
    if (std::ranges::find(was, due) == was.end()) put(rows, due_row_key(due), "");
  }
}

void append_outbox_changes(Rows& rows, const Event& event) {
  if (const auto* notifications = event.body().notifications()) {
    std::uint16_t index = 0;
    for (const fb::Notification* notification : *notifications) {
      const OutboxRow row{id_of(notification->id()), event.account(), event.position(), index++, event.time()};
      put(rows, outbox_row_key(row.notification), encode_outbox_row(row));
    }
  }
  if (const auto* delivered = event.as<fb::DeliveryRecorded>()) {
    erase(rows, outbox_row_key(id_of(delivered->notification_id())));
  }
}

void append_evidence_changes(Rows& rows, const Event& event) {
  const auto* recorded = event.as<fb::EvidenceRecorded>();
  if (recorded && recorded->items()) {
    for (const fb::EvidenceItem* item : *recorded->items()) {
      std::string value;
      for (const std::uint64_t shingle : list_of(item->shingles())) append(value, big_endian(shingle));
      std::string key = evidence_rows_prefix(event.account(), item->field());
      append(key, tag_of(item->tag()).view());
      put(rows, std::move(key), std::move(value));
    }
  }
  for (int i = static_cast<int>(fb::RecoveryField::MIN) + 1; i <= static_cast<int>(fb::RecoveryField::MAX); ++i) {
    const auto field = static_cast<fb::RecoveryField>(i);
    const bool is_gone = event.as<fb::AccountClosed>() || event.as<fb::AccountExpired>() ||
                         (event.as<fb::MailboxDeactivated>() && is_mail(field));
    if (is_gone) rows.push_back({Family::rows, evidence_rows_prefix(event.account(), field), std::nullopt, true});
  }
}

void append_lookup_changes(Rows& rows, const Indexed& before, const Indexed& after, const Event& event,
                           const Lookup& lookup) {
  if (event.as<fb::AccountRegistered>()) {
    const auto registered = lookup.personal(event.position());
    if (registered) {
      const Tag32 name_tag = sign_in_name_tag(*lookup.keys, registered->sign_in_name);
      rows.push_back(sign_in_name_row(*lookup.keys, name_tag, event.account()));
    }
  }
  if (before.addresses == after.addresses) return;
  rows.push_back({Family::rows, proof_addresses_row_key(event.account()),
                  proof_addresses_row_value(lookup, event.account(), after.addresses)});
}

}  // namespace

std::string ledger_row_key() { return "L"; }
std::string account_row_key(const Id& account) { return key_of('A', {account.view()}); }
std::string outbox_row_key(const Id& notification) { return key_of('O', {notification.view()}); }
std::string blocked_row_key(const Id& account) { return key_of('B', {account.view()}); }

Id subject_of_key(std::uint32_t slot) {
  Id subject;
  std::ranges::copy(big_endian32(slot), subject.bytes.end() - 4);
  return subject;
}

std::uint32_t key_of_subject(const Id& subject) { return read_big_endian32(subject.view().last(4)); }

std::string due_rows_prefix(DueKind kind) { return {'D', static_cast<char>(kind)}; }

std::string due_row_key(const Due& due) {
  std::string key = due_rows_prefix(due.kind);
  append(key, big_endian(static_cast<std::uint64_t>(due.at)));
  append(key, due.account.view());
  append(key, due.subject.view());
  return key;
}

std::optional<Due> parse_due_row(ByteView key) {
  if (key.size() != 1 + 1 + 8 + 16 + 16 || key[0] != 'D') return std::nullopt;
  Due due;
  due.kind = static_cast<DueKind>(key[1]);
  due.at = static_cast<Time>(read_big_endian(key.subspan(2, 8)));
  due.account = *Id::from(key.subspan(10, 16));
  due.subject = *Id::from(key.subspan(26, 16));
  return due;
}

std::optional<Id> parse_blocked_row(ByteView key) {
  return key.size() == 17 && key[0] == 'B' ? Id::from(key.subspan(1)) : std::nullopt;
}

std::vector<Due> due_of(const Account& account) {
  std::vector<Due> due;
  if (const auto& end = account.life.end; end && end->is_erased() && !end->erasure)
    due.push_back({DueKind::erasure, end->at, account.id, subject_of_key(own_key_slot)});
  if (const auto& end = account.life.end; end && end->kind == EndKind::expired)
    due.push_back({DueKind::account_expired, end->at, account.id, {}});
  for (const LeavingKey& key : account.keys.leaving)
    due.push_back({DueKind::erasure, key.at, account.id, subject_of_key(key.slot)});
  for (const DataKey& key : account.keys.live) {
    if (key.unneeded_since)
      due.push_back({DueKind::unneeded_key, *key.unneeded_since, account.id, subject_of_key(key.slot)});
  }
  if (!account.exists() || account.life.end) return due;
  if (const auto& window = account.windows.open; window && window->effective_at)
    due.push_back({DueKind::replacement, *window->effective_at, account.id, window->id});
  for (const Recovery& recovery : account.recoveries.all) {
    if (recovery.outcome == RecoveryOutcome::pending)
      due.push_back({DueKind::recovery_reply, recovery.submitted_at, account.id, recovery.id});
    if (!recovery.survey_sent)
      due.push_back({DueKind::recovery_survey, recovery.submitted_at, account.id, recovery.id});
  }
  const Time idle_since = account.last_active() - account.last_active() % hour_us;  // one row change an hour at most
  if (account.life.has_mailbox && !account.life.mailbox_off) {
    const bool is_used = account.identity.last_sign_in > 0;
    due.push_back({is_used ? DueKind::mailbox_idle : DueKind::mailbox_first_use, idle_since, account.id, {}});
  }
  if (account.identity.plan == fb::Plan::free) due.push_back({DueKind::account_idle, idle_since, account.id, {}});
  return due;
}

bool is_mail(fb::RecoveryField field) {
  return field == fb::RecoveryField::mail_subjects || field == fb::RecoveryField::mail_folders ||
         field == fb::RecoveryField::mail_recipients;
}

std::string evidence_rows_prefix(const Id& account) { return key_of('E', {account.view()}); }
std::string evidence_rows_prefix(const Id& account, fb::RecoveryField field) {
  return evidence_rows_prefix(account) + static_cast<char>(field);
}

std::optional<Evidence> parse_evidence_row(ByteView key, ByteView value) {
  if (key.size() != 1 + 16 + 1 + 16 || key[0] != 'E' || value.size() % 8 != 0) return std::nullopt;
  Evidence evidence{*Tag16::from(key.last(16)), {}};
  for (std::size_t i = 0; i < value.size(); i += 8) evidence.shingles.push_back(read_big_endian(value.subspan(i, 8)));
  return evidence;
}

std::string encode_outbox_row(const OutboxRow& row) {
  std::string value;
  append(value, row.account.view());
  append(value, big_endian(row.position));
  append(value, big_endian(static_cast<std::uint64_t>(row.asked_at)));
  append(value, big_endian32(row.index));
  return value;
}

std::optional<OutboxRow> decode_outbox_row(ByteView key, ByteView value) {
  if (key.size() != 17 || key[0] != 'O' || value.size() != 36) return std::nullopt;
  OutboxRow row;
  row.notification = *Id::from(key.subspan(1));
  row.account = *Id::from(value.subspan(0, 16));
  row.position = read_big_endian(value.subspan(16, 8));
  row.asked_at = static_cast<Time>(read_big_endian(value.subspan(24, 8)));
  row.index = static_cast<std::uint16_t>(read_big_endian32(value.subspan(32, 4)));
  return row;
}

Indexed indexed(const Account& account) {
  Indexed indexed{due_of(account), std::nullopt, addressed_proofs(account)};
  if (account.block.current && !account.life.end) indexed.blocked_since = account.block.current->since;
  return indexed;
}

void append_index_changes(Rows& rows, const Indexed& before, const Indexed& after, const Event& event,
                          const Lookup& lookup) {
  append_due_changes(rows, before.due, after.due);
  if (before.blocked_since != after.blocked_since) {
    if (after.blocked_since) {
      const auto since = big_endian(static_cast<std::uint64_t>(*after.blocked_since));
      put(rows, blocked_row_key(event.account()), std::string(as_text(since)));
    } else {
      erase(rows, blocked_row_key(event.account()));
    }
  }
  if (lookup.keys) append_lookup_changes(rows, before, after, event, lookup);
  append_outbox_changes(rows, event);
  append_evidence_changes(rows, event);
  append_access_row(rows, event);
}

void append_access_row(Rows& rows, const Event& event) {
  if (const auto access = access_of(event)) put(rows, access_row_key(*access), "");
}

std::vector<Id> notifications_of(std::span<const Event> history) {
  std::vector<Id> asked;
  for (const Event& event : history) {
    const auto* notifications = event.body().notifications();
    if (!notifications) continue;
    for (const fb::Notification* notification : *notifications) asked.push_back(id_of(notification->id()));
  }
  return asked;
}

void append_erasing_changes(Rows& rows, std::span<const Event> history, const std::optional<RowChange>& name_row) {
  const Erasing what = erasing(history.back()).value_or(Erasing{});  // closings did not always erase
  for (const Id& notification : withdrawn_notifications(history, what)) erase(rows, outbox_row_key(notification));
  if (name_row) rows.push_back(*name_row);
}

}  // namespace daicho
