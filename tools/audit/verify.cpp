#include "tools/audit/verify.hpp"

#include "ledger/audit.hpp"
#include "ledger/exported_log.hpp"
#include "projections/replay.hpp"
#include "tools/audit/report.hpp"
#include "tools/keys/master_place.hpp"
#include "tools/ledger_files.hpp"
#include "tools/log_files.hpp"
#include "tools/output.hpp"

namespace daicho {

namespace {

bool is_export(const std::filesystem::path& directory) {
  return !is_ledger(directory) && std::filesystem::exists(directory / "tile");
}

/// What an auditor kept must be able to speak against the log; else the file is wrong, not the log.
void check_known(const LogSource& source, const Verifier& first, const std::vector<KnownCheckpoint>& known) {
  KeyHistory keys(first);
  std::ignore = read_key_history(source, keys);  // the audit says what is wrong with it
  for (const KnownCheckpoint& each : known) {
    if (const auto words = refute_note(keys, each.note)) throw Failure(Exit::usage, each.from + ": " + *words);
  }
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
AuditVerifyResult finish(const AuditReport& report, AuditDepth depth, const std::string& projections) {
  AuditVerifyResult result{report_json(report, depth), !report.first_finding, report.first_finding};
  result.report["projections"] = result.is_clean ? projections : "not reached";
  return result;
}

}  // namespace

AuditVerifyResult unreadable_store(const std::string& found) {
  const Finding finding{FindingKind::unreadable, 0, Id{}, "a store that opens", found};
  return {{{"result", "violated"}, {"finding", finding_json(finding)}}, false, finding};
}

namespace {

/// Null, and why, where the auditor has none by intention, or the ledger's own rows are damaged, which the audit finds.
/// One that is given and wrong is a Failure.
std::unique_ptr<KeyRing> keys_for_audit(const AuditedStore& audited, std::vector<std::string>& left_out) {
  const auto leave_out = [&](const std::string& why) {
    left_out.push_back("sealed parts, signatures of services and sign-in names are not checked: " + why);
    return nullptr;
  };
  if (const auto why = no_master_here(audited.keys)) return leave_out(*why);
  auto found = find_keys(audited.keys, audited.store);
  if (found) return std::move(found->ring);
  const Failure failure = failure_of(found.error());
  if (failure.exit != Exit::integrity && !audited.is_backup) throw failure;
  return leave_out(failure.what());
}

}  // namespace

AuditVerifyResult audit_store(const AuditedStore& audited) {
  std::vector<std::string> left_out;
  const std::unique_ptr<KeyRing> keys = keys_for_audit(audited, left_out);
  Replay replay(audited.store, keys.get());
  Progress progress("audit");
  const bool has_replay = audited.depth == AuditDepth::projections;
  const AuditOptions audit_options{
      .threads = audited.threads,
      .depth = audited.depth,
      .known = audited.known,
      .keys = keys.get(),
      .on_event =
          [&](const Event& event, const Hash& leaf) {
            if (has_replay) replay.apply(event, leaf);
            if (audited.on_event) audited.on_event(event, leaf);
          },
      .progress = [&](std::uint64_t done, std::uint64_t total) { progress.at(done, total); }};
  AuditReport report = audit_log(audited.store, audited.verifier, audit_options);
  if (!report.first_finding && !audited.trouble.empty()) {
    report.first_finding =
        Finding{FindingKind::unreadable, report.events, Id{}, "a store that opens without loss", audited.trouble};
  }
  if (!report.first_finding && has_replay) report.first_finding = projection_finding(audited.store, replay);
  report.warnings.insert(report.warnings.end(), left_out.begin(), left_out.end());
  AuditVerifyResult result = finish(report, audited.depth, has_replay ? "equal to their replay" : "not asked for");
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
  check_known(**source, first, options.known);
  const AuditDepth depth = std::min(options.depth, AuditDepth::signatures);
  Progress progress("audit");
  AuditReport report =
      audit_log(**source, first,
                {.threads = options.threads,
                 .depth = depth,
                 .known = options.known,
                 .progress = [&](std::uint64_t done, std::uint64_t total) { progress.at(done, total); }});
  if (options.keys.empty())
    report.warnings.push_back("no --vkey: the key is what the export says of itself, " + first.vkey());
  return finish(report, depth, "not in an export");
}

AuditVerifyResult verify_ledger(const AuditVerifyOptions& options) {
  const Verifier first = options.keys.empty() ? read_verifier(options.directory) : options.keys.front();
  std::string trouble;
  const auto store = open_for_audit(options.directory, trouble);
  if (!store && store.error().fault != StoreFault::corrupt) fail(store.error());
  if (!store) return unreadable_store(store.error().detail);  // not even salvageable: its own files are broken
  check_known(**store, first, options.known);
  return audit_store({.store = **store,
                      .verifier = first,
                      .keys = options.directory,
                      .threads = options.threads,
                      .depth = options.depth,
                      .known = options.known,
                      .trouble = trouble});
}

}  // namespace

AuditVerifyResult audit_verify(const AuditVerifyOptions& options) {
  return is_export(options.directory) ? verify_export(options) : verify_ledger(options);
}

void explain_violation(const AuditVerifyOptions& options, AuditVerifyResult& result) {
  std::string trouble;
  std::unique_ptr<LogSource> source, copy;
  if (is_export(options.directory)) {
    source = value_or_fail(ExportedLog::open(options.directory));
  } else {
    source = value_or_fail(open_for_audit(options.directory, trouble));
  }
  if (!options.copy.empty()) {
    try {
      copy = open_log(options.copy);
    } catch (const Failure& failure) {
      result.report["warnings"].push_back(options.copy.string() + " cannot serve as a copy: " + failure.what());
    }
  }
  const Verifier first = first_verifier(options.directory, *source, options.keys);
  Progress progress("damage");
  DamageSearch search{.source = *source,
                      .verifier = first,
                      .known = options.known,
                      .copy = copy.get(),
                      .progress = [&](std::uint64_t done, std::uint64_t total) { progress.at(done, total); }};
  if (source->published()) search.known.push_back({"the published checkpoint", *source->published()});
  add_damage(result.report, find_damage(search, *result.finding));
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
    return {std::move(json), true, std::nullopt};
  }
  const ReadableLedger ledger = open_for_reading(directory);
  Replay replay(*ledger.store, ledger.keys.get());
  if (auto error = replay_log(*ledger.store, replay, show)) fail(*error);
  const auto finding = projection_finding(*ledger.store, replay);
  Json json = {{"result", finding ? "different" : "equal"},
               {"events", replay.events()},
               {"accounts", replay.accounts()},
               {"sign_in_names", replay.covers_lookup() ? "compared" : "not compared: no master key"}};
  if (finding) json["finding"] = finding_json(*finding);
  return {std::move(json), !finding, finding};
}

}  // namespace daicho
