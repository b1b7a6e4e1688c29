#include "tools/keys/master_place.hpp"

#include <sodium.h>
#include <unistd.h>

#include <map>

#include "tools/environment.hpp"
#include "tools/failure.hpp"
#include "tools/keys/key_command.hpp"
#include "tools/keys/key_files.hpp"
#include "tools/system.hpp"

namespace daicho {

namespace {

namespace fs = std::filesystem;

constexpr const char* environment_name = "DAICHO_MASTER_KEY";
constexpr const char* next_environment_name = "DAICHO_MASTER_KEY_NEXT";

/// What the environment held.
struct Variable {
  bool is_set = false;
  std::optional<SecretKey> key = std::nullopt;  ///< absent: what was there is none, which is told when it is wanted
};
struct {
  Variable key, next;
} from_environment;

Variable take_variable(const char* name) {
  auto text = take_from_environment(name);
  if (!text) return {};
  Variable taken{.is_set = true};
  try {
    taken.key = parse_master_key(*std::move(text), name);
  } catch (const Failure&) {
    taken.key.reset();
  }
  return taken;
}

bool is_next(const char* ending) { return *ending != '\0'; }

const Variable& environment_of(const char* ending) {
  return is_next(ending) ? from_environment.next : from_environment.key;
}

fs::path place(const fs::path& directory, const char* file, const char* ending) {
  return directory / (std::string(file) + ending);
}

bool is_there(const fs::path& file) {
  std::error_code failed;
  return fs::exists(fs::symlink_status(file, failed));
}

void remove_if_there(const fs::path& file) {
  if (is_there(file)) remove_file(file);
}

/// Of two new shares the first has taken its place already, the second not yet.
bool is_half_in_place(const fs::path& directory) {
  return !is_there(place(directory, share_files[0], next_ending)) &&
         is_there(place(directory, share_files[1], next_ending)) && !is_there(directory / share_files[1]);
}

/// Where the two shares of a key are. Of a key to come the first is written first: alone it is not begun.
std::array<fs::path, 2> share_places(const fs::path& directory, const char* ending) {
  if (is_next(ending) && is_half_in_place(directory))
    return {directory / share_files[0], place(directory, share_files[1], next_ending)};
  return {place(directory, share_files[0], ending), place(directory, share_files[1], ending)};
}

bool has_shares(const fs::path& directory, const char* ending) {
  const auto files = share_places(directory, ending);
  if (is_next(ending)) return is_there(files[0]) && is_there(files[1]);
  return !is_half_in_place(directory) && (is_there(files[0]) || is_there(files[1]));
}

SecretKey exclusive_or(const SecretKey& a, const SecretKey& b) {
  std::array<std::uint8_t, 32> bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = a.view()[i] ^ b.view()[i];
  SecretKey key{ByteView(bytes)};
  sodium_memzero(bytes.data(), bytes.size());
  return key;
}

SecretKey draw_key() {
  std::array<std::uint8_t, 32> bytes;
  system_entropy()(bytes);
  SecretKey key{ByteView(bytes)};
  sodium_memzero(bytes.data(), bytes.size());
  return key;
}

SecretKey read_shares(const std::array<fs::path, 2>& files) {
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (!is_there(files[i]))
      throw Failure(Exit::not_permitted,
                    files[i].string() + " is missing: the master key is in two files, and both are wanted");
  }
  return exclusive_or(read_master_key(files[0], share_whats[0]), read_master_key(files[1], share_whats[1]));
}

/// Once a process: `query events --follow` opens the ledger again and again.
SecretKey ask(const std::vector<std::string>& command) {
  static std::map<std::vector<std::string>, SecretKey> answered;
  auto known = answered.find(command);
  if (known == answered.end()) {
    SecretKey key = parse_master_key(run_key_command(command), command.front() + ": standard output");
    known = answered.emplace(command, std::move(key)).first;
  }
  return known->second.clone();
}

SecretKey read_from(MasterSource source, const fs::path& directory, const char* ending) {
  switch (source) {
    case MasterSource::file:
      return read_master_key(place(directory, master_key_file, ending));
    case MasterSource::shares:
      return read_shares(share_places(directory, ending));
    case MasterSource::command:
      return ask(read_command_file(place(directory, master_command_file, ending)));
    case MasterSource::environment:
      break;
  }
  const Variable& variable = environment_of(ending);
  if (variable.key) return variable.key->clone();
  throw Failure(Exit::usage, std::string(is_next(ending) ? next_environment_name : environment_name) +
                                 ": a master key is 64 hex digits");
}

const char* words(MasterSource source) {
  switch (source) {
    case MasterSource::file:
      return master_key_file;
    case MasterSource::shares:
      return "master.key.1 and master.key.2";
    case MasterSource::command:
      return master_command_file;
    case MasterSource::environment:
      break;
  }
  return environment_name;
}

/// Two shares of the key, drawn anew; each kept as the file `like` it is.
void put_shares(const fs::path& directory, const char* ending, const SecretKey& key,
                const std::array<fs::path, 2>& like) {
  const std::array guards = {key_file_guard(like[0]), key_file_guard(like[1])};
  const SecretKey first = draw_key(), second = exclusive_or(key, first);
  put_master_key(place(directory, share_files[0], ending), first, guards[0], share_whats[0]);
  put_master_key(place(directory, share_files[1], ending), second, guards[1], share_whats[1]);
}

bool is_kept_from_us(const fs::path& file) { return is_there(file) && ::access(file.c_str(), R_OK) != 0; }

bool is_locked(const fs::path& file) {
  auto text = read_file(file);
  const bool is_encrypted = text && is_encrypted_key(*text);
  if (text) wipe(*text);
  return is_encrypted && !has_passphrases();
}

}  // namespace

