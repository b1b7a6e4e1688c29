#include "tools/deliver/outbox.hpp"

#include <algorithm>

#include "commands/decoy.hpp"
#include "commands/names.hpp"
#include "commands/text.hpp"
#include "projections/event_fields.hpp"
#include "projections/history.hpp"
#include "tools/deliver/signed_job.hpp"
#include "tools/output.hpp"
#include "tools/query/queries.hpp"
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

/// What a delivery service is told of one notification.
struct Told {
  MessageFacts facts;
  std::string destination;
};

/// Reads events and opens their sealed parts for one notification.
class Reader {
 public:
  Reader(const WritableLedger& ledger, const OutboxRow& row, bool is_decoys) : ledger_(ledger), row_(row) {
    if (is_decoys) decoy_ = value_or_fail(find_decoy(*ledger.store, *ledger.keys, row.account));
    if (!is_decoys) data_key_ = ledger.keys->data_key(*ledger.store, row.account);
    if (decoy_) data_key_ = decoy_->data_key.clone();
  }

  /// nullopt when a key it needs is erased, or the decoy is gone, or none of `channels` is its.
  std::optional<Told> read(const std::vector<fb::Channel>& channels) {
    if (!data_key_) return std::nullopt;
    if (decoy_ && !value_or_fail(stored_event(row_.position))) return std::nullopt;
    const auto envelope = event_bytes(row_.position);
    const auto event = Event::parse(as_bytes(envelope));
    const fb::Notification& wanted = *event->body().notifications()->Get(row_.index);
    if (!channels.empty() && std::ranges::find(channels, wanted.channel()) == channels.end()) return std::nullopt;
    account_ = decoy_ ? decoy_->account : *value_or_fail(load_account(*ledger_.store, row_.account));
    const auto to = destination(wanted, *event);
    if (!to) return std::nullopt;
    Told told{{.kind = wanted.kind(),
               .channel = wanted.channel(),
               .account = to_text(row_.account),
               .asked_at = row_.asked_at},
              *to};
    told.facts.language = language(wanted, *to);
    if (const Id proof = id_of(wanted.proof_id()); !proof.is_zero()) told.facts.proof_id = to_text(proof);
    add_secret(told.facts, wanted, *event);
    add_times(told.facts, *event);
    return told;
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
    if (wanted.recipient() == fb::Recipient::sealed_address) {
      auto personal = personal_of(event);
      return personal ? std::optional(std::move(personal->contact_address)) : std::nullopt;
    }
    if (wanted.recipient() == fb::Recipient::sign_in_name) return open(account_.identity.registered).sign_in_name;
    const Proof* proof = account_.proofs.find(id_of(wanted.proof_id()));
    if (!proof) return "";
    if (!account_.keys.has(proof->sealed_slot)) return std::nullopt;
    return open(proof->added).address;
  }

  /// A mailbox that nobody has proven, and a recovery's contact address, get both: the language would tell a stranger
  /// the account's country, and with a decoy's that there is none (R-ACC-6).
  Language language(const fb::Notification& wanted, const std::string& to) const {
    if (wanted.channel() != fb::Channel::email) return to.starts_with("+81") ? Language::japanese : Language::english;
    const Proof* proof =
        wanted.recipient() == fb::Recipient::proof ? account_.proofs.find(id_of(wanted.proof_id())) : nullptr;
    if (decoy_ || !proof || !proof->is_usable() || account_.identity.profiles.empty()) return Language::both;
    const auto personal = open(account_.identity.profiles.back());
    const std::string country = personal.profile ? fold(personal.profile->country) : "";
    static constexpr std::array names = {"jp", "jpn", "japan", "日本"};
    if (country.empty()) return Language::both;
    return std::ranges::find(names, country) != names.end() ? Language::japanese : Language::english;
  }

  void add_secret(MessageFacts& facts, const fb::Notification& wanted, const Event& event) const {
    const Id id = id_of(wanted.secret_id());
    if (id.is_zero()) return;
    const Vault vault(row_.account, *data_key_, ledger_.keys->code_key());
    switch (wanted.kind()) {
      case fb::NotificationKind::security_code: {
        const auto policy = ledger_at(*ledger_.store, {.position = event.position()});
        if (!policy) fail(policy.error());
        facts.code = vault.secret(OneTime::security_code, id, policy->policy.code_digits);
        break;
      }
      case fb::NotificationKind::replacement_pending:
        facts.replacement_id = to_text(id);
        facts.token = vault.secret(OneTime::notice_link, id);
        break;
      default:
        facts.token = vault.secret(OneTime::link, id);
        break;
    }
  }

