// Public commands on names that nobody has: the same decisions, run on a decoy (decoy.hpp).
#include "commands/decoy.hpp"
#include "commands/executor_run.hpp"
#include "ledger/merkle.hpp"

namespace daicho {

Result<Answer, Fault> Executor::run_decoy(Run& run) {
  if (run.policy().disclose_account_existence)
    return Answer{refusal_json({Rule::acc_6, "no_such_account", "The account entered does not exist."}), true, false};
  const std::string answer_key = answer_row_key(run.request.issuer);
  const auto hash = [](std::string_view text) { return std::hash<std::string_view>{}(text); };
  const Stripes locks(stripes_, {hash(*run.request.unknown_name), hash(answer_key)});
  if (auto first = first_answer(run)) return *std::move(first);

  const Time now = log_.time();
  auto decoy = load_decoy(store_, keys_, *run.request.unknown_name, now);
  if (!decoy) return Unexpected{fault_of(decoy.error())};
  run.vault.emplace(decoy->id, decoy->data_key, keys_.code_key());
  run.before = run.after = std::move(decoy->account);
  Context context = context_of(run, now);
  context.personal = [&](Position position) {
    return std::make_shared<const fb::PersonalT>(decoy_personal(decoy->id, position, run.policy()));
  };
  static const std::vector<Evidence> no_evidence;
  context.evidence = [](fb::RecoveryField) -> const std::vector<Evidence>& { return no_evidence; };
  run.decision = std::visit(
      [&](const auto& command) {
        if constexpr (requires { decide(run.before, command, context); }) {
          return decide(settled(run.before, now), command, context);
        } else {
          return Decision{};  // never public
        }
      },
      run.request.command);
  std::vector<std::string> envelopes;  // folded as any events are, and then forgotten
  std::vector<Event> events;
  const Signer signer("decoy", decoy->data_key.view());
  envelopes.reserve(run.decision.events.size());
  for (const Draft& draft : run.decision.events) {
    const Place place{log_.size() + events.size(), now, decoy->id, run.after.head, run.policy().version};
    envelopes.push_back(encode_event(draft, run.request.issuer, place, decoy->data_key, signer));
    events.push_back(*Event::parse(as_bytes(envelopes.back())));
    evolve(run.after, events.back(), leaf_hash(as_bytes(envelopes.back())));
  }
  const Answer answer = answer_of(run, run.after, context, events);
  if (events.empty()) return answer;
  Rows rows;
  rows.push_back({Family::meta, decoy->row_key, encode_row(run.after)});
  rows.push_back(
      {Family::answers, answer_key,
       encode_first_answer(fingerprint(run.request, keys_), decoy->id, answer, decoy->data_key, answer_key)});
  if (auto error = store_.write(rows, true)) return Unexpected{fault_of(*error)};
  return answer;
}

}  // namespace daicho
