// daicho backup, restore: copies of a ledger, and what is made of them.
#include "tools/backup/backup.hpp"
#include "tools/backup/restore.hpp"
#include "tools/cli/command_line.hpp"

namespace daicho {

namespace {

struct Arguments {
  std::string to, folder, from, vkey, reason;
  unsigned threads = 0, keep = 0, id = 0;
  CLI::Option *keep_option = nullptr, *restore_id = nullptr, *verify_id = nullptr;
  bool accept = false;
  std::vector<std::string> seen, vkeys, erasures;
};

std::optional<unsigned> given_number(const CLI::Option* option, unsigned value) {
  return option->count() > 0 ? std::optional(value) : std::nullopt;
}

Exit run_backup(const CommandLine& line, const Arguments& a) {
  if (a.to.empty()) throw Failure(Exit::usage, "backup TO: the folder of backups is wanted");
  return take_backup(
      {.data = line.data(), .to = a.to, .keep = given_number(a.keep_option, a.keep), .threads = a.threads},
      line.format());
}

Exit run_verify(const CommandLine& line, const Arguments& a) {
  return verify_backups({.folder = a.folder,
                         .id = given_number(a.verify_id, a.id),
                         .vkey = given(a.vkey),
                         .keys = line.data_text().empty() ? a.folder : line.data_text(),
                         .threads = a.threads},
                        line.format());
}

Exit run_restore(const CommandLine& line, const Arguments& a) {
  if (a.accept == !a.from.empty())
    throw Failure(Exit::usage, "restore FROM, or restore --accept: one of the two is wanted");
  if (a.accept) {
    return accept_restore({.data = line.data(),
                           .seen = {a.seen.begin(), a.seen.end()},
                           .vkeys = a.vkeys,
                           .erasures = {a.erasures.begin(), a.erasures.end()},
                           .reason = a.reason,
                           .at = line.at(),
                           .threads = a.threads},
                          line.format());
  }
  if (!a.seen.empty() || !a.reason.empty()) throw Failure(Exit::usage, "--seen, --reason: only with --accept");
  if (a.vkeys.size() > 1) throw Failure(Exit::usage, "--vkey: one, but with --accept");
  return restore_ledger({.from = a.from,
                         .data = line.data(),
                         .id = given_number(a.restore_id, a.id),
                         .vkey = a.vkeys.empty() ? std::nullopt : std::optional(a.vkeys.front()),
                         .erasures = {a.erasures.begin(), a.erasures.end()},
                         .threads = a.threads},
                        line.format());
}

void add_threads(CLI::App& sub, Arguments& a) {
  sub.add_option("--threads", a.threads, "of the audit; default: all cores")->check(CLI::Range(0U, 1'024U));
}

void add_backup(CommandLine& line, const std::shared_ptr<Arguments>& a) {
  auto* backup = line.add(line.app(), "backup",
                          "copy the ledger beside its writer, once each table file, and audit the copy; without "
                          "signing.key and master.key",
                          "daicho backup ./backups --data ./ledger --keep 7", nullptr);
  backup->add_option("to", a->to, "folder of backups");
  a->keep_option = backup->add_option("--keep", a->keep, "afterwards keep only so many good ones");
  a->keep_option->check(CLI::Range(1U, 1'000'000U));
  add_threads(*backup, *a);
  auto* list =
      line.add(*backup, "list", "what each backup holds, by its record", "daicho backup list ./backups", nullptr);
  auto* verify = line.add(*backup, "verify", "audit backups anew", "daicho backup verify ./backups", nullptr);
  auto* prune = line.add(*backup, "prune", "remove all but the newest good ones",
                         "daicho backup prune ./backups --keep 7", nullptr);
  for (auto* sub : {list, verify, prune}) sub->add_option("folder", a->folder, "folder of backups")->required();
  a->verify_id = verify->add_option("--id", a->id, "only this one");
  verify->add_option("--vkey", a->vkey, "the first verifier, trusted from elsewhere instead of the folder's own");
  add_threads(*verify, *a);
  prune->add_option("--keep", a->keep, "how many")->required()->check(CLI::Range(1U, 1'000'000U));
  line.on_run(backup, [&line, a, list, verify, prune] {
    if (list->parsed()) {
      print(list_backups(a->folder), line.format(), "backups");
      return Exit::done;
    }
    if (verify->parsed()) return run_verify(line, *a);
    return prune->parsed() ? prune_backups(a->folder, a->keep, line.format()) : run_backup(line, *a);
  });
}

}  // namespace

void add_backup_commands(CommandLine& line) {
  const auto a = std::make_shared<Arguments>();
  add_backup(line, a);
  auto* restore = line.add(line.app(), "restore", "make a ledger's directory of a backup, or let a restored one write",
                           "daicho restore ./backups --data ./restored\n         daicho restore --accept --data "
                           "./restored --seen ./kept/checkpoint --reason 'disk lost'",
                           [&line, a] { return run_restore(line, *a); });
  restore->add_option("from", a->from, "folder of backups");
  a->restore_id = restore->add_option("--id", a->id, "which backup; default: the newest good one");
  restore->add_option("--vkey", a->vkeys,
                      "the first verifier, trusted from elsewhere; with --accept: a key whose rotation is lost");
  restore->add_flag("--accept", a->accept, "compare with all that was seen, record what is missing, write again");
  restore->add_option("--seen", a->seen, "with --accept: a checkpoint that a witness, an auditor or a copy has kept");
  restore
      ->add_option("--erasures", a->erasures,
                   "what knows of accounts closed since: a ledger, an export, a folder of backups, or a list by `query "
                   "erasures`; newer backups in FROM are looked at unasked")
      ->check(CLI::ExistingPath);
  restore->add_option("--reason", a->reason, "with --accept: why; sealed in the event");
  add_threads(*restore, *a);
}

}  // namespace daicho
