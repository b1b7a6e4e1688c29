#include "tools/query/queries.hpp"

#include <algorithm>
#include <array>

#include "commands/policy_adoption.hpp"
#include "commands/text.hpp"
#include "projections/event_fields.hpp"
#include "tools/query/accesses.hpp"
#include "tools/query/account.hpp"
#include "tools/query/erasure_list.hpp"
#include "tools/query/event_words.hpp"
#include "tools/query/explain.hpp"
#include "tools/query/recovery.hpp"

namespace daicho {

std::span<const QueryOption> query_options() {
  static const auto table = std::to_array<QueryOption>({
      {"account", "account id, or sign-in name", &QueryOptions::account},
      {"as_of", "an earlier instant: a time, or a sequence number", &QueryOptions::as_of},
      {"from", "events, accesses: the first sequence number", &QueryOptions::from},
      {"limit", "rows at most", &QueryOptions::limit},
      {"type", "events of this type", &QueryOptions::type},
      {"service", "events by this service", &QueryOptions::service},
      {"investigator", "accesses by this investigator", &QueryOptions::investigator},
      {"since", "events, accesses: not before this time", &QueryOptions::since},
      {"until", "events, accesses: not after this time", &QueryOptions::until},
      {"due_before", "windows that end, and replies that are due, before this time", &QueryOptions::due_before},
      {"seq", "explain: the event's sequence number", &QueryOptions::seq},
      {"rule", "explain: what this rule goes by for the account", &QueryOptions::rule},
      {"proof_address", "accounts: an e-mail address, or a phone number with its +; - reads it from standard input",
       &QueryOptions::proof_address},
  });
  return table;
}

namespace {

bool is_whole_number(const std::string& text) {
  return !text.empty() && text.size() <= 19 && text.find_first_not_of("0123456789") == std::string::npos;
}

/// Reads one option into its place.
struct OptionReader {
  Fields& fields;
  QueryOptions& options;
  const char* name;

