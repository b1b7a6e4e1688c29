// ledger/sealing.hpp — secret keys, keyed hashes, sealing with key commitment (docs/ledger-format.md, sections "Sealed
// part" and "Keys"). Keys live in locked memory and are wiped when they go (libsodium sodium_mlock, sodium_memzero).
// Pure otherwise; any thread.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>

#include "ledger/bytes.hpp"

namespace daicho {

/// Readies libsodium, once. SecretKey and ledger/signing.hpp do it; nobody else has to.
void require_sodium();

/// 32 secret bytes. Copies are explicit: `clone()`.
class SecretKey {
 public:
  explicit SecretKey(ByteView thirty_two_bytes);
  ~SecretKey();
  SecretKey(SecretKey&&) noexcept;
  SecretKey& operator=(SecretKey&&) noexcept;
  SecretKey clone() const { return SecretKey(view()); }
  ByteView view() const;

 private:
  struct Locked;
  std::unique_ptr<Locked> locked_;
};

/// BLAKE2b (RFC 7693) keyed, over the label, a zero byte, and each part preceded by its u64 big-endian length.
Tag32 keyed_hash(const SecretKey& key, std::string_view label, std::initializer_list<ByteView> parts);
Tag16 keyed_tag(const SecretKey& key, std::string_view label, std::initializer_list<ByteView> parts);
SecretKey derive_key(const SecretKey& key, std::string_view label, std::initializer_list<ByteView> parts);

bool equal_constant_time(ByteView a, ByteView b);
void wipe(std::string& secret);  ///< overwrites, then empties

/// sealed := nonce(24) || commitment(32) || XChaCha20-Poly1305 ciphertext and tag, under subkeys of `key`.
/// commitment = keyed_hash(key, "daicho commitment v1"), so a ciphertext opens under one key only.
/// nonce = first 24 bytes of keyed_hash(key, "daicho nonce v1", associated, plaintext): no randomness, and reuse only
/// for equal input.
std::string seal(const SecretKey& key, ByteView plaintext, ByteView associated);
/// nullopt when the key is not the committed one or any byte of sealed part or associated data was changed.
std::optional<std::string> open_sealed(const SecretKey& key, ByteView sealed, ByteView associated);
/// Whether a sealed part commits to this key, in constant time: no other key opens it. Not that it is unaltered.
bool commits_to(ByteView sealed, const SecretKey& key);
inline constexpr std::size_t seal_overhead_bytes = 24 + 32 + 16;

}  // namespace daicho
