// daicho audit, export, replay: what an auditor asks.
#include <iostream>

#include "ledger/disclosure.hpp"
#include "ledger/files.hpp"
#include "ledger/tlog_proof.hpp"
#include "tools/audit/disclosure.hpp"
#include "tools/audit/proofs.hpp"
#include "tools/audit/run.hpp"
#include "tools/cli/command_line.hpp"
#include "tools/ledger_files.hpp"
#include "tools/log_files.hpp"
#include "tools/witness/ask.hpp"
#include "tools/witness/policy_file.hpp"

namespace daicho {

namespace {

struct Arguments {
  unsigned threads = 0;
  std::vector<std::string> vkeys;
  std::string folder, out, file, later, since, account, policy, state, copy, report;
  AuditDepth depth = AuditDepth::projections;
  std::uint64_t position = 0;
  bool rebuild = false;
  std::vector<Position> positions;  // of disclose
  std::string vkey, reason, case_number, investigator, service = "local";
  bool with_secrets = false;
};

Exit finish(const AuditVerifyResult& result, Format format) {
  print(result.report, format);
  return result.is_clean ? Exit::done : Exit::integrity;
}

Exit run_verify(const CommandLine& line, const Arguments& a) {
  return run_audit({.audit = {.directory = a.folder.empty() ? line.data() : std::filesystem::path(a.folder),
                              .threads = a.threads,
                              .keys = parse_vkeys(a.vkeys),
                              .depth = a.depth,
                              .copy = a.copy},
                    .since = a.since,
                    .state = a.state,
                    .report = a.report},
                   line.format());
}

std::string read_input(const std::string& path, std::size_t bytes_max) {
  auto content = read_given_file(path, bytes_max);
  if (!content) throw Failure(Exit::usage, path + ": cannot be read");
  return *std::move(content);
}

std::optional<std::string> read_note(const std::string& path) {
  return path.empty() ? std::nullopt : std::optional(read_input(path, note_bytes_max));
}

std::optional<TlogPolicy> read_policy(const Arguments& a) {
  return a.policy.empty() ? std::nullopt : std::optional(read_policy_file(a.policy));
}

/// The proof into `--out`, with a summary on standard output; without it the proof itself on standard output.
Exit write_file(const ProofFile& proof, const CommandLine& line, const Arguments& a, unsigned mode = 0644) {
  if (a.out.empty()) {
    std::cout << proof.content;
    return Exit::done;
  }
  if (const auto error = replace_file(std::filesystem::absolute(a.out), proof.content, mode)) fail(*error);
  Json summary = proof.summary;
  summary["written"] = a.out;
  print(summary, line.format());
  return Exit::done;
}

Id parse_account(const std::string& text) {
  const auto id = parse_id(text);
  if (!id) throw Failure(Exit::usage, "an account's id is wanted");
  return *id;
}

std::map<std::string, AuditDepth> depths() {
  std::map<std::string, AuditDepth> named;
  for (const auto depth : {AuditDepth::hashes, AuditDepth::signatures, AuditDepth::projections})
    named.emplace(name(depth), depth);
  return named;
}

using Shared = std::shared_ptr<Arguments>;

CLI::Option* add_vkey(CLI::App* sub, const Shared& a, const char* what) {
  return sub->add_option("--vkey", a->vkeys, what);
}

void add_verify(CommandLine& line, CLI::App& audit, const Shared& a) {
  auto* verify =
      line.add(audit, "verify", "re-read every stored byte: signatures, links, tree, checkpoints, projections",
               "daicho audit verify --data ./ledger --vkey ledger.example/accounts+…",
               [&line, a] { return run_verify(line, *a); });
  verify->add_option("directory", a->folder, "a ledger's directory or an export; default: --data");
  verify->add_option("--threads", a->threads, "default: all cores")->check(CLI::Range(0U, 1'024U));
  verify
      ->add_option("--depth", a->depth,
                   "hashes: signatures of events believed; signatures: and those; projections: all")
      ->transform(CLI::CheckedTransformer(depths()));
  verify->add_option("--since", a->since, "file of a checkpoint that the log must extend")->check(CLI::ExistingFile);
  verify->add_option("--state", a->state, "the same file for every audit: it keeps where the log ended last time")
      ->check(check_file_to_write);
  verify->add_option("--copy", a->copy, "a ledger or an export of the same log: what differs is told by the byte")
      ->check(CLI::ExistingDirectory);
  verify->add_option("--report", a->report, "the answer as JSON into this file, too")->check(check_file_to_write);
  add_vkey(verify, a, "the first verifier, trusted from elsewhere instead of the directory's own");
}

void add_proofs(CommandLine& line, CLI::App& audit, const Shared& a) {
  const char* const own_keys = "the log's first verifier; default: the directory's own";
  auto* prove = line.add(audit, "prove", "a file that proves one event to whoever has the log's key",
                         "daicho audit prove 17 --out 17.tlog-proof --data ./ledger", [&line, a] {
                           return write_file(prove_event(line.data(), a->position, parse_vkeys(a->vkeys)), line, *a);
                         });
  prove->add_option("position", a->position, "the event's sequence number")->required();
  auto* account =
      line.add(audit, "account", "a file with all events of an account, that proves that none is missing",
               "daicho audit account 019ca8a0-3e80-73dd-8b27-6ae345cda96d --out taro.tlog-proof", [&line, a] {
                 const Id id = parse_account(a->account);
                 return write_file(prove_account(line.data(), id, parse_vkeys(a->vkeys)), line, *a);
               });
  account->add_option("account", a->account, "the account's id")->required();
  auto* consistency = line.add(
      audit, "consistency", "prove that one checkpoint extends another",
      "daicho audit consistency yesterday.checkpoint", [&line, a] {
        const auto from = read_input(a->file, note_bytes_max);
        return write_file(prove_consistency(line.data(), from, read_note(a->later), parse_vkeys(a->vkeys)), line, *a);
      });
  consistency->add_option("from", a->file, "file of the earlier checkpoint")->required();
  consistency->add_option("to", a->later, "file of the later one; default: the log's newest");
  for (CLI::App* sub : {prove, account, consistency}) {
    sub->add_option("--out", a->out, "the file to write; default: standard output");
    add_vkey(sub, a, own_keys);
  }
  auto* check = line.add(
      audit, "check", "check a proof with nothing but the log's key",
      "daicho audit check 17.tlog-proof --vkey ledger.example/accounts+…", [&line, a] {
        print(check_proof(read_input(a->file, proof_bytes_max),
                          {.keys = parse_vkeys(a->vkeys), .policy = read_policy(*a), .since = read_note(a->since)}),
              line.format());
        return Exit::done;
      });
  check->add_option("file", a->file, "the proof")->required();
  check->add_option("--since", a->since, "file of the checkpoint that a proof of consistency starts from");
  check->add_option("--policy", a->policy, "a tlog-policy file: the log's keys, and who must have cosigned");
  add_vkey(check, a, "a key of the log; several when it was rotated");
}

Exit run_disclose(const CommandLine& line, const Arguments& a) {
  ProofFile file = disclose_events({.directory = line.data(),
                                    .positions = a.positions,
                                    .reason = a.reason,
                                    .case_number = a.case_number,
                                    .investigator = a.investigator,
                                    .service = a.service,
                                    .with_secrets = a.with_secrets,
                                    .at = line.at(),
                                    .policy = read_policy(a)});
  const Exit exit = write_file(file, line, a, 0600);
  wipe(file.content);
  return exit;
}

std::string check_not_empty(const std::string& text) { return text.empty() ? "a value is wanted" : ""; }

void add_disclosures(CommandLine& line, CLI::App& audit, const Shared& a) {
  auto* disclose = line.add(
      audit, "disclose", "open single events for a third party; writes to the ledger: the access is recorded first",
      "daicho audit disclose 17 23 --reason 'order of a court' --case C-1042 --out 1042.disclosure",
      [&line, a] { return run_disclose(line, *a); });
  disclose->add_option("positions", a->positions, "the events' sequence numbers")->required();
  disclose->add_option("--reason", a->reason, "why; sealed in the event that records the access")
      ->required()
      ->check(check_not_empty);
  disclose->add_option("--case", a->case_number, "number of the case it belongs to")
      ->required()
      ->check(check_not_empty);
  disclose->add_option("--investigator", a->investigator, "opaque id of who asks; default: the service")
      ->check(check_not_empty);
  disclose->add_option("--service", a->service,
                       "who asks: an investigator or an auditor, once services are registered");
  disclose->add_flag("--with-secrets", a->with_secrets,
                     "events, too, that seal a password's or an answer's verifier or an app's secret");
  disclose->add_option("--out", a->out, "the file to write, mode 0600; default: standard output")
      ->check(check_file_to_write);
  disclose->add_option("--policy", a->policy, "a tlog-policy file: give the newest checkpoint that meets it")
      ->check(CLI::ExistingFile);
  auto* check = line.add(audit, "check-disclosure",
                         "check a disclosure with nothing but the log's first key, and show what it opens",
                         "daicho audit check-disclosure 1042.disclosure --vkey ledger.example/accounts+…", [&line, a] {
                           print(check_disclosure_file(read_input(a->file, disclosure_bytes_max),
                                                       parse_vkeys({a->vkey}).front(), read_policy(*a)),
                                 line.format(), "events");
                           return Exit::done;
                         });
  check->add_option("file", a->file, "the disclosure")->required();
  check->add_option("--vkey", a->vkey, "the log's first verifier, known from elsewhere")->required();
  check->add_option("--policy", a->policy, "a tlog-policy file: who must have cosigned")->check(CLI::ExistingFile);
}

Exit run_checkpoint(const CommandLine& line, const Arguments& a) {
  const auto report = checkpoint_for_auditors(line.data(), read_policy(a));
  print(report.json, line.format());
  return report.exit;
}

}  // namespace

void add_audit_commands(CommandLine& line) {
  const auto a = std::make_shared<Arguments>();
  auto* audit = line.add(line.app(), "audit", "check the ledger against its signatures",
                         "daicho audit verify --data ./ledger", nullptr);
  audit->require_subcommand(1);
  add_verify(line, *audit, a);
  add_proofs(line, *audit, a);
  add_disclosures(line, *audit, a);
  auto* exported = line.add(line.app(), "export", "the log as static files", "daicho export tiles ./public", nullptr);
  exported->require_subcommand(1);
  auto* tiles = line.add(*exported, "tiles", "write, or extend, a C2SP tlog-tiles folder: checkpoint, tiles, entries",
                         "daicho export tiles ./public --data ./ledger", [&line, a] {
                           print(export_log(line.data(), a->folder), line.format());
                           return Exit::done;
                         });
  tiles->add_option("folder", a->folder, "where to")->required();
  auto* checkpoint = line.add(*audit, "checkpoint", "the newest checkpoint, or the newest that meets a policy",
                              "daicho audit checkpoint --data ./ledger --policy policy.txt",
                              [&line, a] { return run_checkpoint(line, *a); });
  checkpoint->add_option("--policy", a->policy, "a tlog-policy file: the witnesses that must have cosigned");
  auto* replay = line.add(line.app(), "replay", "compute every projection anew and compare",
                          "daicho replay --data ./ledger --rebuild",
                          [&line, a] { return finish(replay_ledger(line.data(), a->rebuild), line.format()); });
  replay->add_flag("--rebuild", a->rebuild, "put the computed rows in place of the stored ones");
}

}  // namespace daicho
