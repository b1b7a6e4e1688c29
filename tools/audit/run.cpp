#include "tools/audit/run.hpp"

#include "ledger/checkpoint.hpp"
#include "ledger/files.hpp"
#include "tools/audit/report.hpp"
#include "tools/ledger_files.hpp"
#include "tools/log_files.hpp"
#include "tools/output.hpp"

namespace daicho {

namespace {

namespace fs = std::filesystem;

/// A checkpoint that the auditor kept.
struct Seen {
  fs::path file;
  std::string note;
  Checkpoint checkpoint;  ///< what it claims: the audit verifies its signature
};

std::optional<Checkpoint> claimed_by(const std::string& note) {
  const auto parsed = parse_note(note);
  return parsed ? parse_checkpoint_text(parsed->text) : std::nullopt;
}

std::optional<Seen> read_seen(const fs::path& file, bool must_be_there) {
  if (file.empty()) return std::nullopt;
  auto note = read_given_file(file, note_bytes_max);
  if (!note && must_be_there) throw Failure(Exit::usage, file.string() + ": cannot be read");
  if (!note) return std::nullopt;
  const auto checkpoint = claimed_by(*note);
  if (!checkpoint) throw Failure(Exit::usage, file.string() + ": not a checkpoint");
  return Seen{file, *std::move(note), *checkpoint};
}

/// Hands over the answer first, so that it is there even when the search for damage meets what ends a process.
Exit audit_and_tell(const AuditVerifyOptions& options, const Tell& tell) {
  AuditVerifyResult result;
  try {
    result = audit_verify(options);
  } catch (const Failure& failure) {
    if (failure.exit != Exit::integrity) throw;
    result = unreadable_store(failure.what());
  }
  tell(json_text(result.report));
  if (result.is_clean) return Exit::done;
  try {
    explain_violation(options, result);
  } catch (const std::exception& failure) {  // of any kind: the verdict stands
    result.report["warnings"].push_back(std::string("what happened cannot be told: ") + failure.what());
  }
  tell(json_text(result.report));
  return Exit::integrity;
}

/// Nothing was told: the log is not there, is locked, or its reader was ended.
Json unanswered(const Isolated& ended) {
  if (!ended.exit) return unreadable_store("a reader that was ended by a signal").report;
  return {{"result", "no answer"}};
}

/// The log's checkpoints that contradict what was seen before go beside it, under names that say what they are.
void keep_evidence(const fs::path& state, const std::vector<Seen>& seen, Json& report) {
  for (Json& each : report["evidence"]) {
    const std::string note = each["note"];
    const auto checkpoint = claimed_by(note);
    const bool is_seen = std::ranges::any_of(seen, [&](const Seen& one) { return one.note == note; });
    if (is_seen || !checkpoint) continue;
    const fs::path file = state.string() + ".conflict-" + std::to_string(checkpoint->size) + "-" +
                          to_hex(checkpoint->root.view()).substr(0, 8);
    if (const auto error = replace_file_durably(fs::absolute(file), note)) fail(*error);
    each["kept"] = file.string();
  }
}

/// The evidence, where the log ended, and the report. What fails here takes nothing from the verdict.
Exit keep(const AuditRun& run, const std::vector<Seen>& seen, Json& report) {
  const auto write = [](const fs::path& file, const std::string& content) {
    if (const auto error = replace_file_durably(fs::absolute(file), content)) fail(*error);
  };
  if (report.contains("evidence") && !run.state.empty()) keep_evidence(run.state, seen, report);
  if (report["result"] == "intact" && !run.state.empty()) write(run.state, report["checkpoint"].get<std::string>());
  if (!run.report.empty()) write(run.report, report.dump(2) + "\n");
  return Exit::done;
}

}  // namespace

Exit run_audit(const AuditRun& run, Format format) {
  if (!run.report.empty() && (run.report == run.state || run.report == run.since))
    throw Failure(Exit::usage, "--report: another file than the checkpoint's is wanted");
  AuditVerifyOptions options = run.audit;
  std::vector<Seen> seen;
  if (auto since = read_seen(run.since, true)) seen.push_back(*std::move(since));
  if (auto state = read_seen(run.state, false)) seen.push_back(*std::move(state));
  for (const Seen& each : seen) options.known.push_back({each.file.string(), each.note});

  const Isolated ended = run_isolated_telling([&](const Tell& tell) { return audit_and_tell(options, tell); });
  Json report = {{"format", audit_report_format}};
  const bool is_told = !ended.told.empty();
  const bool is_there = is_ledger(options.directory) || fs::exists(options.directory / "checkpoint");
  const bool is_wrong_use = (ended.exit == Exit::usage || ended.exit == Exit::not_permitted) && is_there;
  if (!is_told && ended.exit && (seen.empty() || is_wrong_use)) return *ended.exit;
  report.update(is_told ? Json::parse(ended.told) : unanswered(ended));
  if (is_told && !ended.exit) report["warnings"].push_back("a search for what happened was ended by a signal");
  for (const Seen& each : seen)
    report["since"].push_back({{"file", each.file.string()}, {"size", each.checkpoint.size}});
  const bool is_intact = report["result"] == "intact";
  const Exit verdict = is_intact ? Exit::done : report["result"] == "violated" ? Exit::integrity : Exit::unavailable;
  const Exit kept = run_guarded([&] { return keep(run, seen, report); });
  print(report, format);
  return verdict == Exit::done ? kept : verdict;
}

}  // namespace daicho
