#include "tools/keys/signing_place.hpp"

#include <spdlog/spdlog.h>

#include "tools/failure.hpp"
#include "tools/keys/external_signer.hpp"
#include "tools/keys/key_command.hpp"
#include "tools/keys/key_files.hpp"
#include "tools/system.hpp"

namespace daicho {

namespace {

namespace fs = std::filesystem;

/// What fails is left to the next opening, which goes by the log.
bool attempt(const std::function<void()>& step) {
  try {
    step();
    return true;
  } catch (const Failure& failure) {
    spdlog::error("{}", failure.what());
    return false;
  }
}

void remove_if_there(const fs::path& file) {
  if (fs::exists(file)) remove_file(file);
}

std::optional<Verifier> read_next_verifier(const fs::path& directory) {
  auto text = read_file(directory / next_signing_vkey_file);
  if (text && text->ends_with('\n')) text->pop_back();
  return text ? Verifier::parse_vkey(*text) : std::nullopt;
}

bool has_next_helper(const fs::path& directory) { return fs::exists(directory / next_signing_command_file); }

Signer start_next_helper(const fs::path& directory) {
  const auto verifier = read_next_verifier(directory);
  if (!verifier)
    throw Failure(Exit::usage, (directory / next_signing_vkey_file).string() +
                                   ": the verifier key of signing.command.next is wanted here");
  return start_external_signer(*verifier, read_command_file(directory / next_signing_command_file));
}

Signer draw_next_key(const fs::path& directory, const std::string& name) {
  if (fs::exists(directory / signing_command_file))
    throw Failure(
        Exit::usage,
        "the signing key lives elsewhere (signing.command): put signing.command.next and signing.vkey.next in "
        "first, for the helper of the key to come");
  Signer next = Signer::draw(name, system_entropy());
  create_signing_key(directory / next_signing_key_file, next,
                     key_file_guard(directory / signing_key_file));  // kept as the one in force is
  return next;
}

/// The old one goes first: what is found in between is the next one, which the log says is in force.
void put_next_in_force(const fs::path& directory) {
  if (has_next_helper(directory)) {
    remove_if_there(directory / signing_key_file);
    rename_file(directory / next_signing_command_file, directory / signing_command_file);
    remove_if_there(directory / next_signing_vkey_file);
  } else if (fs::exists(directory / next_signing_key_file)) {
    rename_file(directory / next_signing_key_file, directory / signing_key_file);
  }
}

/// The key to come, if the log says that it is in force.
std::optional<Signer> find_next(const fs::path& directory, const Verifier& in_force) {
  if (has_next_helper(directory)) {
    if (read_next_verifier(directory) == in_force) return start_next_helper(directory);
  } else if (fs::exists(directory / next_signing_key_file)) {
    Signer next = read_signing_key(directory / next_signing_key_file);
    if (next.verifier() == in_force) return next;
  }
  return std::nullopt;
}

}  // namespace

FoundSigner find_signer(const fs::path& directory, const KeyHistory& keys) {
  const bool is_here = fs::exists(directory / signing_key_file),
             is_elsewhere = fs::exists(directory / signing_command_file);
  std::optional<Signer> held;
  if (is_here) held = read_signing_key(directory / signing_key_file);
  if (!held || held->verifier() != keys.newest()) {  // else what a rotation left unfinished may be of any shape
    if (auto next = find_next(directory, keys.newest())) return {*std::move(next), true};
  }
  if (is_here && is_elsewhere)
    throw Failure(Exit::usage, directory.string() + ": both signing.key and signing.command are there; one is wanted");
  if (is_elsewhere) return {start_external_signer(keys.newest(), read_command_file(directory / signing_command_file))};
  return {held ? *std::move(held) : read_signing_key(directory / signing_key_file)};  // or its Failure
}

void settle_rotation(const fs::path& directory, bool is_next) {
  attempt([&] { is_next ? put_next_in_force(directory) : remove_if_there(directory / next_signing_key_file); });
}

SigningKeyPlace signing_key_place(const fs::path& directory) {
  return {.next = [directory](const std::string& name) -> std::optional<Signer> {
            std::optional<Signer> next;
            attempt([&] {
              next = has_next_helper(directory) ? start_next_helper(directory) : draw_next_key(directory, name);
            });
            return next;
          },
          .drop_next = [directory] { attempt([&] { remove_if_there(directory / next_signing_key_file); }); },
          .put_next_in_force = [directory] { attempt([&] { put_next_in_force(directory); }); }};
}

}  // namespace daicho
