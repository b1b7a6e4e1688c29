#include "tools/keys/encrypted_key.hpp"

#include <sodium.h>

#include <charconv>

#include "tools/failure.hpp"

namespace daicho {

namespace {

constexpr std::string_view first_line = "daicho encrypted key v1";
constexpr std::size_t salt_bytes = crypto_pwhash_argon2id_SALTBYTES;
constexpr std::size_t key_bytes = 32;

/// What stands before the sealed secret, and is authenticated with it.
std::string head_of(const EncryptedKey& key) {
  return std::string(first_line) + '\n' + key.what + "\nargon2id " + std::to_string(key.cost.passes) + ' ' +
         std::to_string(key.cost.memory_kib) + ' ' + to_base64(as_bytes(key.salt)) + '\n';
}

std::optional<SecretKey> derive(const EncryptedKey& key, std::string_view passphrase) {
  require_sodium();
  std::array<std::uint8_t, key_bytes> bytes;
  const int failed =
      crypto_pwhash_argon2id(bytes.data(), bytes.size(), passphrase.data(), passphrase.size(),
                             reinterpret_cast<const unsigned char*>(key.salt.data()), key.cost.passes,
                             std::size_t{key.cost.memory_kib} * 1'024, crypto_pwhash_argon2id_ALG_ARGON2ID13);
  if (failed != 0) return std::nullopt;  // no memory
  SecretKey derived{ByteView(bytes)};
  sodium_memzero(bytes.data(), bytes.size());
  return derived;
}

Failure no_memory() { return {Exit::unavailable, "there is not as much memory as the key file's Argon2id asks for"}; }

std::optional<std::string_view> take(std::string_view& rest, char end) {
  const std::size_t at = rest.find(end);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view part = rest.substr(0, at);
  rest.remove_prefix(at + 1);
  return part;
}

std::uint32_t number_in(const std::optional<std::string_view>& text) {
  std::uint32_t number = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), number);
  return number;
}

}  // namespace

bool is_key_cost(const KeyCost& cost) {
  return cost.passes >= 1 && cost.passes <= key_passes_max && cost.memory_kib >= key_memory_kib_min &&
         cost.memory_kib <= key_memory_kib_max;
}

bool is_encrypted_key(std::string_view text) { return text.starts_with("daicho encrypted key "); }

std::optional<EncryptedKey> parse_encrypted_key(std::string_view text) {
  std::string_view rest = text;
  const auto version = take(rest, '\n'), what = take(rest, '\n');
  if (version != first_line || !what || !take(rest, ' ')) return std::nullopt;
  const auto passes = take(rest, ' '), memory = take(rest, ' '), salt_text = take(rest, '\n'),
             sealed = take(rest, '\n');
  if (!sealed || !rest.empty()) return std::nullopt;
  auto salt = from_base64(*salt_text), secret = from_base64(*sealed);
  EncryptedKey key{.what = std::string(*what), .cost = {number_in(passes), number_in(memory)}};
  if (!is_key_cost(key.cost) || !salt || salt->size() != salt_bytes || !secret) return std::nullopt;
  key.salt = *std::move(salt);
  key.sealed = *std::move(secret);
  if (!text.starts_with(head_of(key))) return std::nullopt;  // one way to write each number
  return key;
}

std::string encrypt_key(const std::string& what, ByteView secret, std::string_view passphrase, const KeyCost& cost,
                        const Entropy& entropy) {
  std::array<std::uint8_t, salt_bytes> salt;
  entropy(salt);
  EncryptedKey key{.what = what, .cost = cost, .salt = std::string(as_text(ByteView(salt)))};
  const auto derived = derive(key, passphrase);
  if (!derived) throw no_memory();
  const std::string head = head_of(key);
  return head + to_base64(as_bytes(seal(*derived, secret, as_bytes(head)))) + '\n';
}

std::optional<std::string> decrypt_key(const EncryptedKey& key, std::string_view passphrase) {
  const auto derived = derive(key, passphrase);
  if (!derived) throw no_memory();
  return open_sealed(*derived, as_bytes(key.sealed), as_bytes(head_of(key)));
}

}  // namespace daicho
