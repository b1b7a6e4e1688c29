#include <algorithm>

#include "commands/executor_run.hpp"
#include "commands/names.hpp"

namespace daicho {

namespace {

std::string answer_row_key(fb::Entry entry, const std::string& service, const std::string& command_id) {
  // The scheduler's own keys are apart: a caller that calls itself so must not use them up.
  const char* const own = entry == fb::Entry::scheduler ? "\x01" : "";
  return own + service + '\0' + command_id;
}

}  // namespace

std::string answer_row_key(const Issuer& issuer) {
  return answer_row_key(issuer.entry, issuer.service, issuer.command_id);
}

std::string answer_row_key(const Event& event) {
  const fb::Header& header = event.header();
  return answer_row_key(header.source()->entry(), header.service()->str(), header.command_id()->str());
}

Tag32 fingerprint(const Request& request, const KeyRing& keys) {
  return keyed_hash(keys.code_key(), "daicho command fingerprint v1",
                    {as_bytes(request.issuer.command), request.account.value_or(Id{}).view(), as_bytes(request.body)});
}

Tag32 fingerprint_of_closing(const Request& request, const KeyRing& keys) {
  return keyed_hash(keys.code_key(), "daicho closing fingerprint v1",
                    {as_bytes(request.issuer.command), request.account.value_or(Id{}).view()});
}

namespace {

SecretKey answer_key(const SecretKey& data_key) { return derive_key(data_key, "daicho answer key v1", {}); }

}  // namespace

std::string encode_first_answer(const Tag32& fingerprint, const Id& account, const Answer& answer,
                                const SecretKey& data_key, const std::string& row_key) {
  std::string plaintext(1, answer.is_refusal ? '\1' : '\0');
  plaintext += answer.body.dump();
  std::string row;
  append(row, fingerprint.view());
  append(row, account.view());
  row += seal(answer_key(data_key), as_bytes(plaintext), as_bytes(row_key));
  wipe(plaintext);
  return row;
}

std::optional<FirstAnswer> parse_first_answer(ByteView row) {
  constexpr std::size_t head_bytes = 32 + 16;
  if (row.size() < head_bytes) return std::nullopt;
  return FirstAnswer{*Tag32::from(row.first(32)), *Id::from(row.subspan(32, 16)),
                     std::string(as_text(row.subspan(head_bytes)))};
}

std::optional<Answer> open_first_answer(const FirstAnswer& first, const SecretKey& data_key,
                                        const std::string& row_key) {
  const auto plaintext = open_sealed(answer_key(data_key), as_bytes(first.sealed), as_bytes(row_key));
  if (!plaintext || plaintext->empty()) return std::nullopt;
  Answer answer{Json::parse(plaintext->substr(1), nullptr, false), plaintext->front() == '\1', true};
  if (answer.body.is_discarded()) return std::nullopt;
  return answer;
}

Json refusal_json(const Refusal& refusal) {
  const RuleText& text = text_of(refusal.rule);
  Json json = {{"rule", text.id}, {"code", refusal.code}, {"title", text.title}, {"detail", refusal.detail}};
  if (refusal.retry_at) json["retry_at"] = to_rfc3339(*refusal.retry_at);
  for (const auto& [name, value] : refusal.extra.items()) json[name] = value;
  return json;
}

namespace {

/// `{proof_id, kind, masked, channels}`: how a proof is shown before its holder is known (R-PRF-4).
Json describe_offer(const Proof& proof, const Context& context) {
  Json offer = {{"proof_id", to_text(proof.id)}, {"kind", name(proof.kind)}};
  const auto personal = context.personal(proof.added);
  if (const std::string shown = personal ? masked(*personal) : ""; !shown.empty()) offer["masked"] = shown;
  if (personal && !personal->question.empty()) offer["question"] = personal->question;
  offer["channels"] = Json::array();
  for (const fb::Channel channel : channels_of(proof.kind)) offer["channels"].push_back(name(channel));
  if (proof.status == ProofStatus::marked_lost) offer["marked_lost"] = true;
  return offer;
}

}  // namespace

Answer Executor::answer_of(Run& run, const Account& shown, const Context& context,
                           const std::vector<Event>& events) const {
  Answer answer;
  Json list = Json::array();
  for (const Event& event : events) {
    list.push_back(
        {{"seq", event.position()}, {"type", event.type_name()}, {"account_version", event.account_version()}});
  }
  if (run.decision.refusal) {
    answer.is_refusal = true;
    answer.body = refusal_json(*run.decision.refusal);
    if (!events.empty()) answer.body["events"] = std::move(list);
    return answer;
  }
  answer.body["events"] = std::move(list);
  for (const auto& [name, value] : run.decision.returns.items()) answer.body[name] = value;
  for (const auto& [member, ids] : run.decision.described) {
    Json proofs = Json::array();
    for (const Id& id : ids) {
      if (const Proof* proof = shown.proofs.find(id)) proofs.push_back(describe_offer(*proof, context));
    }
    answer.body[member] = std::move(proofs);
  }
  return answer;
}

}  // namespace daicho
