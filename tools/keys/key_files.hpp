// tools/keys/key_files.hpp — files that hold keys: created once with mode 0600, synced, never overwritten; at a
// rotation the next one is renamed over the one before.
#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "ledger/sealing.hpp"
#include "ledger/signing.hpp"
#include "tools/keys/encrypted_key.hpp"

namespace daicho {

/// Fails when the file exists. Durable when it returns, its directory entry included.
void create_file(const std::filesystem::path& path, std::string_view content, unsigned mode);
/// Makes it unless it is there. Durable when it returns.
void create_folder(const std::filesystem::path& path);
/// Durable when they return, as far as the directory's entries go.
void rename_file(const std::filesystem::path& from, const std::filesystem::path& to);
void remove_file(const std::filesystem::path& path);
/// nullopt when there is none or it cannot be read; at most 64 KiB.
std::optional<std::string> read_file(const std::filesystem::path& path);

/// Where this process finds the passphrases of encrypted key files: a file's path each, or `fd:N`. Read once, when one
/// is first needed. Called by the command line before anything else.
void use_passphrases(std::vector<std::string> sources);
bool has_passphrases();
/// To encrypt with: the one that is given, without its line's end. A Failure when there is none, or more than one, or
/// it is empty or too long.
const std::string& passphrase();
/// Of another source than those, read anew; or another secret that is one line, which errors call `what`.
std::string read_passphrase(const std::string& source, const std::string& what = "passphrase");

/// How a file is encrypted: the same again for what takes its place.
struct KeyGuard {
  KeyCost cost;
  std::string passphrase;
};
/// Finds the passphrase that opens it; nullopt: the file is plain, or there is none.
std::optional<KeyGuard> key_file_guard(const std::filesystem::path& path);

// What an encrypted file says it holds; of a signing key its verifier key follows.
inline constexpr const char* master_what = "master";
inline constexpr std::array share_whats = {"master.1", "master.2"};

/// 64 hex digits, with a line's end or without; the text is wiped. `from` is named in the Failure.
SecretKey parse_master_key(std::string text, const std::string& from);
/// Plain or encrypted; `what`: a whole master key, or one of its two shares.
SecretKey read_master_key(const std::filesystem::path& path, const char* what = master_what);
Signer read_signing_key(const std::filesystem::path& path);

/// Fails when the file exists.
void create_signing_key(const std::filesystem::path& path, const Signer& signer,
                        const std::optional<KeyGuard>& guard = std::nullopt);
/// Whole or not at all, over what is there: it is written beside (`.new`), synced, and renamed.
void put_master_key(const std::filesystem::path& path, const SecretKey& key, const std::optional<KeyGuard>& guard,
                    const char* what = master_what);
/// What a run that was killed left of such files.
std::vector<std::filesystem::path> find_key_drafts(const std::filesystem::path& directory);
/// Another run must not be writing one.
void remove_key_drafts(const std::filesystem::path& directory);

/// Puts the same key in place of the file's content, encrypted with `passphrase()` or plain. False: it was so already.
bool rewrite_key_file(const std::filesystem::path& path, const std::optional<KeyCost>& cost);

}  // namespace daicho