  static void add_times(MessageFacts& facts, const Event& event) {
    const auto add_sent = [&](const auto* sent) {
      facts.expires_at = sent->expires_at();
      if (const Id window = id_of(sent->replacement_id()); !window.is_zero()) facts.replacement_id = to_text(window);
    };
    if (const auto* code = event.as<fb::CodeSent>()) add_sent(code);
    if (const auto* link = event.as<fb::LinkSent>()) add_sent(link);
    if (const auto* asked = event.as<fb::SignInNameConfirmationRequested>()) facts.expires_at = asked->expires_at();
    if (const auto* reset = event.as<fb::ResetLinkIssued>()) facts.expires_at = reset->expires_at();
    if (const auto* submitted = event.as<fb::RecoverySubmitted>()) facts.reply_due_at = submitted->reply_due_at();
    if (const auto* confirmed = event.as<fb::ReplacementConfirmed>()) facts.effective_at = confirmed->effective_at();
  }

  const WritableLedger& ledger_;
  const OutboxRow& row_;
  std::optional<Decoy> decoy_;
  std::optional<SecretKey> data_key_;
  Account account_;
};

Json to_json(const OutboxRow& row, const Told& told) {
  const MessageFacts& facts = told.facts;
  Json json = {{"notification_id", to_text(row.notification)},
               {"account", facts.account},
               {"kind", name(facts.kind)},
               {"channel", name(facts.channel)},
               {"destination", told.destination},
               {"asked_at", to_rfc3339(row.asked_at)},
               {"seq", row.position}};
  const std::array<std::pair<const char*, const std::string*>, 4> texts = {{{"code", &facts.code},
                                                                            {"token", &facts.token},
                                                                            {"proof_id", &facts.proof_id},
                                                                            {"replacement_id", &facts.replacement_id}}};
  for (const auto& [name, text] : texts) {
    if (!text->empty()) json[name] = *text;
  }
  const std::array<std::pair<const char*, const std::optional<Time>*>, 3> times = {
      {{"expires_at", &facts.expires_at},
       {"reply_due_at", &facts.reply_due_at},
       {"effective_at", &facts.effective_at}}};
  for (const auto& [name, time] : times) {
    if (*time) json[name] = to_rfc3339(**time);
  }
  return json;
}

void add_text(Json& json, const Told& told, const Wording& wording, const WritableLedger& ledger, Time now) {
  const Message message = write_message(told.facts, wording);
  if (told.facts.language != Language::both) json["language"] = told.facts.language == Language::japanese ? "ja" : "en";
  json["text"] = message.text;
  if (told.facts.channel == fb::Channel::email) {
    json["subject"] = message.subject;
    return;
  }
  Json job = {{"id", json["notification_id"]}, {"asked_at", json["asked_at"]}};
  for (const char* each : {"kind", "channel", "destination", "language", "text", "expires_at"}) {
    if (json.contains(each)) job[each] = json[each];
  }
  const std::string body = json_text(job);
  const auto fields = sign_job(body, json["notification_id"], now / second_us, *ledger.log->signer());
  if (!fields) throw Failure(Exit::unavailable, "the signing key does not answer");
  Json& request = json["request"] = {{"body", body}, {"fields", Json::object()}};
  for (const auto& [name, value] : *fields) request["fields"][name] = value;
}

struct Waiting {
  OutboxRow row;
  bool is_decoys = false;
};

/// Adds what waits in one outbox, the accounts' or the decoys', and nobody holds: twice as many as wanted, for some may
/// have nothing left to tell; all, where a channel is wanted, for that is in their events.
void add_free(const WritableLedger& ledger, const LeaseOptions& options, const std::optional<Id>& account, Time now,
              bool decoys, std::vector<Waiting>& found) {
  const auto before = std::ssize(found);
  const std::string prefix = decoys ? decoy_index_key("") : "", from = prefix + "O";
  const auto failed =
      ledger.store->scan(decoys ? Family::meta : Family::rows, as_bytes(from), [&](ByteView key, ByteView value) {
        const bool is_enough = options.channels.empty() && std::ssize(found) - before >= 2 * options.count_max;
        if (!as_text(key).starts_with(from) || is_enough) return false;
        const auto row = decode_outbox_row(key.subspan(prefix.size()), value);
        const bool is_wanted = row && (!account || *account == row->account);
        if (is_wanted && read_lease(*ledger.store, row->notification).until <= now) found.push_back({*row, decoys});
        return true;
      });
  if (failed) fail(*failed);
}

