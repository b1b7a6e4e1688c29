// ledger/cosignature.hpp — Ed25519 cosignatures of checkpoints (c2sp.org/tlog-cosignature v1, type byte 04): at a given
// second this was the largest consistent tree that the cosigner had seen of its origin. Any thread.
#pragma once

#include "ledger/signing.hpp"

namespace daicho {

/// A witness's named public key. Its id is not that of the same key as a Verifier.
struct CosignatureVerifier {
  std::string name;
  PublicKey key;
  KeyId id;

  CosignatureVerifier() = default;
  CosignatureVerifier(std::string name, const PublicKey& key);
  /// Whether the signature line claims to be by this key.
  bool is_claimed_by(const NoteSignature& signature) const { return signature.name == name && signature.id == id; }
  /// The seconds since 1970 that the signature states; nullopt unless it is good for this text.
  std::optional<std::uint64_t> verify(std::string_view checkpoint_text, const NoteSignature& signature) const;
  std::string vkey() const;
  static std::optional<CosignatureVerifier> parse_vkey(std::string_view text);
  bool operator==(const CosignatureVerifier&) const = default;
};

/// A key that cosigns. It must sign nothing else: the message does not name the cosigner.
class Cosigner {
 public:
  explicit Cosigner(Signer signer);
  const CosignatureVerifier& verifier() const { return verifier_; }
  /// `seconds` since 1970, from 1 to 2^63 − 1.
  NoteSignature cosign(std::string_view checkpoint_text, std::uint64_t seconds) const;

 private:
  Signer signer_;
  CosignatureVerifier verifier_;
};

/// The note with those of `signatures` behind it of whose keys it has no line yet; nullopt when it is no note or would
/// exceed a limit of signing.hpp. Nothing is verified.
std::optional<std::string> with_signatures(std::string_view note, const std::vector<NoteSignature>& signatures);

}  // namespace daicho
