// daicho keys: how a ledger's keys are kept, another master key, key backups, and the helper that signs for another
// process.
#include <sys/stat.h>

#include <charconv>

#include "ledger/key_history.hpp"
#include "tools/answers.hpp"
#include "tools/backup/backup.hpp"
#include "tools/cli/command_line.hpp"
#include "tools/keys/external_signer.hpp"
#include "tools/keys/key_backup.hpp"
#include "tools/keys/key_command.hpp"
#include "tools/keys/key_files.hpp"
#include "tools/keys/master_place.hpp"
#include "tools/ledger_files.hpp"

namespace daicho {

namespace {

namespace fs = std::filesystem;

struct Arguments {
  std::string only, key, out, from, expires, backup_passphrase;
  KeyCost cost;
  bool even_expired = false;
};

constexpr std::array key_names = {"signing", "master", "master.1", "master.2"};  // for --only

/// `master.1`: master.key.1
fs::path key_file(const fs::path& directory, std::string name) {
  return directory / name.insert(std::min(name.find('.'), name.size()), ".key");
}

/// The key files there are, or the one that is asked for.
std::vector<fs::path> chosen_files(const fs::path& directory, const std::string& only) {
  for (const char* next : {"signing.key.next", "master.key.next", "master.key.1.next", "master.key.2.next"}) {
    if (fs::exists(directory / next))
      throw Failure(Exit::usage, std::string(next) +
                                     " is there: let a rotation of the signing key be finished by a writer that opens "
                                     "the ledger, one of the master key by `daicho keys rotate-master`");
  }
  std::vector<fs::path> files;
  for (const char* name : key_names) {
    const fs::path file = key_file(directory, name);
    if (only.empty() ? fs::exists(file) : only == name) files.push_back(file);
  }
  if (files.empty())
    throw Failure(Exit::usage,
                  directory.string() + ": no key file here; --only: signing, master, master.1 or master.2");
  return files;
}

Exit run_rewrite(const CommandLine& line, const Arguments& a, bool encrypts) {
  if (!is_key_cost(a.cost)) throw Failure(Exit::usage, "--passes, --memory-kib: beyond what is accepted");
  read_verifier(line.data());
  const DirectoryLock lock(line.data());
  remove_key_drafts(line.data());
  Json changed = Json::array(), as_before = Json::array();
  for (const fs::path& file : chosen_files(line.data(), a.only)) {
    const bool is_new = rewrite_key_file(file, encrypts ? std::optional(a.cost) : std::nullopt);
    (is_new ? changed : as_before).push_back(file.filename().string());
  }
  print({{encrypts ? "encrypted" : "decrypted", changed}, {"as_before", as_before}}, line.format());
  return Exit::done;
}

/// The master key as it is in files, also when an earlier split or join was killed; it must be the ledger's.
SecretKey read_own_master(const fs::path& directory) {
  const bool is_whole = fs::exists(directory / master_key_file);
  auto found =
      is_whole ? MasterFound{read_master_key(directory / master_key_file), std::nullopt} : read_master(directory);
  if (!found.key || fs::exists(directory / (std::string(master_key_file) + next_ending)) ||
      fs::exists(directory / (std::string(share_files[0]) + next_ending)))
    throw Failure(Exit::usage, "a rotation of the master key is not finished: `daicho keys rotate-master` first");
  const auto store = value_or_fail(Store::open(directory, Store::Mode::read));
  const auto ring = KeyRing::open(found.key->clone(), *store);
  if (!ring) throw failure_of(ring.error());
  return *std::move(found.key);
}

Exit run_split(const CommandLine& line) {
  const fs::path directory = line.data();
  read_verifier(directory);
  const DirectoryLock lock(directory);
  remove_key_drafts(directory);
  if (!fs::exists(directory / master_key_file))
    throw Failure(Exit::usage, directory.string() + ": there is no master.key here to split");
  split_master(directory, read_own_master(directory));
  print({{"split", master_key_file}, {"into", share_files}}, line.format());
  return Exit::done;
}

Exit run_join(const CommandLine& line) {
  const fs::path directory = line.data();
  read_verifier(directory);
  const DirectoryLock lock(directory);
  remove_key_drafts(directory);
  if (!fs::exists(directory / share_files[0]) && !fs::exists(directory / share_files[1]))
    throw Failure(Exit::usage, directory.string() + ": there is no master.key.1 or master.key.2 here to join");
  join_master(directory, read_own_master(directory));
  print({{"joined", share_files}, {"into", master_key_file}}, line.format());
  return Exit::done;
}

/// The key that the ledger is to be wrapped by, unless one is on its way already.
std::optional<SecretKey> choose_next_master(const fs::path& directory, const WritableLedger& ledger) {
  if (ledger.keys->master_rotation() != MasterRotation::none) return std::nullopt;
  SecretKey next = next_master(directory);
  if (master_fingerprint(next) == ledger.keys->master_fingerprint())
    throw Failure(Exit::usage, "the master key to come is the one in force; another one is wanted");
  return next;
}

Exit run_rotate_master(const CommandLine& line) {
  const fs::path directory = line.data();
  read_verifier(directory);
  const DirectoryLock lock(directory);
  remove_key_drafts(directory);
  WritableLedger ledger = open_for_writing(directory, line.at());
  if (ledger.has_ended_master_rotation) {
    print({{"ended", "a rotation that was interrupted"}}, line.format());
    return Exit::done;
  }
  auto next = choose_next_master(directory, ledger);
  const bool is_next = next || ledger.is_next_master_in_force;
  Issuer issuer;
  issuer.service = owner_service;
  issuer.command = "rotate-master-key";
  issuer.command_id = "rotate-master-key at " + std::to_string(ledger.log->size());  // once on record it is not issued
  issuer.entry = fb::Entry::cli;
  const Answer answer = accepted_or_fail(ledger.executor->rotate_master_key(issuer, std::move(next)));
  is_next ? put_next_master_in_force(directory) : drop_next_master(directory);
  print(answer.body, line.format());
  return Exit::done;
}

Exit run_export(const CommandLine& line, const Arguments& a) {
  if (!is_key_cost(a.cost)) throw Failure(Exit::usage, "--passes, --memory-kib: beyond what is accepted");
  print(export_keys({.data = line.data(),
                     .out = a.out,
                     .expires = a.expires,
                     .passphrase_source = a.backup_passphrase,
                     .cost = a.cost}),
        line.format());
  return Exit::done;
}

Exit run_import(const CommandLine& line, const Arguments& a) {
  print(import_keys({.data = line.data(),
                     .from = a.from,
                     .passphrase_source = a.backup_passphrase,
                     .even_expired = a.even_expired}),
        line.format());
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
  } else if (file.filename().string().starts_with("signing.")) {
    shown["vkey"] = read_signing_key(file).verifier().vkey();
  }
  if (text) wipe(*text);
  return shown;
}

/// `ending`: of the one to come.
Json master_json(const fs::path& directory, const char* ending) {
  const auto source = find_master(directory, ending);
  const auto file = [&](const char* name) { return directory / (std::string(name) + ending); };
  if (!source) return {{"kept", "not here"}};
  switch (*source) {
    case MasterSource::file:
      return file_json(file(master_key_file));
    case MasterSource::shares:
      return {{"kept", "two files, both wanted"},
              {"shares", {file_json(file(share_files[0])), file_json(file(share_files[1]))}}};
    case MasterSource::command:
      return {{"kept", "elsewhere"}, {"command", read_command_file(file(master_command_file))}};
    case MasterSource::environment:
      break;
  }
  return {{"kept", "environment"}};
}

Exit run_show(const CommandLine& line) {
  const fs::path directory = line.data();
  const Verifier first = read_verifier(directory);
  Json shown = {{"first", first.vkey()}};
  bool is_rotating = false;
  if (const auto store = Store::open(directory, Store::Mode::read)) {
    KeyHistory keys(first);
    if (!read_key_history(**store, keys)) shown["in_force"] = keys.newest().vkey();
    const auto mark = (*store)->get(Family::meta, as_bytes(rotation_mark_key()));
    is_rotating = mark && *mark;
  }
  shown["signing"] = file_json(directory / "signing.key");
  const fs::path command = directory / "signing.command";
  if (fs::exists(command)) shown["signing"] = {{"kept", "elsewhere"}, {"command", read_command_file(command)}};
  if (fs::exists(directory / "signing.key.next")) shown["next_signing"] = file_json(directory / "signing.key.next");
  shown["master"] = master_json(directory, "");
  if (find_master(directory, next_ending)) shown["next_master"] = master_json(directory, next_ending);
  if (is_rotating) shown["master_rotation"] = "not finished";
  print(shown, line.format());
  return Exit::done;
}

using Shared = std::shared_ptr<Arguments>;

void add_cost(CLI::App* sub, const Shared& a) {
  sub->add_option("--passes", a->cost.passes, "of Argon2id")->check(CLI::Range(1U, key_passes_max));
  sub->add_option("--memory-kib", a->cost.memory_kib, "of Argon2id")
      ->check(CLI::Range(key_memory_kib_min, key_memory_kib_max));
}

void add_files(CommandLine& line, CLI::App& keys, const Shared& a) {
  auto* encrypt = line.add(keys, "encrypt", "put the key files under a passphrase",
                           "daicho keys encrypt --data ./ledger --passphrase-file ./passphrase",
                           [&line, a] { return run_rewrite(line, *a, true); });
  add_cost(encrypt, a);
  auto* decrypt = line.add(keys, "decrypt", "put the key files in the clear again",
                           "daicho keys decrypt --data ./ledger --passphrase-file ./passphrase",
                           [&line, a] { return run_rewrite(line, *a, false); });
  for (auto* sub : {encrypt, decrypt})
    sub->add_option("--only", a->only, "signing, master, master.1 or master.2; default: all that are here");
  line.add(keys, "show", "verifier keys and how each key is kept; never a secret", "daicho keys show --data ./ledger",
           [&line] { return run_show(line); });
}

void add_master(CommandLine& line, CLI::App& keys) {
  line.add(keys, "rotate-master", "wrap every key of the store by another master key; goes on with one interrupted",
           "daicho keys rotate-master --data ./ledger", [&line] { return run_rotate_master(line); });
  line.add(keys, "split", "make two files of the master key, both wanted from then on",
           "daicho keys split --data ./ledger", [&line] { return run_split(line); });
  line.add(keys, "join", "make one file of the two again", "daicho keys join --data ./ledger",
           [&line] { return run_join(line); });
}

void add_backups(CommandLine& line, CLI::App& keys, const Shared& a) {
  auto* exported = line.add(keys, "export", "the key files in one file, under a passphrase of its own, for a time",
                            "daicho keys export --out ./keys-2026 --expires 90 --backup-passphrase-file ./passphrase "
                            "--data ./ledger",
                            [&line, a] { return run_export(line, *a); });
  exported->add_option("--out", a->out, "the file to write; it must not be there")
      ->required()
      ->check(check_file_to_write);
  exported->add_option("--expires", a->expires, "in how many days, or when")->required();
  add_cost(exported, a);
  auto* imported = line.add(keys, "import", "put the key files of such a file into a ledger's directory",
                            "daicho keys import ./keys-2026 --backup-passphrase-file ./passphrase --data ./restored",
                            [&line, a] { return run_import(line, *a); });
  imported->add_option("file", a->from, "what `keys export` wrote")->required()->check(CLI::ExistingFile);
  imported->add_flag("--even-expired", a->even_expired, "where no newer one is left");
  for (auto* sub : {exported, imported})
    sub->add_option("--backup-passphrase-file", a->backup_passphrase, "passphrase of that file: a file, or fd:N")
        ->required()
        ->check(check_passphrase_source);
}

/// One path for a run that is ended in the middle and for one that is not: the event, then what opening would do, too.
Exit run_rotate_lookup(const CommandLine& line) {
  WritableLedger ledger = open_for_writing(line.data(), line.at());
  Request request{.command = RotateLookupKey{}};
  request.issuer.service = owner_service;
  request.issuer.command = "rotate-lookup-key";
  request.issuer.command_id = "rotate-lookup-key/" + std::to_string(ledger.executor->ledger().lookup_rotations + 1);
  request.issuer.entry = fb::Entry::cli;
  Answer answer = accepted_or_fail(ledger.executor->execute(std::move(request)));
  settle_lookup_rotation(ledger, ledger.executor->ledger());
  answer.body["earlier_keys_kept"] = ledger.keys->lookup_keys().size() - 1;
  print(answer.body, line.format());
  return Exit::done;
}

}  // namespace

void add_keys_commands(CommandLine& line) {
  const auto a = std::make_shared<Arguments>();
  auto* keys =
      line.add(line.app(), "keys", "how the ledger's keys are kept", "daicho keys show --data ./ledger", nullptr);
  keys->require_subcommand(1);
  add_files(line, *keys, a);
  add_master(line, *keys);
  add_backups(line, *keys, a);
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
