#include "tools/outbox.hpp"

#include <algorithm>

#include "commands/decoy.hpp"
#include "commands/names.hpp"
#include "commands/text.hpp"
#include "projections/event_fields.hpp"
#include "projections/history.hpp"
#include "tools/system.hpp"

namespace daicho {

namespace {

constexpr const char* lease_command = "lease";

struct Lease {
  Time until = 0;
  std::uint32_t attempt = 0;
  std::string holder;
};

std::string encode_lease(const Lease& lease) {
  std::string value;
  append(value, big_endian(static_cast<std::uint64_t>(lease.until)));
  append(value, big_endian32(lease.attempt));
  return value + lease.holder;
}

Lease read_lease(const Store& store, const Id& notification) {
  const auto value = store.get(Family::leases, notification.view());
  if (!value) fail(value.error());
  if (!*value || (*value)->size() < 12) return {};
  const ByteView bytes = as_bytes(**value);
  return {static_cast<Time>(read_big_endian(bytes.first(8))), read_big_endian32(bytes.subspan(8, 4)),
          std::string(as_text(bytes.subspan(12)))};
}

/// Reads events and opens their sealed parts for one notification.
class Writer {
 public:
  Writer(const WritableLedger& ledger, const OutboxRow& row, bool is_decoys) : ledger_(ledger), row_(row) {
    if (is_decoys) decoy_ = value_or_fail(find_decoy(*ledger.store, *ledger.keys, row.account));
    if (!is_decoys) data_key_ = ledger.keys->data_key(*ledger.store, row.account);
    if (decoy_) data_key_ = decoy_->data_key.clone();
  }

  /// What the delivery service is told; null when a key it needs is erased, or the decoy is gone.
  Json write() {
    if (!data_key_) return nullptr;
    if (decoy_ && !value_or_fail(stored_event(row_.position))) return nullptr;
    const auto envelope = event_bytes(row_.position);
    const auto event = Event::parse(as_bytes(envelope));
    const fb::Notification& wanted = *event->body().notifications()->Get(row_.index);
    const auto to = destination(wanted, *event);
    if (!to) return nullptr;
    Json json = {{"notification_id", to_text(row_.notification)},
                 {"account", to_text(row_.account)},
                 {"kind", name(wanted.kind())},
                 {"channel", name(wanted.channel())},
                 {"destination", *to},
                 {"asked_at", to_rfc3339(row_.asked_at)},
                 {"seq", row_.position}};
    add_secret(json, wanted, *event);
    return json;
  }

 private:
  Result<std::optional<std::string>, StoreError> stored_event(Position position) const {
    if (!decoy_) return read_event(*ledger_.store, position);
    return ledger_.store->get(Family::meta, as_bytes(decoy_event_key(decoy_->id, position)));
  }

  std::string event_bytes(Position position) const {
    auto envelope = stored_event(position);
    if (!envelope) fail(envelope.error());
    if (!*envelope || !Event::parse(as_bytes(**envelope))) {
      throw Failure(Exit::integrity, "the event at " + std::to_string(position) + " does not read: run audit verify");
    }
    return **std::move(envelope);
  }

  std::optional<fb::PersonalT> personal_of(const Event& event) const {
    return decoy_ ? event.open(slot_key_of(*decoy_, event.sealed_slot()))
                  : ledger_.keys->personal(*ledger_.store, event);
  }

  fb::PersonalT open(Position position) const {
    const auto envelope = event_bytes(position);
    auto personal = personal_of(*Event::parse(as_bytes(envelope)));
    if (!personal)
      throw Failure(Exit::integrity, "the sealed part of event " + std::to_string(position) + " does not open");
    return *std::move(personal);
  }

  /// Nullopt: it is erased.
  std::optional<std::string> destination(const fb::Notification& wanted, const Event& event) const {
    if (wanted.recipient() == fb::Recipient::sealed_address) return personal_of(event)->contact_address;
    const Account account = decoy_ ? decoy_->account : *value_or_fail(load_account(*ledger_.store, row_.account));
    if (wanted.recipient() == fb::Recipient::sign_in_name) return open(account.identity.registered).sign_in_name;
    const Proof* proof = account.proofs.find(id_of(wanted.proof_id()));
    if (!proof) return "";
    if (!account.keys.has(proof->sealed_slot)) return std::nullopt;
    return open(proof->added).address;
  }

