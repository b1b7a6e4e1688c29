// Public commands on names that nobody has: the same decisions and folds, run on a decoy (decoy.hpp), written with the
// same sync, beside the log.
#include "commands/executor_run.hpp"
#include "ledger/merkle.hpp"

namespace daicho {

namespace {

/// Nothing is sent to proofs that were made up, nor to a mailbox that nobody has.
void drop_unreachable(Draft& draft, const Account& account) {
  std::erase_if(draft.notifications, [&](const fb::NotificationT& notification) {
    if (notification.recipient == fb::Recipient::sealed_address) return false;
    const Proof* proof = account.proofs.find(notification.proof_id);
    const bool is_new = notification.recipient == fb::Recipient::proof && (!proof || !is_made_up(*proof));
    return !is_new;
  });
}

/// The same rows that an account's events change, out of the way of the account's. Of its addresses they are made, for
/// that takes time, and dropped: nobody is found by a decoy's.
void append_index_rows(Rows& rows, const Indexed& before, const Indexed& after, const Event& event,
                       const Lookup& lookup) {
  Rows changes;
  append_index_changes(changes, before, after, event, lookup);
  for (RowChange& change : changes) {
    if (change.key.starts_with('P')) continue;
    change.family = Family::meta;
    change.key = decoy_index_key(change.key);
    rows.push_back(std::move(change));
  }
}

}  // namespace

Result<Answer, Fault> Executor::run_decoy(Run& run) {
  if (run.policy().disclose_account_existence && run.request.unknown_name)
    return Answer{refusal_json({Rule::acc_6, "no_such_account", "The account entered does not exist."}), true, false};
  Decoy& decoy = *run.decoy;
  run.vault.emplace(decoy.id, decoy.data_key, keys_.code_key());
  run.account = decoy.account;
  if (const auto& expected = run.request.expected_version; expected && *expected != run.head().version) {
    return Unexpected{Fault{FaultKind::version_conflict,
                            "The account is at version " + std::to_string(run.head().version) + ".",
                            run.head().version}};
  }
  if (auto fault = prepare(run)) return Unexpected{*std::move(fault)};
  const Time now = log_.time();
  run.decision = decide_at(run, now);
  if (!run.secrets_asked && !run.decision.refusal)
    return Unexpected{Fault{FaultKind::busy, "The account changed meanwhile; try again."}};
  std::vector<std::string> envelopes;
  std::vector<Event> events;
  Rows rows;
  Indexed before = indexed(run.account);
  const Lookup lookup{&keys_, context_of(run, now).personal};
  const Signer signer("decoy", decoy.data_key.view());
  envelopes.reserve(run.decision.events.size());
  for (Draft& draft : run.decision.events) {
    drop_unreachable(draft, run.account);
    if (envelope_bytes_bound(draft, run.request.issuer) > envelope_bytes_max)
      return Unexpected{Fault{FaultKind::too_large, "The event would be too large."}};
    const Position position = std::max(log_.size(), run.account.head.position + 1);
    const Place place{position, now, decoy.id, run.account.head, run.policy().version};
    envelopes.push_back(encode_event(draft, run.request.issuer, place, slot_key_of(decoy, draft.sealed_slot), signer));
    events.push_back(*Event::parse(as_bytes(envelopes.back())));
    evolve(run.account, events.back(), leaf_hash(as_bytes(envelopes.back())));
    Indexed after = indexed(run.account);
    append_index_rows(rows, before, after, events.back(), lookup);
    before = std::move(after);
    rows.push_back({Family::meta, decoy_event_key(decoy.id, position), envelopes.back()});
  }
  finish(run);
  const Answer answer = answer_of(run, run.account, context_of(run, now), events);
  if (events.empty()) return answer;
  if (decoy.evicted) {
    auto evicted = eviction(store_, *decoy.evicted);
    if (!evicted) return Unexpected{fault_of(evicted.error())};
    rows.insert(rows.begin(), evicted->begin(), evicted->end());
  }
  rows.push_back({Family::meta, decoy_row_key(decoy.id), encode_decoy_row(decoy, run.account)});
  const std::string key = answer_row_key(run.request.issuer);
  rows.push_back({Family::answers, key,
                  encode_first_answer(fingerprint(run.request, keys_), decoy.id, answer, decoy.data_key, key)});
  (void)signer.sign(as_bytes(envelopes.back()));  // a commit signs its checkpoint: a decoy's takes as long
  if (auto error = store_.write(rows, true)) return Unexpected{fault_of(*error)};
  return answer;
}

}  // namespace daicho
