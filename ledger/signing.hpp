// ledger/signing.hpp — Ed25519 keys (RFC 8032) and C2SP signed notes (c2sp.org/signed-note v1.0.0).
// A Signer holds its seed in locked memory, wiped when it goes, or asks somebody who holds the key elsewhere.
// Signing and verifying: any thread.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ledger/bytes.hpp"
#include "ledger/result.hpp"

namespace daicho {

using PublicKey = FixedBytes<32, struct PublicKeyTag>;
using Signature = FixedBytes<64, struct SignatureTag>;
using KeyId = FixedBytes<4, struct KeyIdTag>;  ///< SHA-256(name || 0A || type || key), first four bytes

bool is_key_name(std::string_view name);  ///< not empty, no white space, no `+`, at most key_name_bytes_max
inline constexpr std::size_t key_name_bytes_max = 255;

/// What an Ed25519 key signs, as the type byte of its vkey says; a key has another id under another type.
enum class KeyType : std::uint8_t { note = 0x01, cosignature = 0x04 };
KeyId key_id(std::string_view name, KeyType type, const PublicKey& key);
/// `name+hhhhhhhh+base64(type || key)`
std::string vkey_text(std::string_view name, KeyType type, const PublicKey& key);
struct NamedKey {
  std::string name;
  PublicKey key;
};
/// nullopt: malformed, another type, or a key id that is not this key's.
std::optional<NamedKey> parse_vkey_text(std::string_view text, KeyType type);
bool verify_ed25519(const PublicKey& key, ByteView message, const Signature& signature);

/// A named public key: what a vkey line says.
struct Verifier {
  std::string name;
  PublicKey key;
  KeyId id;

  Verifier() = default;
  Verifier(std::string name, const PublicKey& key);
  bool verify(ByteView message, const Signature& signature) const;
  std::string vkey() const;
  static std::optional<Verifier> parse_vkey(std::string_view text);
  bool operator==(const Verifier&) const = default;
};

/// A signature by a key that is not in this process; the error says why there is none. Any thread.
using AskSignature = std::function<Result<Signature, std::string>(ByteView message)>;

class Signer {
 public:
  /// `seed` is 32 bytes; it is copied to locked memory.
  Signer(std::string name, ByteView seed);
  /// Of a seed that `entropy` fills in.
  static Signer draw(std::string name, const std::function<void(std::span<std::uint8_t>)>& entropy);
  /// The key lives elsewhere. Every answer is verified before it is used.
  Signer(Verifier verifier, AskSignature ask);
  ~Signer();
  Signer(Signer&&) noexcept;
  Signer& operator=(Signer&&) noexcept;

  const Verifier& verifier() const;
  /// All zero, which verifies nowhere, once a key elsewhere has failed: then `failure()` says why, for ever. A key held
  /// here does not fail.
  Signature sign(ByteView message) const;
  std::optional<std::string> failure() const;
  bool holds_key() const;  ///< false: it lives elsewhere
  /// `PRIVATE+KEY+name+hhhhhhhh+base64(01 || seed)`, the form the Go note tools read. The caller wipes it.
  /// Only of a key held here.
  std::string secret_text() const;
  static std::optional<Signer> parse_secret(std::string_view text);

 private:
  struct Secret;
  std::unique_ptr<Secret> secret_;
};

struct NoteSignature {
  std::string name;
  KeyId id;
  std::string payload;  ///< what follows the key id: 64 bytes for Ed25519
};
struct Note {
  std::string text;  ///< ends in a newline; what is signed
  std::vector<NoteSignature> signatures;
};

inline constexpr std::size_t note_bytes_max = 65'536;
inline constexpr std::size_t note_signatures_max = 64;

/// With its newline.
std::string signature_line(const NoteSignature& signature);
std::string signature_line(const Verifier& verifier, const Signature& signature);
/// The whole note: text, blank line, one line a signer. The text must be UTF-8 without control bytes and end in a
/// newline.
std::string sign_note(std::string_view text, const std::vector<const Signer*>& signers);
std::optional<Note> parse_note(std::string_view bytes);  ///< nullopt when malformed, or over a limit above

enum class NoteFault { malformed, unknown_key, bad_signature };
/// The note's text when at least one signature is by `known` and every signature that claims to be is good.
Result<std::string, NoteFault> open_note(std::string_view bytes, const std::vector<Verifier>& known);

}  // namespace daicho
