// daicho keys: how a ledger's key files are kept, and the helper that signs for another process.
#include <sys/stat.h>

#include <charconv>

#include "ledger/key_history.hpp"
#include "tools/command_line.hpp"
#include "tools/external_signer.hpp"
#include "tools/key_files.hpp"
#include "tools/ledger_files.hpp"

namespace daicho {

namespace {

namespace fs = std::filesystem;

struct Arguments {
  std::string only, key;
  KeyCost cost;
};

/// The key files there are, or the one that is asked for.
std::vector<fs::path> chosen_files(const fs::path& directory, const std::string& only) {
  if (fs::exists(directory / "signing.key.next"))
    throw Failure(Exit::usage, "signing.key.next is there: let a writer open the ledger first, to finish the rotation");
  std::vector<fs::path> files;
  for (const char* name : {"signing", "master"}) {
    const fs::path file = directory / (std::string(name) + ".key");
    if (only.empty() ? fs::exists(file) : only == name) files.push_back(file);
  }
  if (files.empty()) throw Failure(Exit::usage, directory.string() + ": no key file here; --only: signing or master");
  return files;
}

Exit run_rewrite(const CommandLine& line, const Arguments& a, bool encrypts) {
  if (!is_key_cost(a.cost)) throw Failure(Exit::usage, "--passes, --memory-kib: beyond what is accepted");
  read_verifier(line.data());
  Json changed = Json::array(), as_before = Json::array();
  for (const fs::path& file : chosen_files(line.data(), a.only)) {
    const bool is_new = rewrite_key_file(file, encrypts ? std::optional(a.cost) : std::nullopt);
    (is_new ? changed : as_before).push_back(file.filename().string());
  }
  print({{encrypts ? "encrypted" : "decrypted", changed}, {"as_before", as_before}}, line.format());
  return Exit::done;
}

std::string octal(unsigned mode) {
  std::array<char, 8> digits;
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), mode, 8);
  return '0' + std::string(digits.data(), end);
}

/// Nothing secret: how it is kept, and what its file says without a passphrase.
Json file_json(const fs::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return {{"kept", "not here"}};
  Json shown = {{"kept", "plain file"}, {"mode", octal(status.st_mode & 07777U)}};
  auto text = read_file(file);
  if (!text) {
    shown["kept"] = "a file that cannot be read";
  } else if (is_encrypted_key(*text)) {
    const auto key = parse_encrypted_key(*text);
    shown["kept"] = key ? "encrypted file" : "a damaged encrypted file";
    if (key && key->what.starts_with("signing ")) shown["vkey"] = key->what.substr(8);
    if (key) shown["argon2id"] = {{"passes", key->cost.passes}, {"memory_kib", key->cost.memory_kib}};
  } else if (file.filename() != "master.key") {
    shown["vkey"] = read_signing_key(file).verifier().vkey();
  }
  if (text) wipe(*text);
  return shown;
}

Exit run_show(const CommandLine& line) {
  const fs::path directory = line.data();
  const Verifier first = read_verifier(directory);
  Json shown = {{"first", first.vkey()}};
  if (const auto store = Store::open(directory, Store::Mode::read)) {
    KeyHistory keys(first);
    if (!read_key_history(**store, keys)) shown["in_force"] = keys.newest().vkey();
  }
  shown["signing"] = file_json(directory / "signing.key");
  const fs::path command = directory / "signing.command";
  if (fs::exists(command)) shown["signing"] = {{"kept", "elsewhere"}, {"command", read_signing_command(command)}};
  if (fs::exists(directory / "signing.key.next")) shown["next_signing"] = file_json(directory / "signing.key.next");
  shown["master"] = file_json(directory / "master.key");
  print(shown, line.format());
  return Exit::done;
}

/// One path for a run that is ended in the middle and for one that is not: the event, then what opening would do, too.
Exit run_rotate_lookup(const CommandLine& line) {
  WritableLedger ledger = open_for_writing(line.data(), line.at());
  Request request{.command = RotateLookupKey{}};
  request.issuer.service = owner_service;
  request.issuer.command = "rotate-lookup-key";
  request.issuer.command_id = "rotate-lookup-key/" + std::to_string(ledger.executor->ledger().lookup_rotations + 1);
  request.issuer.entry = fb::Entry::cli;
  auto answer = ledger.executor->execute(std::move(request));
  if (!answer) throw Failure(Exit::unavailable, answer.error().detail);
  settle_lookup_rotation(ledger, ledger.executor->ledger());
  answer->body["earlier_keys_kept"] = ledger.keys->lookup_keys().size() - 1;
  print(answer->body, line.format());
  return Exit::done;
}

}  // namespace

void add_keys_commands(CommandLine& line) {
  const auto a = std::make_shared<Arguments>();
  auto* keys =
      line.add(line.app(), "keys", "how the ledger's keys are kept", "daicho keys show --data ./ledger", nullptr);
  keys->require_subcommand(1);
  auto* encrypt = line.add(*keys, "encrypt", "put the key files under a passphrase",
                           "daicho keys encrypt --data ./ledger --passphrase-file ./passphrase",
                           [&line, a] { return run_rewrite(line, *a, true); });
  encrypt->add_option("--passes", a->cost.passes, "of Argon2id")->check(CLI::Range(1U, key_passes_max));
  encrypt->add_option("--memory-kib", a->cost.memory_kib, "of Argon2id")
      ->check(CLI::Range(key_memory_kib_min, key_memory_kib_max));
  auto* decrypt = line.add(*keys, "decrypt", "put the key files in the clear again",
                           "daicho keys decrypt --data ./ledger --passphrase-file ./passphrase",
                           [&line, a] { return run_rewrite(line, *a, false); });
  for (auto* sub : {encrypt, decrypt}) sub->add_option("--only", a->only, "signing or master; default: both");
  line.add(*keys, "show", "verifier keys and how each key is kept; never a secret", "daicho keys show --data ./ledger",
           [&line] { return run_show(line); });
  line.add(*keys, "rotate-lookup", "find sign-in names and proof addresses under a new key (docs/keys.md)",
           "daicho keys rotate-lookup --data ./ledger", [&line] { return run_rotate_lookup(line); });
  auto* signer =
      line.add(*keys, "signer", "sign what comes in on standard input, for a writer elsewhere (docs/keys.md)",
               "daicho keys signer --key ./signing.key", [a] {
                 run_signer(read_signing_key(a->key));
                 return Exit::done;
               });
  signer->add_option("--key", a->key, "the signing key's file")->required();
}

}  // namespace daicho
