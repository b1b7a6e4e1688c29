// tools/keys/encrypted_key.hpp — the content of a key file under a passphrase (docs/keys.md, section "Encrypted key
// files"). Argon2id makes the key, `seal()` of ledger/sealing.hpp encrypts. Pure; one call takes the time and memory of
// its cost.
#pragma once

#include <optional>
#include <string>

#include "ledger/key_ring.hpp"

namespace daicho {

inline constexpr std::size_t passphrase_bytes_max = 1'024;
inline constexpr std::uint32_t key_passes_max = 64;
inline constexpr std::uint32_t key_memory_kib_min = 8;
inline constexpr std::uint32_t key_memory_kib_max = 4'194'304;

/// Of Argon2id. The default is libsodium's "moderate".
struct KeyCost {
  std::uint32_t passes = 3;
  std::uint32_t memory_kib = 262'144;
  bool operator==(const KeyCost&) const = default;
};
bool is_key_cost(const KeyCost& cost);

/// What an encrypted file says without its passphrase.
struct EncryptedKey {
  std::string what;  ///< `signing` and its verifier key, or `master`
  KeyCost cost;
  std::string salt;
  std::string sealed;
};

bool is_encrypted_key(std::string_view text);  ///< by its first line
/// nullopt: not as encrypt_key() writes it, or a cost beyond the limits.
std::optional<EncryptedKey> parse_encrypted_key(std::string_view text);

/// The file's text. `what` is one line, readable by all, and authenticated.
std::string encrypt_key(const std::string& what, ByteView secret, std::string_view passphrase, const KeyCost& cost,
                        const Entropy& entropy);
/// nullopt: the passphrase is another, or the file was altered. The caller wipes it.
std::optional<std::string> decrypt_key(const EncryptedKey& key, std::string_view passphrase);

}  // namespace daicho
