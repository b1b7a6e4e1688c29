#include "ledger/checkpoint.hpp"

#include "ledger/lines.hpp"

namespace daicho {

std::string checkpoint_text(const Checkpoint& checkpoint) {
  return checkpoint.origin + '\n' + std::to_string(checkpoint.size) + '\n' + to_base64(checkpoint.root.view()) + '\n';
}

std::optional<Checkpoint> parse_checkpoint_text(std::string_view text) {
  const auto origin = take_line(text);
  const auto size_text = take_line(text);
  const auto root_text = take_line(text);
  if (!origin || origin->empty() || !size_text || !root_text || !text.empty()) return std::nullopt;
  const auto size = parse_decimal(*size_text);
  const auto root_bytes = from_base64(*root_text);
  const auto root = root_bytes ? Hash::from(as_bytes(*root_bytes)) : std::nullopt;
  if (!size || !root) return std::nullopt;
  return Checkpoint{std::string(*origin), *size, *root};
}

std::string sign_checkpoint(const Checkpoint& checkpoint, const Signer& signer, const Signer* successor) {
  std::vector<const Signer*> signers = {&signer};
  if (successor) signers.push_back(successor);
  return sign_note(checkpoint_text(checkpoint), signers);
}

Result<Checkpoint, NoteFault> open_checkpoint(std::string_view note, const Verifier& verifier) {
  return open_checkpoint(note, std::vector{verifier});
}

Result<Checkpoint, NoteFault> open_checkpoint(std::string_view note, const std::vector<Verifier>& keys) {
  const auto text = open_note(note, keys);
  if (!text) return Unexpected{text.error()};
  auto checkpoint = parse_checkpoint_text(*text);
  const auto is_origin = [&](const Verifier& key) { return checkpoint && key.name == checkpoint->origin; };
  if (!std::ranges::all_of(keys, is_origin)) return Unexpected{NoteFault::malformed};
  return *std::move(checkpoint);
}

}  // namespace daicho
