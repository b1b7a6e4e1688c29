#include "ledger/witness.hpp"

#include <algorithm>

#include "ledger/lines.hpp"
#include "ledger/merkle.hpp"
#include "ledger/sha256.hpp"

namespace daicho {
namespace {

WitnessAnswer refusal(unsigned status, const std::string& words) { return {status, note_content_type, words + "\n"}; }

std::vector<Verifier> keys_of(const std::vector<Verifier>& logs, std::string_view origin) {
  std::vector<Verifier> keys;
  std::ranges::copy_if(logs, std::back_inserter(keys), [&](const Verifier& log) { return log.name == origin; });
  return keys;
}

/// The note with a line of each of `keys` that signed it, and no others.
std::string without_strangers(const Note& note, const std::vector<Verifier>& keys) {
  std::string kept = note.text + '\n';
  for (const Verifier& key : keys) {
    const auto line = std::ranges::find_if(
        note.signatures, [&](const NoteSignature& each) { return each.name == key.name && each.id == key.id; });
    if (line != note.signatures.end()) kept += signature_line(*line);
  }
  return kept;
}

/// What does not fit what was cosigned before.
std::optional<WitnessAnswer> misfit(const AddCheckpoint& request, const Checkpoint& offered, const Witnessed* seen) {
  const std::uint64_t size = seen ? seen->checkpoint.size : 0;
  if (request.old_size > offered.size) return refusal(400, "the old size is above the checkpoint's");
  if (request.old_size != size) {
    return WitnessAnswer{409, tree_size_content_type, std::to_string(size) + "\n"};
  }
  const Hash root = seen ? seen->checkpoint.root : empty_root();
  if (verify_consistency(size, offered.size, request.proof, root, offered.root)) return std::nullopt;
  WitnessAnswer answer =
      refusal(422, offered.size == size ? "another root was cosigned for this size"
                                        : "the proof does not lead from the cosigned tree to this one");
  answer.is_fork = seen && offered.size == size && offered.root != root;
  return answer;
}

}  // namespace

std::string add_checkpoint_body(const AddCheckpoint& request) {
  std::string body = "old " + std::to_string(request.old_size) + "\n";
  for (const Hash& hash : request.proof) body += to_base64(hash.view()) + "\n";
  return body + "\n" + request.note;
}

std::optional<AddCheckpoint> parse_add_checkpoint(std::string_view body) {
  if (body.size() > add_checkpoint_bytes_max) return std::nullopt;
  constexpr std::string_view old_word = "old ";
  const auto old_line = take_line(body);
  if (!old_line || !old_line->starts_with(old_word)) return std::nullopt;
  const auto old_size = parse_decimal(old_line->substr(old_word.size()));
  if (!old_size) return std::nullopt;
  AddCheckpoint request{.old_size = *old_size};
  for (auto line = take_line(body); !line || !line->empty(); line = take_line(body)) {
    const auto bytes = line ? from_base64(*line) : std::nullopt;
    const auto hash = bytes ? Hash::from(as_bytes(*bytes)) : std::nullopt;
    if (!hash || request.proof.size() == consistency_hashes_max) return std::nullopt;
    request.proof.push_back(*hash);
  }
  request.note = body;
  return request;
}

std::optional<Witnessed> read_witnessed(std::string note, const CosignatureVerifier& witness) {
  const auto parsed = parse_note(note);
  const auto checkpoint = parsed ? parse_checkpoint_text(parsed->text) : std::nullopt;
  if (!checkpoint) return std::nullopt;
  for (const NoteSignature& line : parsed->signatures) {
    const auto seconds = witness.verify(parsed->text, line);
    if (seconds) return Witnessed{*checkpoint, *seconds, std::move(note)};
  }
  return std::nullopt;
}

WitnessAnswer answer_add_checkpoint(std::string_view body, const std::vector<Verifier>& logs, const WitnessState& state,
                                    const Cosigner& cosigner, std::uint64_t seconds) {
  const auto request = parse_add_checkpoint(body);
  const auto note = request ? parse_note(request->note) : std::nullopt;
  const auto offered = note ? parse_checkpoint_text(note->text) : std::nullopt;
  if (!offered) return refusal(400, "not an add-checkpoint request");
  const auto keys = keys_of(logs, offered->origin);
  if (keys.empty()) return refusal(404, "this witness does not know the log");
  if (!open_note(request->note, keys)) return refusal(403, "no signature, or a bad one, by a key trusted for this log");

  const auto known = state.find(offered->origin);
  const Witnessed* const seen = known == state.end() ? nullptr : &known->second;
  if (auto answer = misfit(*request, *offered, seen)) return *std::move(answer);

  const std::uint64_t at = seen ? std::max(seconds, seen->seconds) : seconds;  // a clock set back says nothing new
  const NoteSignature cosignature = cosigner.cosign(note->text, at);
  const std::string line = signature_line(cosignature);
  return {.status = 200,
          .content_type = note_content_type,
          .body = line,
          .next = Witnessed{*offered, at, without_strangers(*note, keys) + line}};
}

std::string origin_hash(std::string_view origin) { return to_hex(sha256(as_bytes(origin)).view()); }

}  // namespace daicho