  void operator()(std::optional<std::string> QueryOptions::*place) const {
    options.*place = fields.optional_text(name);
  }
  void operator()(std::optional<std::uint64_t> QueryOptions::*place) const {
    options.*place = fields.optional_count(name);
  }
  void operator()(std::optional<Time> QueryOptions::*place) const { options.*place = fields.optional_time(name); }
  void operator()(AsOf QueryOptions::*place) const {
    const Json* given = fields.member(name, [] {
      return Json({{"anyOf", {{{"type", "string"}, {"format", "date-time"}}, {{"type", "integer"}, {"minimum", 0}}}}});
    });
    if (given && given->is_number()) {
      (options.*place).position = fields.optional_count(name);
    } else {
      (options.*place).time = fields.optional_time(name);
    }
  }
};

bool is_given(const QueryOption& option, const QueryOptions& options) {
  return std::visit(
      [&](const auto place) {
        if constexpr (std::is_same_v<decltype(place), AsOf QueryOptions::*const>) {
          return options.is_past();
        } else {
          return (options.*place).has_value();
        }
      },
      option.place);
}

}  // namespace

Json option_value(const QueryOption& option, const std::string& text) {
  const bool may_be_number = option.is_number() || std::holds_alternative<AsOf QueryOptions::*>(option.place);
  return may_be_number && is_whole_number(text) ? Json(std::stoull(text)) : Json(text);
}

QueryOptions read_query_options(Fields& fields) {
  QueryOptions options;
  for (const QueryOption& option : query_options())
    std::visit(OptionReader{fields, options, option.name}, option.place);
  return options;
}

namespace {

Time asked_at(const LedgerView& ledger, std::optional<Time> at) {
  if (!at) return ledger.now;
  if (!ledger.ledger.simulated_clock) throw Failure(Exit::usage, "--at: this ledger runs on the real clock");
  if (*at < ledger.now) throw Failure(Exit::usage, "--at is before the ledger's time; for the past use --as-of");
  return *at;
}

}  // namespace

AskedQuery read_query(LedgerView ledger, const Query& query, const Json& options, const std::string& language) {
  Fields fields(options);
  AskedQuery asked{std::move(ledger), read_query_options(fields)};
  asked.ledger.now = asked_at(asked.ledger, fields.optional_time("at"));
  fields.done();
  asked.options.language = language;
  check(asked.ledger, query, asked.options);
  return asked;
}

Json answer_query(LedgerView ledger, const Query& query, const Json& options, const std::string& language) {
  const AskedQuery asked = read_query(std::move(ledger), query, options, language);
  return query.answer(asked.ledger, asked.options);
}

Json clock_of(const LedgerView& ledger) { return {{"clock", ledger.ledger.simulated_clock ? "simulated" : "real"}}; }

namespace {

/// Windows of all accounts that end before an instant, soonest first.
Json query_all_windows(const LedgerView& ledger, const QueryOptions& options) {
  Json json = clock_of(ledger);
  json["windows"] = Json::array();
  const Time before = options.due_before.value_or(time_max);
  const std::string windows = due_rows_prefix(DueKind::replacement);
  const auto failed = ledger.store->scan(Family::rows, as_bytes(windows), [&](ByteView key, ByteView) {
    const auto due = parse_due_row(key);
    if (!due || due->kind != DueKind::replacement || due->at >= before || json["windows"].size() >= options.rows_max())
      return false;
    json["windows"].push_back({{"account", to_text(due->account)},
                               {"replacement_id", to_text(due->subject)},
                               {"effective_at", to_rfc3339(due->at)},
                               {"seconds_left", (due->at - ledger.now) / second_us},
                               {"overdue", due->at <= ledger.now}});
    return true;
  });
  if (failed) fail(*failed);
  return json;
}

Json query_windows(const LedgerView& ledger, const QueryOptions& options) {
  return options.account ? query_account_windows(ledger, options) : query_all_windows(ledger, options);
}

Json query_all_blocked(const LedgerView& ledger, const QueryOptions& options) {
  Json json = clock_of(ledger);
  json["blocked"] = Json::array();
  const auto failed = ledger.store->scan(Family::rows, as_bytes("B"), [&](ByteView key, ByteView value) {
    const auto account = parse_blocked_row(key);
    if (!account || json["blocked"].size() >= options.rows_max()) return false;
    json["blocked"].push_back(
        {{"account", to_text(*account)}, {"since", to_rfc3339(static_cast<Time>(read_big_endian(value)))}});
    return true;
  });
  if (failed) fail(*failed);
  return json;
}

Json query_block_or_blocked(const LedgerView& ledger, const QueryOptions& options) {
  return options.account ? query_block(ledger, options) : query_all_blocked(ledger, options);
}

Json query_events(const LedgerView& ledger, const QueryOptions& options) {
  Json json = clock_of(ledger);
  Position next = options.from.value_or(0);
  json["events"] = event_rows(ledger, options, next);
  json["next"] = next;
  return json;
}

/// The policy in force and every version there was.
Json query_policy(const LedgerView& ledger, const QueryOptions& options) {
  const auto state = ledger_at(*ledger.store, options.as_of);
  if (!state) fail(state.error());
  if (state->policy.version == 0) throw Failure(Exit::usage, "there was no policy at that instant");
  Json json = clock_of(ledger);
  json["policy"] = to_json(state->policy);
  json["history"] = Json::array();
  const auto envelopes = account_events(*ledger.store, ledger.ledger.head, options.as_of);
  if (!envelopes) fail(envelopes.error());
  Policy before;
  for (const std::string& envelope : *envelopes) {
    const auto event = Event::parse(as_bytes(envelope));
    const auto* adopted = event->as<fb::PolicyAdopted>();
    if (!adopted) continue;
    const Policy policy = read_policy(*adopted);
    Json changed = Json::object();
    const Json was = to_json(before), is = to_json(policy);
    for (const auto& [name, value] : is.items()) {
      if (name != "version" && was[name] != value) changed[name] = value;
    }
    json["history"].push_back({{"version", policy.version},
                               {"seq", event->position()},
                               {"time", to_rfc3339(event->time())},
                               {"by", text_of(event->header().service())},
                               {"changed", changed}});
    before = policy;
  }
  return json;
}

/// An e-mail address, or a phone that says its country, in the form it is found by.
std::string searched_address(const QueryOptions& options) {
  if (!options.proof_address)
    throw Failure(Exit::usage, "this query needs --proof-address ADDRESS (- : standard input)");
  if (const auto email = parse_email(*options.proof_address)) return email->folded();
  if (const auto phone = parse_phone(*options.proof_address, "")) return phone->e164;
  throw Failure(Exit::usage, "proof address: an e-mail address, or a phone number that begins with +, is wanted");
}

/// Whoever asks knows the address and learns the accounts; nothing sealed is shown.
Json query_accounts(const LedgerView& ledger, const QueryOptions& options) {
  const std::string address = searched_address(options);
  if (!ledger.keys) throw Failure(Exit::not_permitted, "proof addresses are found with the master key only");
  Json json = clock_of(ledger);
  json["accounts"] = Json::array();
  const auto found = value_or_fail(find_proof_address(*ledger.store, *ledger.keys, address, query_rows_max));
  for (const FoundProof& each : found) {
    if (json["accounts"].size() >= options.rows_max()) break;
    auto stored = value_or_fail(load_account(*ledger.store, each.account));
    if (!stored) continue;
    const Account account = settled(*std::move(stored), ledger.now);
    const Proof* proof = account.proofs.find(each.proof);
    if (!proof || !proof->is_usable()) continue;  // its window goes on, or ended and nobody ticked
    json["accounts"].push_back({{"account", to_text(each.account)},
                                {"proof_id", to_text(each.proof)},
                                {"kind", name(proof->kind)},
                                {"status", name(proof->status)},
                                {"since", to_rfc3339(proof->status_since)},
                                {"seq", proof->status_position},
                                {"added_at", to_rfc3339(proof->added_at)}});
  }
  return json;
}

Json query_services(const LedgerView& ledger, const QueryOptions& options) {
  const auto state = ledger_at(*ledger.store, options.as_of);
  if (!state) fail(state.error());
  Json json = clock_of(ledger);
  json["open"] = state->services.empty();  // nobody is registered: every name may issue every command
  json["services"] = Json::array();
  for (const Service& service : state->services) {
    Json row = {{"name", service.name}, {"roles", Json::array()}};
    for (const fb::Role role : service.roles) row["roles"].push_back(name(role));
    row["signs"] = !service.public_key.empty();
    row["registered_at"] = to_rfc3339(service.registered_at);
    row["seq"] = service.registered;
    row["revoked_at"] = service.revoked_at ? Json(to_rfc3339(*service.revoked_at)) : Json(nullptr);
    json["services"].push_back(std::move(row));
  }
  return json;
}

}  // namespace

std::span<const Query> queries() {
  static constexpr auto table = std::to_array<Query>({
      {"account", "state, notices, versions", "daicho query account --data DIR --account taro@outlook.com", "",
       query_account, "account as_of"},
      {"proofs", "the proofs, masked, with their status",
       "daicho query proofs --data DIR --account ID --as-of 2026-04-01T00:00:00Z", "proofs", query_proofs,
       "account as_of"},
      {"block", "blocked or not, why, by whom; without --account all that are blocked",
       "daicho query block --data DIR --account ID", "blocked", query_block_or_blocked, "limit", "account as_of"},
      {"windows", "30-day windows; without --account those of all, soonest first",
       "daicho query windows --data DIR --due-before 2026-05-01T00:00:00Z", "windows", query_windows,
       "due_before limit", "account as_of"},
      {"limits", "attempts used and left, next allowed at", "daicho query limits --data DIR --account ID", "proofs",
       query_limits, "account as_of"},
      {"recovery-options", "how the account can be recovered right now",
       "daicho query recovery-options --data DIR --account taro@outlook.com", "proofs", query_recovery_options,
       "account as_of"},
      {"recoveries", "recovery forms, field by field, never a value; without --account replies that are due",
       "daicho query recoveries --data DIR --account ID", "recoveries", query_recoveries, "due_before limit",
       "account as_of"},
      {"timeline", "the account's events in words", "daicho query timeline --data DIR --account ID", "events",
       query_timeline, "account as_of"},
      {"accesses", "who read what is sealed, when, under which case; never the values",
       "daicho query accesses --data DIR --investigator staff-17", "accesses", query_accesses,
       "account as_of from investigator limit since until"},
      {"events", "the log itself", "daicho query events --data DIR --from 0 --type CodeSent --follow --verify",
       "events", query_events, "account as_of from limit type service since until"},
      {"erasures", "what was erased, with the signed events that prove it: to be kept apart, for `restore --erasures`",
       "daicho query erasures --data DIR --format ndjson", "erasures", query_erasures, "from"},
      {"explain", "why: the rule, the policy then, the events it rested on, what would change it",
       "daicho query explain --data DIR --seq 42", "rests_on", query_explain, "seq", "account as_of rule"},
      {"accounts", "the accounts with a proof at an address", "daicho query accounts --data DIR --proof-address -",
       "accounts", query_accounts, "proof_address limit"},
      {"services", "who may issue what", "daicho query services --data DIR", "services", query_services, "as_of"},
      {"policy", "parameters in force and their history", "daicho query policy --data DIR", "history", query_policy,
       "as_of"},
  });
  return table;
}

const Query* find_query(std::string_view name) {
  const auto found = std::ranges::find_if(queries(), [&](const Query& query) { return name == query.name; });
  return found == queries().end() ? nullptr : &*found;
}

namespace {

/// An option that would have no effect is a wrong use: whoever gave it would read the answer as what it is not.
void check_taken(const Query& query, const QueryOptions& options) {
  const bool has_others = options.account && query.account_options;
  const auto taken = split_words(has_others ? query.account_options : query.options);
  for (const QueryOption& option : query_options()) {
    const std::string name = option.name;
    const bool opens_others = name == "account" && query.account_options;
    if (is_given(option, options) && !opens_others && std::ranges::find(taken, name) == taken.end()) {
      const char* where = query.account_options ? (options.account ? " with an account" : " without an account") : "";
      throw Failure(Exit::usage, "query " + std::string(query.name) + where + " takes no " + name);
    }
  }
}

}  // namespace

void check(const LedgerView& ledger, const Query& query, const QueryOptions& options) {
  check_taken(query, options);
  if (options.rows_max() == 0 || options.rows_max() > query_rows_max)
    throw Failure(Exit::usage, "limit: 1 to " + std::to_string(query_rows_max));
  const std::span types(fb::EnumNamesPayload() + 1, static_cast<std::size_t>(fb::Payload::MAX));
  const auto is_type = [&](const char* type) { return *options.type == type; };
  if (options.type && std::ranges::none_of(types, is_type)) {
    throw Failure(Exit::usage, "type: there are no events of type `" + *options.type + "`");
  }
  if (options.investigator && options.investigator->size() > service_bytes_max)
    throw Failure(Exit::usage, "investigator: at most 64 bytes");
  if (options.rule && !parse_rule(*options.rule)) throw Failure(Exit::usage, "rule: there is no rule " + *options.rule);
  if (options.as_of.position) {
    const auto last = ledger.store->last(Family::events);
    if (!last) fail(last.error());
    const bool is_there = *last && *options.as_of.position <= read_big_endian(as_bytes((*last)->first));
    if (!is_there)
      throw Failure(Exit::usage, "as of: there is no event " + std::to_string(*options.as_of.position) + " yet");
  }
}

std::optional<Account> find_account(const Store& store, const KeyRing* keys, const std::string& named) {
  auto id = parse_id(named);
  if (const auto email = id ? std::nullopt : parse_email(named)) {
    if (!keys)
      throw Failure(Exit::not_permitted, "sign-in names are found with the master key only; give the account's id");
    id = value_or_fail(find_sign_in_name(store, *keys, email->folded()));
  } else if (!id) {
    throw Failure(Exit::usage, "--account: a UUID or a sign-in name is wanted");
  }
  return id ? value_or_fail(load_account(store, *id)) : std::nullopt;
}

std::optional<Account> find_open_account(const Store& store, const KeyRing* keys, const std::string& named) {
  auto account = find_account(store, keys, named);
  if (account && account->life.end) account.reset();
  return account;
}

Account resolve_account(const Store& store, const KeyRing* keys, const std::string& named) {
  auto account = find_account(store, keys, named);
  if (!account) throw NoSuchAccount();
  return *std::move(account);
}

bool is_selected(const Event& event, const QueryOptions& options, const std::optional<Id>& account) {
  return (!account || event.account() == *account) && (!options.type || *options.type == event.type_name()) &&
         (!options.service || *options.service == text_of(event.header().service())) &&
         event.position() >= options.from.value_or(0) && event.time() >= options.since.value_or(time_min) &&
         event.time() <= options.until.value_or(time_max);
}

Json event_row(const Event& event) {
  Json row = header_json(event);
  row["payload"] = describe(event).fields;
  row["sealed"] = event.is_sealed();
  return row;
}

Json event_rows(const LedgerView& ledger, const QueryOptions& options, Position& next) {
  Json rows = Json::array();
  const std::optional<Id> account =
      options.account ? std::optional(resolve_account(*ledger.store, ledger.keys, *options.account).id) : std::nullopt;
  const Position last = options.as_of.position.value_or(UINT64_MAX);
  std::string envelope;
  const auto failed =
      ledger.store->scan(Family::events, big_endian(options.from.value_or(0)), [&](ByteView key, ByteView value) {
        const Position position = read_big_endian(key);
        if (position > last || rows.size() >= options.rows_max()) return false;
        next = position + 1;
        envelope.assign(as_text(value));
        const auto event = Event::parse(as_bytes(envelope));
        if (!event)
          throw Failure(Exit::integrity,
                        "the event at " + std::to_string(position) + " does not read: run audit verify");
        const Time until = std::min(options.until.value_or(time_max), options.as_of.time.value_or(time_max));
        if (event->time() > until) return false;  // time never goes back: nothing after this one matches
        if (is_selected(*event, options, account)) rows.push_back(event_row(*event));
        return true;
      });
  if (failed) fail(*failed);
  return rows;
}

}  // namespace daicho
