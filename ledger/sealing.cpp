#include "ledger/sealing.hpp"

#include <sodium.h>

#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>

namespace daicho {
namespace {

constexpr std::size_t key_bytes = 32;
constexpr std::size_t nonce_bytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t commitment_bytes = 32;
constexpr std::size_t tag_bytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
static_assert(nonce_bytes + commitment_bytes + tag_bytes == seal_overhead_bytes);
static_assert(key_bytes == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);

constexpr std::string_view encryption_label = "daicho encryption v1";
constexpr std::string_view commitment_label = "daicho commitment v1";
constexpr std::string_view nonce_label = "daicho nonce v1";

/// Slots for keys in pages that are locked once and never unlocked: mlock does not nest, so unlocking one key would
/// unlock its neighbours on the page. A lock refused by RLIMIT_MEMLOCK is tolerated. Any thread; never destroyed.
class LockedSlots {
 public:
  void* take() {
    const std::lock_guard lock(mutex_);
    if (free_ == nullptr) add_block();
    Slot* const slot = free_;
    free_ = slot->next;
    return slot;
  }

  void give_back(void* wiped) {
    const std::lock_guard lock(mutex_);
    free_ = new (wiped) Slot{free_};
  }

 private:
  union Slot {
    Slot* next;
    std::uint8_t bytes[key_bytes];
  };
  static constexpr std::size_t page_bytes = 4096;
  static constexpr std::size_t block_bytes = 4 * page_bytes;

  void add_block() {
    auto* const block = static_cast<std::uint8_t*>(::operator new (block_bytes, std::align_val_t{page_bytes}));
    sodium_mlock(block, block_bytes);
    for (std::size_t at = 0; at < block_bytes; at += sizeof(Slot)) free_ = new (block + at) Slot{free_};
  }

  std::mutex mutex_;
  Slot* free_ = nullptr;  // under mutex_
};

LockedSlots& locked_slots() {
  static LockedSlots slots;
  return slots;
}

using Subkey = std::array<std::uint8_t, key_bytes>;

/// BLAKE2b over label, 00, and the parts with their lengths, into `out`, whose size is the hash's size.
void blake2b(std::span<std::uint8_t> out, const SecretKey& key, std::string_view label,
             std::initializer_list<ByteView> parts) {
  constexpr std::uint8_t end_of_label = 0;
  crypto_generichash_state state;
  crypto_generichash_init(&state, key.view().data(), key_bytes, out.size());
  crypto_generichash_update(&state, as_bytes(label).data(), label.size());
  crypto_generichash_update(&state, &end_of_label, 1);
  for (const ByteView part : parts) {
    crypto_generichash_update(&state, big_endian(part.size()).data(), 8);
    crypto_generichash_update(&state, part.data(), part.size());
  }
  crypto_generichash_final(&state, out.data(), out.size());
  sodium_memzero(&state, sizeof state);
}

}  // namespace

void require_sodium() {
  static const bool ready = sodium_init() >= 0;
  if (!ready) std::abort();
}

struct SecretKey::Locked {
  std::array<std::uint8_t, key_bytes> bytes;

  ~Locked() { sodium_memzero(bytes.data(), bytes.size()); }
  static void* operator new(std::size_t) { return locked_slots().take(); }
  static void operator delete(void* slot) { locked_slots().give_back(slot); }
};

SecretKey::SecretKey(ByteView thirty_two_bytes) {
  if (thirty_two_bytes.size() != key_bytes) std::abort();
  require_sodium();
  locked_ = std::make_unique<Locked>();
  std::memcpy(locked_->bytes.data(), thirty_two_bytes.data(), key_bytes);
}

SecretKey::~SecretKey() = default;
SecretKey::SecretKey(SecretKey&&) noexcept = default;
SecretKey& SecretKey::operator=(SecretKey&&) noexcept = default;

ByteView SecretKey::view() const { return locked_->bytes; }

Tag32 keyed_hash(const SecretKey& key, std::string_view label, std::initializer_list<ByteView> parts) {
  Tag32 hash;
  blake2b(hash.bytes, key, label, parts);
  return hash;
}

Tag16 keyed_tag(const SecretKey& key, std::string_view label, std::initializer_list<ByteView> parts) {
  Tag16 tag;
  blake2b(tag.bytes, key, label, parts);
  return tag;
}

SecretKey derive_key(const SecretKey& key, std::string_view label, std::initializer_list<ByteView> parts) {
  Subkey bytes;
  blake2b(bytes, key, label, parts);
  SecretKey derived{ByteView(bytes)};
  sodium_memzero(bytes.data(), bytes.size());
  return derived;
}

bool equal_constant_time(ByteView a, ByteView b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

void wipe(std::string& secret) {
  secret.resize(secret.capacity());  // a longer, earlier content may lie beyond the end
  sodium_memzero(secret.data(), secret.size());
  secret.clear();
}

std::string seal(const SecretKey& key, ByteView plaintext, ByteView associated) {
  const Tag32 commitment = keyed_hash(key, commitment_label, {});
  const Tag32 nonce = keyed_hash(key, nonce_label, {associated, plaintext});
  Subkey subkey;
  blake2b(subkey, key, encryption_label, {});

  std::string sealed(seal_overhead_bytes + plaintext.size(), '\0');
  auto* const out = reinterpret_cast<std::uint8_t*>(sealed.data());
  std::memcpy(out, nonce.bytes.data(), nonce_bytes);
  std::memcpy(out + nonce_bytes, commitment.bytes.data(), commitment_bytes);
  crypto_aead_xchacha20poly1305_ietf_encrypt(out + nonce_bytes + commitment_bytes, nullptr, plaintext.data(),
                                             plaintext.size(), associated.data(), associated.size(), nullptr,
                                             nonce.bytes.data(), subkey.data());
  sodium_memzero(subkey.data(), subkey.size());
  return sealed;
}

bool commits_to(ByteView sealed, const SecretKey& key) {
  if (sealed.size() < seal_overhead_bytes) return false;
  const ByteView commitment = sealed.subspan(nonce_bytes, commitment_bytes);
  return equal_constant_time(commitment, keyed_hash(key, commitment_label, {}).view());
}

std::optional<std::string> open_sealed(const SecretKey& key, ByteView sealed, ByteView associated) {
  if (!commits_to(sealed, key)) return std::nullopt;
  const ByteView nonce = sealed.first(nonce_bytes);
  const ByteView ciphertext = sealed.subspan(nonce_bytes + commitment_bytes);

  Subkey subkey;
  blake2b(subkey, key, encryption_label, {});
  std::string plaintext(ciphertext.size() - tag_bytes, '\0');
  const int outcome = crypto_aead_xchacha20poly1305_ietf_decrypt(
      reinterpret_cast<std::uint8_t*>(plaintext.data()), nullptr, nullptr, ciphertext.data(), ciphertext.size(),
      associated.data(), associated.size(), nonce.data(), subkey.data());
  sodium_memzero(subkey.data(), subkey.size());
  if (outcome != 0) return std::nullopt;
  return plaintext;
}

}  // namespace daicho
