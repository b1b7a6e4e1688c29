#include "tools/query/subject.hpp"

#include "commands/names.hpp"
#include "commands/proofs.hpp"

namespace daicho {

namespace {

Account account_of(const LedgerView& ledger, const QueryOptions& options) {
  if (!options.account) throw Failure(Exit::usage, "this query needs --account ID (or a sign-in name)");
  return resolve_account(*ledger.store, ledger.keys, *options.account);
}

}  // namespace

Subject subject_of(const LedgerView& ledger, const QueryOptions& options) {
  Subject subject{account_of(ledger, options), ledger.ledger.policy, ledger.now, ledger.keys, *ledger.store};
  const Id id = subject.account.id;
  subject.end = subject.account.life.end;
  subject.data_keys = subject.account.keys;
  if (options.is_past()) {
    auto at = value_or_fail(account_at(*ledger.store, id, options.as_of));
    if (!at) throw Failure(Exit::usage, "account " + to_text(id) + " did not exist at that instant");
    subject.account = std::move(at->account);
    subject.now = at->now;
    subject.policy = value_or_fail(ledger_at(*ledger.store, options.as_of)).policy;
  } else {
    subject.account = settled(std::move(subject.account), ledger.now);
  }
  return subject;
}

namespace {

Json end_json(const End& end) {
  Json json = {{"state", name(end.kind)}, {"since", to_rfc3339(end.at)}, {"seq", end.position}};
  if (!end.is_erased()) return json;
  json["key_erased"] = true;
  json["erased_since"] = end.erasure ? Json(to_rfc3339(end.erasure->at)) : Json(nullptr);
  json["erased_seq"] = end.erasure ? Json(end.erasure->position) : Json(nullptr);
  return json;
}

}  // namespace

Json head_of(const LedgerView& ledger, const Subject& subject) {
  Json head = clock_of(ledger);
  head["account"] = to_text(subject.account.id);
  head["as_of"] = to_rfc3339(subject.now);
  if (subject.end) head["end"] = end_json(*subject.end);
  return head;
}

std::map<std::uint32_t, Json> erasures_of(const LedgerView& ledger, const Subject& subject) {
  std::map<std::uint32_t, Json> erasures;
  const bool has_erased = std::ranges::any_of(
      subject.account.proofs.all, [&](const Proof& proof) { return !subject.data_keys.has(proof.sealed_slot); });
  if (!has_erased) return erasures;
  const auto live = value_or_fail(load_account(*ledger.store, subject.account.id));
  const auto envelopes = value_or_fail(account_events(*ledger.store, live->head, {}));
  for (const Event& event : parse_events(envelopes)) {
    if (const auto* erased = event.as<fb::DataKeyErased>())
      erasures[erased->slot()] = {{"since", to_rfc3339(event.time())},
                                  {"seq", event.position()},
                                  {"erased_since", nullptr},
                                  {"erased_seq", nullptr}};
    const auto* completed = event.as<fb::ErasureCompleted>();
    const auto found = completed ? erasures.find(completed->slot()) : erasures.end();
    if (found == erasures.end()) continue;
    found->second["erased_since"] = to_rfc3339(event.time());
    found->second["erased_seq"] = event.position();
  }
  return erasures;
}

Json optional_time(const std::optional<Time>& time) { return time ? Json(to_rfc3339(*time)) : Json(nullptr); }

std::string masked(const Subject& subject, const Proof& proof) {
  const auto personal = subject.personal(proof.added);
  if (!personal) return subject.is_erased(proof.sealed_slot) ? "(erased)" : "(sealed)";
  if (const std::string shown = masked(*personal); !shown.empty()) return shown;
  return proof.kind == fb::ProofKind::secret_question ? "(question)" : "(" + std::string(name(proof.kind)) + ")";
}

Json allowance_json(const Allowance& allowance, std::int64_t per_day) {
  return {{"per_day", per_day},
          {"used", allowance.used},
          {"left", allowance.left},
          {"next_allowed_at", optional_time(allowance.next_allowed_at)}};
}

Json channels_json(fb::ProofKind kind) {
  Json channels = Json::array();
  for (const fb::Channel channel : channels_of(kind)) channels.push_back(name(channel));
  return channels;
}

}  // namespace daicho
