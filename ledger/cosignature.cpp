#include "ledger/cosignature.hpp"

#include <algorithm>
#include <cstdlib>

namespace daicho {
namespace {

constexpr std::size_t time_bytes = 8;
constexpr std::uint64_t seconds_max = INT64_MAX;

std::string cosigned_message(std::string_view checkpoint_text, std::uint64_t seconds) {
  return "cosignature/v1\ntime " + std::to_string(seconds) + "\n" + std::string(checkpoint_text);
}

}  // namespace

CosignatureVerifier::CosignatureVerifier(std::string key_name, const PublicKey& public_key)
    : name(std::move(key_name)), key(public_key), id(key_id(name, KeyType::cosignature, key)) {}

std::optional<std::uint64_t> CosignatureVerifier::verify(std::string_view checkpoint_text,
                                                         const NoteSignature& signature) const {
  const ByteView payload = as_bytes(signature.payload);
  if (!is_claimed_by(signature) || payload.size() != time_bytes + Signature::size) return std::nullopt;
  const std::uint64_t seconds = read_big_endian(payload.first(time_bytes));
  if (seconds == 0 || seconds > seconds_max) return std::nullopt;
  const std::string message = cosigned_message(checkpoint_text, seconds);
  if (!verify_ed25519(key, as_bytes(message), *Signature::from(payload.subspan(time_bytes)))) return std::nullopt;
  return seconds;
}

std::string CosignatureVerifier::vkey() const { return vkey_text(name, KeyType::cosignature, key); }

std::optional<CosignatureVerifier> CosignatureVerifier::parse_vkey(std::string_view text) {
  auto named = parse_vkey_text(text, KeyType::cosignature);
  if (!named) return std::nullopt;
  return CosignatureVerifier(std::move(named->name), named->key);
}

Cosigner::Cosigner(Signer signer)
    : signer_(std::move(signer)), verifier_(signer_.verifier().name, signer_.verifier().key) {}

NoteSignature Cosigner::cosign(std::string_view checkpoint_text, std::uint64_t seconds) const {
  if (seconds == 0 || seconds > seconds_max) std::abort();  // nobody would accept it
  std::string payload(as_text(big_endian(seconds)));
  const std::string message = cosigned_message(checkpoint_text, seconds);
  append(payload, signer_.sign(as_bytes(message)).view());
  return {verifier_.name, verifier_.id, std::move(payload)};
}

std::optional<std::string> with_signatures(std::string_view note, const std::vector<NoteSignature>& signatures) {
  auto parsed = parse_note(note);
  if (!parsed) return std::nullopt;
  std::string merged(note);
  for (const NoteSignature& each : signatures) {
    const auto same_key = [&](const NoteSignature& known) { return known.name == each.name && known.id == each.id; };
    if (std::ranges::any_of(parsed->signatures, same_key)) continue;
    merged += signature_line(each);
    parsed->signatures.push_back(each);
  }
  return parse_note(merged) ? std::optional(std::move(merged)) : std::nullopt;
}

}  // namespace daicho
