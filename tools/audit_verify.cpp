#include "tools/audit_verify.hpp"

#include "ledger/audit.hpp"
#include "ledger/exported_log.hpp"
#include "projections/replay.hpp"
#include "tools/ledger_files.hpp"
#include "tools/log_files.hpp"
#include "tools/output.hpp"

namespace daicho {

namespace {

Json finding_json(const Finding& finding) {
  Json json = {{"kind", name(finding.kind)}, {"position", finding.position}};
  if (!finding.account.is_zero()) json["account"] = to_text(finding.account);
  json["expected"] = finding.expected;
  json["found"] = finding.found;
  return json;
}

std::uint64_t missing_events(const AcceptedRestore& restore) {
  return restore.known_size > restore.position ? restore.known_size - restore.position : 0;
}

/// What was cut off before a restore is gone for good: intact, and to be said.
std::optional<std::string> cut_warning(const AuditReport& report) {
  std::uint64_t events = 0, cuts = 0;
  for (const AcceptedRestore& restore : report.restores) {
    events += missing_events(restore);
    cuts += missing_events(restore) > 0 ? 1 : 0;
  }
  if (cuts == 0) return std::nullopt;
  return "history was cut " + std::to_string(cuts) + " times by accepted restores: " + std::to_string(events) +
         " events that were known to have existed are missing";
}

Json report_json(const AuditReport& report) {
  Json json = {{"result", report.first_finding ? "violated" : "intact"},
               {"events", report.events},
               {"bytes", report.bytes},
               {"signatures", report.signatures},
               {"checkpoints", report.checkpoints},
               {"accounts", report.accounts},
               {"sealed_opened", report.sealed_opened},
               {"sealed_without_key", report.sealed_without_key},
               {"sealed_erased", report.sealed_erased}};
  if (report.erasures + report.erasures_open > 0)
    json["erasures"] = {{"completed", report.erasures}, {"not_completed", report.erasures_open}};
  if (report.rotations > 0) json["key_rotations"] = report.rotations;
  for (const AcceptedRestore& restore : report.restores) {
    Json cut = {{"position", restore.position}, {"events_missing", missing_events(restore)}};
    if (missing_events(restore) > 0) {
      cut["missing_from"] = restore.position;
      cut["missing_to"] = restore.known_size - 1;
    }
    json["restores"].push_back(std::move(cut));
  }
  if (report.events > 0) {
    json["first_time"] = to_rfc3339(report.first_time);
    json["last_time"] = to_rfc3339(report.last_time);
  }
  if (!report.warnings.empty()) json["warnings"] = report.warnings;
  return json;
}

/// What the replay says against the stored projections, as a finding.
std::optional<Finding> projection_finding(const Store& store, const Replay& replay) {
  if (const auto wrong = replay.wrong_digest()) {
    return Finding{FindingKind::projection, *wrong, Id{}, "the digest recorded in this event",
                   "another digest from the events before it"};
  }
  const auto difference = first_difference(store, replay);
  if (!difference)
    return Finding{FindingKind::unreadable, replay.events(), Id{}, "readable projection rows",
                   difference.error().detail};
  if (!*difference) return std::nullopt;
  return Finding{FindingKind::projection, replay.events(), Id{}, "rows equal to the replayed ones",
                 describe(**difference)};
}

Result<std::unique_ptr<Store>, StoreError> open_for_audit(const std::filesystem::path& directory,
                                                          std::string& trouble) {
  auto store = Store::open(directory, Store::Mode::read);
  if (store || store.error().fault != StoreFault::corrupt) return store;
  trouble = store.error().detail;
  return Store::open(directory, Store::Mode::salvage);
}

/// The report of a log that was audited, and what else was found about it.
AuditVerifyResult finish(AuditReport report, const std::string& projections) {
  if (auto cut = cut_warning(report)) report.warnings.push_back(*std::move(cut));
  AuditVerifyResult result{report_json(report), !report.first_finding};
  result.report["projections"] = result.is_clean ? projections : "not reached";
  if (report.first_finding) result.report["finding"] = finding_json(*report.first_finding);
  result.report["checkpoint"] = report.last_checkpoint;
  return result;
}

}  // namespace

AuditVerifyResult unreadable_store(const std::string& found) {
  const Finding finding{FindingKind::unreadable, 0, Id{}, "a store that opens", found};
  return {{{"result", "violated"}, {"finding", finding_json(finding)}}, false};
}

AuditVerifyResult audit_store(const AuditedStore& audited) {
  std::unique_ptr<KeyRing> keys;
  std::vector<std::string> left_out;
  try {
    keys = read_keys(audited.keys, audited.store);
  } catch (const Failure& failure) {
    left_out.push_back(std::string("sealed parts and sign-in names are not checked: ") + failure.what());
  }
  Replay replay(audited.store, keys.get());
  Progress progress("audit");
  const AuditOptions audit_options{
      .threads = audited.threads,
      .keys = keys.get(),
      .on_event =
          [&](const Event& event, const Hash& leaf) {
            replay.apply(event, leaf);
            if (audited.on_event) audited.on_event(event, leaf);
          },
      .progress = [&](std::uint64_t done, std::uint64_t total) { progress.at(done, total); }};
  AuditReport report = audit_log(audited.store, audited.verifier, audit_options);
  if (!report.first_finding && !audited.trouble.empty()) {
    report.first_finding =
        Finding{FindingKind::unreadable, report.events, Id{}, "a store that opens without loss", audited.trouble};
  }
  if (!report.first_finding) report.first_finding = projection_finding(audited.store, replay);
  report.warnings.insert(report.warnings.end(), left_out.begin(), left_out.end());
  AuditVerifyResult result = finish(std::move(report), "equal to their replay");
  if (!result.is_clean && !audited.trouble.empty()) result.report["store"] = audited.trouble;
  return result;
}

namespace {

AuditVerifyResult verify_export(const AuditVerifyOptions& options) {
  auto source = ExportedLog::open(options.directory);
  if (!source && source.error().fault == StoreFault::not_found)
    throw Failure(Exit::usage, options.directory.string() + ": neither a ledger nor an export of one");
  if (!source) return unreadable_store(source.error().detail);
  const Verifier first = first_verifier(options.directory, **source, options.keys);
  Progress progress("audit");
  AuditReport report =
      audit_log(**source, first, {.threads = options.threads, .progress = [&](std::uint64_t done, std::uint64_t total) {
                                    progress.at(done, total);
                                  }});
  const auto bad = report.first_finding ? std::nullopt : (*source)->first_bad_partial();
  if (bad) {
    const FindingKind kind = bad->is_bundle ? FindingKind::unreadable : FindingKind::tile;
    report.first_finding = Finding{kind, bad->position, Id{}, "files as they were written", bad->words};
  }
  if (options.keys.empty())
    report.warnings.push_back("no --vkey: the key is what the export says of itself, " + first.vkey());
  return finish(std::move(report), "not in an export");
}

AuditVerifyResult verify_ledger(const AuditVerifyOptions& options) {
  const Verifier first = options.keys.empty() ? read_verifier(options.directory) : options.keys.front();
  std::string trouble;
  const auto store = open_for_audit(options.directory, trouble);
  if (!store && store.error().fault != StoreFault::corrupt) fail(store.error());
  if (!store) return unreadable_store(store.error().detail);  // not even salvageable: its own files are broken
  return audit_store(
      {.store = **store, .verifier = first, .keys = options.directory, .threads = options.threads, .trouble = trouble});
}

}  // namespace

AuditVerifyResult audit_verify(const AuditVerifyOptions& options) {
  const bool is_export = !is_ledger(options.directory) && std::filesystem::exists(options.directory / "tile");
  return is_export ? verify_export(options) : verify_ledger(options);
}

AuditVerifyResult replay_ledger(const std::filesystem::path& directory, bool with_rebuild) {
  Progress progress("replay");
  const auto show = [&](std::uint64_t done) { progress.at(done); };
  if (with_rebuild) {
    const WritableLedger ledger = open_for_writing(directory, std::nullopt);
    const auto report = rebuild(*ledger.store, *ledger.keys, show);
    if (!report) fail(report.error());
    Json json = {
        {"result", report->difference ? "rebuilt, the stored rows differed" : "rebuilt, the stored rows were equal"},
        {"events", report->events},
        {"accounts", report->accounts},
        {"rows", report->rows}};
    if (report->difference) json["difference"] = describe(*report->difference);
    return {std::move(json), true};
  }
  const ReadableLedger ledger = open_for_reading(directory, std::nullopt);
  Replay replay(*ledger.store, ledger.keys.get());
  if (auto error = replay_log(*ledger.store, replay, show)) fail(*error);
  const auto finding = projection_finding(*ledger.store, replay);
  Json json = {{"result", finding ? "different" : "equal"},
               {"events", replay.events()},
               {"accounts", replay.accounts()},
               {"sign_in_names", replay.covers_names() ? "compared" : "not compared: no master key"}};
  if (finding) json["finding"] = finding_json(*finding);
  return {std::move(json), !finding};
}

}  // namespace daicho