/// The account that a refusal is recorded on: one that is there.
std::optional<Id> named_account(const WritableLedger& ledger, const LeaseOptions& options) {
  const auto account =
      options.account ? find_account(*ledger.store, ledger.keys.get(), *options.account) : std::optional<Account>();
  return account ? std::optional(account->id) : std::nullopt;
}

/// As a command of this service would be.
Result<Answer, Fault> refuse(const WritableLedger& ledger, const LeaseOptions& options, Refusal refusal) {
  const LedgerState state = ledger.executor->ledger();
  const Service* service = state.find_service(options.service);
  const bool signs = service && !service->public_key.empty();  // a lease has no signature that an event could keep
  if (signs) return Answer{refusal_json(refusal), true};
  std::array<std::uint8_t, 10> random;
  system_entropy()(random);
  Request request{.command = RefuseCommand{std::move(refusal)}, .account = named_account(ledger, options)};
  request.issuer.service = options.service;
  request.issuer.command = lease_command;
  request.issuer.command_id = to_text(make_uuid_v7(ledger.log->time(), random));
  request.issuer.entry = options.entry;
  return ledger.executor->execute(std::move(request));
}

}  // namespace

LeaseOptions read_lease_options(Fields& fields, const std::string& by_default) {
  LeaseOptions options;
  options.count_max = fields.count_between("count_max", 1, lease_count_max, options.count_max);
  options.seconds = fields.count_between("seconds", 1, lease_seconds_max, options.seconds);
  options.holder = fields.optional_text("holder").value_or(options.holder);
  options.service = fields.optional_text("service").value_or(by_default);
  options.account = fields.optional_text("account");
  options.channels = fields.words_or_none<fb::Channel>("channels");
  fields.object("wording", [&](Fields& wording) {
    options.wording = Wording{wording.text("provider"), wording.text("link")};
  });
  const auto wrong = options.wording ? check_wording(*options.wording) : std::nullopt;
  if (wrong) throw Failure(Exit::usage, "field `wording`: " + *wrong);
  return options;
}

Result<Answer, Fault> lease_notifications(WritableLedger& ledger, const LeaseOptions& options) {
  const bool is_name =
      !options.service.empty() && options.service.size() <= service_bytes_max && is_utf8(options.service);
  if (!is_name) throw Failure(Exit::usage, "service: a name of 1 to 64 bytes of UTF-8 is wanted");
  if (auto refusal = check_role(ledger.executor->ledger(), options.service, lease_command))
    return refuse(ledger, options, *std::move(refusal));
  std::optional<Id> account;
  if (options.account) account = resolve_account(*ledger.store, ledger.keys.get(), *options.account).id;
  const Time now = ledger.log->time(), until = now + options.seconds * second_us;
  std::vector<Waiting> waiting;
  add_free(ledger, options, account, now, false, waiting);
  add_free(ledger, options, account, now, true, waiting);
  // Ids made within one millisecond are in no order; the log's order is that of the asking.
  std::ranges::sort(waiting, {}, [](const Waiting& each) { return std::pair(each.row.position, each.row.index); });
  Json notifications = Json::array();
  Rows leases;
  for (const auto& [row, is_decoys] : waiting) {
    if (std::ssize(notifications) >= options.count_max) break;
    const auto told = Reader(ledger, row, is_decoys).read(options.channels);
    if (!told) continue;
    Json notification = to_json(row, *told);
    if (options.wording) add_text(notification, *told, *options.wording, ledger, now);
    const Lease lease{until, read_lease(*ledger.store, row.notification).attempt + 1, options.holder};
    leases.push_back({Family::leases, std::string(row.notification.text()), encode_lease(lease)});
    notification["lease_until"] = to_rfc3339(until);
    notification["attempt"] = lease.attempt;
    notifications.push_back(std::move(notification));
  }
  if (!leases.empty()) {
    if (auto error = ledger.store->write(leases, true)) fail(*error);
  }
  Json body = {{"origin", ledger.log->verifier().name}, {"notifications", std::move(notifications)}};
  return Answer{std::move(body)};
}

}  // namespace daicho
