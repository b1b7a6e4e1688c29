// tools/keys/master_place.hpp — where a ledger's master key comes from, and the one to come while it is rotated
// (docs/keys.md).
//
//   DIR/master.key             the key, plain or under a passphrase
//   DIR/master.key.1 and .2    two shares, both wanted: the key is their exclusive or
//   DIR/master.command         a program that says it (tools/keys/key_command.hpp)
//   DAICHO_MASTER_KEY          the key, in the environment
//
// One of them is there. The key to come is in the same, with `.next` behind the file's name, or DAICHO_MASTER_KEY_NEXT.
// Which of two keys is in force is what the store says (ledger/master_keys.hpp), never what the files are called.
#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>

#include "ledger/sealing.hpp"

namespace daicho {

// In a ledger's directory.
inline constexpr const char* master_key_file = "master.key";
inline constexpr std::array share_files = {"master.key.1", "master.key.2"};
inline constexpr const char* master_command_file = "master.command";
inline constexpr const char* next_ending = ".next";

enum class MasterSource { file, shares, command, environment };

/// Takes the keys out of this process's environment, where children and /proc would show them; the bytes there are
/// overwritten. Called once, before anything else.
void take_master_keys_from_environment();

/// Where it is; nullopt: nowhere. A Failure `usage` when it is in more than one place.
std::optional<MasterSource> find_master(const std::filesystem::path& directory, const char* ending = "");

struct MasterFound {
  std::optional<SecretKey> key;   ///< absent: only the next one is there, as while its files are put in place
  std::optional<SecretKey> next;  ///< to be used when the store says so
};
/// Reads, asks (a command once a process), joins. For one thread at a time. A Failure `unavailable` when there is
/// neither, `not_permitted` when one share is missing.
MasterFound read_master(const std::filesystem::path& directory);
/// Whether this user has no master key here by intention: there is none, or its file is not for them, or they offered
/// no passphrase. Nullopt: there is one to be read; else why not, in words.
std::optional<std::string> no_master_here(const std::filesystem::path& directory);

/// The key to come: the one that is given, or that a run that was killed had drawn; else one is drawn and kept as the
/// key in force is, durable when it returns. A Failure `usage` when that one is not in files: then one must be given.
SecretKey next_master(const std::filesystem::path& directory);
/// The key to come takes the place of the one before it. A crash at any step leaves it readable, and a repetition ends
/// it.
void put_next_master_in_force(const std::filesystem::path& directory);
/// What is in files under `.next` goes: the key that is in force is the other one.
void drop_next_master(const std::filesystem::path& directory);

/// The key's file becomes two, each kept as the file was. And back.
void split_master(const std::filesystem::path& directory, const SecretKey& key);
void join_master(const std::filesystem::path& directory, const SecretKey& key);

}  // namespace daicho