  void add_secret(Json& json, const fb::Notification& wanted, const Event& event) const {
    const Id id = id_of(wanted.secret_id());
    if (id.is_zero()) return;
    const Vault vault(row_.account, *data_key_, ledger_.keys->code_key());
    switch (wanted.kind()) {
      case fb::NotificationKind::security_code: {
        const auto policy = ledger_at(*ledger_.store, {.position = event.position()});
        if (!policy) fail(policy.error());
        json["code"] = vault.secret(OneTime::security_code, id, policy->policy.code_digits);
        break;
      }
      case fb::NotificationKind::replacement_pending:
        json["replacement_id"] = to_text(id);
        json["token"] = vault.secret(OneTime::notice_link, id);
        if (const auto* confirmed = event.as<fb::ReplacementConfirmed>())
          json["effective_at"] = to_rfc3339(confirmed->effective_at());
        break;
      default:
        json["token"] = vault.secret(OneTime::link, id);
        break;
    }
  }

  const WritableLedger& ledger_;
  const OutboxRow& row_;
  std::optional<Decoy> decoy_;
  std::optional<SecretKey> data_key_;
};

struct Waiting {
  OutboxRow row;
  bool is_decoys = false;
};

/// Adds what waits in one outbox, the accounts' or the decoys', and nobody holds: twice as many as wanted, for some may
/// have nothing left to tell.
void add_free(const WritableLedger& ledger, const LeaseOptions& options, Time now, bool decoys,
              std::vector<Waiting>& found) {
  const std::string prefix = decoys ? decoy_index_key("") : "", from = prefix + "O";
  const auto failed =
      ledger.store->scan(decoys ? Family::meta : Family::rows, as_bytes(from), [&](ByteView key, ByteView value) {
        if (!as_text(key).starts_with(from) || std::ssize(found) >= 2 * options.count_max) return false;
        const auto row = decode_outbox_row(key.subspan(prefix.size()), value);
        const bool is_wanted = row && (!options.account || *options.account == row->account);
        if (is_wanted && read_lease(*ledger.store, row->notification).until <= now) found.push_back({*row, decoys});
        return true;
      });
  if (failed) fail(*failed);
}

/// As a command of this service would be.
Result<Answer, Fault> refuse(const WritableLedger& ledger, const LeaseOptions& options, Refusal refusal) {
  std::array<std::uint8_t, 10> random;
  system_entropy()(random);
  Request request{.command = RefuseCommand{std::move(refusal)}, .account = options.account};
  request.issuer.service = options.service;
  request.issuer.command = lease_command;
  request.issuer.command_id = to_text(make_uuid_v7(ledger.log->time(), random));
  request.issuer.entry = fb::Entry::cli;
  return ledger.executor->execute(std::move(request));
}

}  // namespace

LeaseOptions read_lease_options(Fields& fields) {
  LeaseOptions options;
  options.account = fields.optional_id("account");
  const auto read = [&](const char* name, std::int64_t& value, std::int64_t max) {
    const auto given = fields.optional_count(name);
    if (given && (*given == 0 || *given > static_cast<std::uint64_t>(max)))
      fields.wrong(name, "1 to " + std::to_string(max));
    if (given) value = static_cast<std::int64_t>(*given);
  };
  read("count_max", options.count_max, lease_count_max);
  read("seconds", options.seconds, lease_seconds_max);
  options.holder = fields.optional_text("holder").value_or(options.holder);
  return options;
}

Result<Answer, Fault> lease_notifications(WritableLedger& ledger, const LeaseOptions& options) {
  const bool is_name =
      !options.service.empty() && options.service.size() <= service_bytes_max && is_utf8(options.service);
  if (!is_name) throw Failure(Exit::usage, "service: a name of 1 to 64 bytes of UTF-8 is wanted");
  if (auto refusal = check_role(ledger.executor->ledger(), options.service, lease_command))
    return refuse(ledger, options, *std::move(refusal));
  const Time now = ledger.log->time(), until = now + options.seconds * second_us;
  std::vector<Waiting> waiting;
  add_free(ledger, options, now, false, waiting);
  add_free(ledger, options, now, true, waiting);
  // Ids made within one millisecond are in no order; the log's order is that of the asking.
  std::ranges::sort(waiting, {}, [](const Waiting& each) { return std::pair(each.row.position, each.row.index); });
  Json notifications = Json::array();
  Rows leases;
  for (const auto& [row, is_decoys] : waiting) {
    if (std::ssize(notifications) >= options.count_max) break;
    Json notification = Writer(ledger, row, is_decoys).write();
    if (notification.is_null()) continue;
    const Lease lease{until, read_lease(*ledger.store, row.notification).attempt + 1, options.holder};
    leases.push_back({Family::leases, std::string(row.notification.text()), encode_lease(lease)});
    notification["lease_until"] = to_rfc3339(until);
    notification["attempt"] = lease.attempt;
    notifications.push_back(std::move(notification));
  }
  if (auto error = ledger.store->write(leases, true)) fail(*error);
  Json body = {{"notifications", std::move(notifications)}};
  return Answer{std::move(body)};
}

}  // namespace daicho
