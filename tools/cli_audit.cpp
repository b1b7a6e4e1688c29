// daicho audit, replay: what an auditor asks.
#include "tools/audit_verify.hpp"
#include "tools/command_line.hpp"
#include "tools/policy_file.hpp"
#include "tools/witness_ask.hpp"

namespace daicho {

namespace {

struct Arguments {
  unsigned threads = 0;
  std::string vkey, policy;
  bool rebuild = false;
};

Exit finish(const AuditVerifyResult& result, Format format) {
  print(result.report, format);
  return result.is_clean ? Exit::done : Exit::integrity;
}

/// A damaged store may end the process that reads it; that is a finding, too.
Exit run_verify(const CommandLine& line, const Arguments& a) {
  const AuditVerifyOptions options{.directory = line.data(), .threads = a.threads, .vkey = given(a.vkey)};
  const auto code = run_isolated([&] { return finish(audit_verify(options), line.format()); });
  return code ? *code : finish(unreadable_store("a reader that was ended by a signal"), line.format());
}

Exit run_checkpoint(const CommandLine& line, const Arguments& a) {
  const auto policy = given(a.policy) ? std::optional(read_policy_file(a.policy)) : std::nullopt;
  const auto report = checkpoint_for_auditors(line.data(), policy);
  print(report.json, line.format());
  return report.exit;
}

}  // namespace

void add_audit_commands(CommandLine& line) {
  const auto a = std::make_shared<Arguments>();
  auto* audit = line.add(line.app(), "audit", "check the ledger against its signatures",
                         "daicho audit verify --data ./ledger", nullptr);
  audit->require_subcommand(1);
  auto* verify =
      line.add(*audit, "verify", "re-read every stored byte: signatures, links, tree, checkpoints, projections",
               "daicho audit verify --data ./ledger --vkey ledger.example/accounts+…",
               [&line, a] { return run_verify(line, *a); });
  verify->add_option("--threads", a->threads, "default: all cores")->check(CLI::Range(0U, 1'024U));
  verify->add_option("--vkey", a->vkey, "the first verifier, trusted from elsewhere instead of the directory's own");
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
