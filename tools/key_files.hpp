// tools/key_files.hpp — files that hold keys: created once with mode 0600, synced, never overwritten; at a rotation the
// next one is renamed over the one before.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "ledger/sealing.hpp"
#include "ledger/signing.hpp"
#include "tools/encrypted_key.hpp"

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

/// Where this process finds the passphrase of encrypted key files: a file's path, or `fd:N`; empty: nowhere. Read once,
/// when it is first needed. Called by the command line before anything else.
void use_passphrase(const std::string& source);
const std::string& passphrase();  ///< without its line's end; a Failure when there is none, or it is empty or too long

/// Plain or encrypted.
SecretKey read_master_key(const std::filesystem::path& path);
void create_signing_key(const std::filesystem::path& path, const Signer& signer);
Signer read_signing_key(const std::filesystem::path& path);
/// Fails when the file exists. `cost`: encrypted under the passphrase; nullopt: plain.
void create_signing_key(const std::filesystem::path& path, const Signer& signer, const std::optional<KeyCost>& cost);
/// The cost an encrypted key file was made with; nullopt: it is plain, or there is none.
std::optional<KeyCost> key_file_cost(const std::filesystem::path& path);
/// Puts the same key in place of the file's content, encrypted or plain. False: it was so already.
bool rewrite_key_file(const std::filesystem::path& path, const std::optional<KeyCost>& cost);

}  // namespace daicho