void take_master_keys_from_environment() {
  from_environment = {take_variable(environment_name), take_variable(next_environment_name)};
}

std::optional<MasterSource> find_master(const fs::path& directory, const char* ending) {
  std::vector<MasterSource> found;
  if (is_there(place(directory, master_key_file, ending))) found.push_back(MasterSource::file);
  if (has_shares(directory, ending)) found.push_back(MasterSource::shares);
  if (is_there(place(directory, master_command_file, ending))) found.push_back(MasterSource::command);
  if (environment_of(ending).is_set) found.push_back(MasterSource::environment);
  if (found.size() <= 1) return found.empty() ? std::nullopt : std::optional(found.front());
  std::string list = words(found[0]);
  for (std::size_t i = 1; i < found.size(); ++i) list += std::string(", ") + words(found[i]);
  throw Failure(Exit::usage, directory.string() + ": the master key" + (is_next(ending) ? " to come" : "") +
                                 " is in more than one place: " + list + "; one is wanted");
}

MasterFound read_master(const fs::path& directory) {
  MasterFound found;
  const auto current = find_master(directory), next = find_master(directory, next_ending);
  if (next) found.next = read_from(*next, directory, next_ending);
  const bool is_being_removed = found.next && current == MasterSource::shares &&
                                !(is_there(directory / share_files[0]) && is_there(directory / share_files[1]));
  if (current && !is_being_removed) found.key = read_from(*current, directory, "");
  if (!found.key && !found.next)
    throw Failure(Exit::unavailable, directory.string() +
                                         ": there is no master key: master.key, master.key.1 and .2, master.command or "
                                         "DAICHO_MASTER_KEY is wanted");
  return found;
}

std::optional<std::string> no_master_here(const fs::path& directory) {
  const auto source = find_master(directory);
  if (!source) return find_master(directory, next_ending) ? std::nullopt : std::optional<std::string>("no master key");
  std::vector<fs::path> files;
  if (*source == MasterSource::file) files = {directory / master_key_file};
  if (*source == MasterSource::shares) files = {directory / share_files[0], directory / share_files[1]};
  for (const fs::path& file : files) {
    const std::string name = file.filename().string();
    if (!is_there(file)) return "one of its two files is missing, " + name;
    if (is_kept_from_us(file)) return name + " is not for this user to read";
    if (is_locked(file)) return name + " is encrypted and no passphrase is given";
  }
  return std::nullopt;
}

SecretKey next_master(const fs::path& directory) {
  if (const auto given = find_master(directory, next_ending)) return read_from(*given, directory, next_ending);
  const auto source = find_master(directory);
  SecretKey key = draw_key();
  if (source == MasterSource::file) {
    const fs::path current = directory / master_key_file;
    put_master_key(place(directory, master_key_file, next_ending), key, key_file_guard(current));
  } else if (source == MasterSource::shares) {
    put_shares(directory, next_ending, key, share_places(directory, ""));
  } else {
    throw Failure(Exit::usage,
                  "the master key is not in a file of this directory: the next one must be given, in "
                  "DAICHO_MASTER_KEY_NEXT or by master.command.next");
  }
  return key;
}

void put_next_master_in_force(const fs::path& directory) {
  if (!find_master(directory, next_ending)) return;  // it is done
  const bool is_half = is_half_in_place(directory);
  if (!is_half) {  // first all of the old, so that what is found in between is the next
    for (const char* file : {master_key_file, share_files[1], share_files[0], master_command_file})
      remove_if_there(directory / file);
  }
  for (const char* file : {master_key_file, share_files[0], share_files[1], master_command_file}) {
    const fs::path next = place(directory, file, next_ending);
    if (is_there(next)) rename_file(next, directory / file);
  }
}

void drop_next_master(const fs::path& directory) {
  for (const char* file : {master_key_file, share_files[1], share_files[0], master_command_file})
    remove_if_there(place(directory, file, next_ending));
}

void split_master(const fs::path& directory, const SecretKey& key) {
  const fs::path whole = directory / master_key_file;
  put_shares(directory, "", key, {whole, whole});
  remove_file(whole);
}

void join_master(const fs::path& directory, const SecretKey& key) {
  const fs::path whole = directory / master_key_file;
  if (!is_there(whole)) put_master_key(whole, key, key_file_guard(directory / share_files[0]));
  for (const char* share : share_files) remove_if_there(directory / share);
}

}  // namespace daicho
