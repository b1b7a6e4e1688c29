// tools/keys/signing_place.hpp — where a ledger's signing key is: in its directory, or in a helper process that signs;
// and the one to come while it is rotated. Which of the two signs is what the log says is in force.
#pragma once

#include <filesystem>

#include "commands/key_rotation.hpp"
#include "ledger/key_history.hpp"

namespace daicho {

// The files, in a ledger's directory. Of signing.key and signing.command one is there.
inline constexpr const char* signing_key_file = "signing.key";
inline constexpr const char* next_signing_key_file = "signing.key.next";          ///< drawn by a rotation
inline constexpr const char* signing_command_file = "signing.command";            ///< tools/keys/external_signer.hpp
inline constexpr const char* next_signing_command_file = "signing.command.next";  ///< put there for a rotation
inline constexpr const char* next_signing_vkey_file = "signing.vkey.next";        ///< what that helper signs for

struct FoundSigner {
  Signer signer;
  bool is_next = false;  ///< a rotation whose event is in the log is to be finished
};
/// A crash in a rotation leaves the key to come beside the one before it.
FoundSigner find_signer(const std::filesystem::path& directory, const KeyHistory& keys);
/// Finishes a rotation whose event is in the log; drops the drawn key of one whose event is not.
void settle_rotation(const std::filesystem::path& directory, bool is_next);
SigningKeyPlace signing_key_place(const std::filesystem::path& directory);

}  // namespace daicho
