#include "ledger/checkpoint.hpp"

#include <charconv>

namespace daicho {
std::optional<std::string_view> take_line(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return line;
}

std::optional<std::uint64_t> parse_tree_size(std::string_view text) {
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return size;
}

std::string checkpoint_text(const Checkpoint& checkpoint) {
  return checkpoint.origin + '\n' + std::to_string(checkpoint.size) + '\n' + to_base64(checkpoint.root.view()) + '\n';
}

std::optional<Checkpoint> parse_checkpoint_text(std::string_view text) {
  const auto origin = take_line(text);
  const auto size_text = take_line(text);
  const auto root_text = take_line(text);
  if (!origin || origin->empty() || !size_text || !root_text || !text.empty()) return std::nullopt;
  const auto size = parse_tree_size(*size_text);
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
  const auto text = open_note(note, {verifier});
  if (!text) return Unexpected{text.error()};
  auto checkpoint = parse_checkpoint_text(*text);
  if (!checkpoint || checkpoint->origin != verifier.name) return Unexpected{NoteFault::malformed};
  return std::move(*checkpoint);
}

}  // namespace daicho
