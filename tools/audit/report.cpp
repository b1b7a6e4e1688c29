#include "tools/audit/report.hpp"

namespace daicho {

Json finding_json(const Finding& finding) {
  Json json = {{"kind", name(finding.kind)}, {"position", finding.position}};
  if (!finding.account.is_zero()) json["account"] = to_text(finding.account);
  json["expected"] = finding.expected;
  json["found"] = finding.found;
  return json;
}

namespace {

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

std::optional<std::string> pending_warning(const AuditReport& report) {
  if (report.erasures_pending == 0) return std::nullopt;
  return "erasures that came after the backup are pending: " + std::to_string(report.erasures_pending) +
         ", by events that the ledger's keys signed and this log does not have; their keys are gone, and "
         "`daicho restore --accept` records it";
}

}  // namespace

Json report_json(const AuditReport& report, AuditDepth depth) {
  Json json = {{"result", report.first_finding ? "violated" : "intact"},
               {"depth", name(depth)},
               {"events", report.events},
               {"bytes", report.bytes},
               {"signatures", report.signatures},
               {"checkpoints", report.checkpoints},
               {"accounts", report.accounts},
               {"sealed_opened", report.sealed_opened},
               {"sealed_without_key", report.sealed_without_key},
               {"sealed_erased", report.sealed_erased}};
  if (report.erasures + report.erasures_open + report.erasures_pending > 0)
    json["erasures"] = {{"completed", report.erasures}, {"not_completed", report.erasures_open}};
  if (report.erasures_pending > 0) json["erasures"]["pending"] = report.erasures_pending;
  if (report.requests_verified + report.requests_unopened + report.requests_erased > 0) {
    json["service_signatures"] = {{"verified", report.requests_verified},
                                  {"not_opened", report.requests_unopened},
                                  {"erased", report.requests_erased}};
  }
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
  if (auto cut = cut_warning(report)) json["warnings"].push_back(*std::move(cut));
  if (auto pending = pending_warning(report)) json["warnings"].push_back(*std::move(pending));
  for (const std::string& warning : report.warnings) json["warnings"].push_back(warning);
  if (report.first_finding) json["finding"] = finding_json(*report.first_finding);
  json["checkpoint"] = report.last_checkpoint;
  return json;
}

namespace {

Json changes_json(const std::vector<ByteChange>& changes) {
  Json json = Json::array();
  for (const ByteChange& change : changes) {
    json.push_back({{"offset", change.offset},
                    {"expected", to_hex(as_bytes(change.expected))},
                    {"found", to_hex(as_bytes(change.found))}});
  }
  return json;
}

Json damage_json(const Damage& damage) {
  Json json = {{"class", name(damage.what)}, {"thing", name(damage.thing)}, {"first", damage.first},
               {"last", damage.last},        {"expected", damage.expected}, {"found", damage.found},
               {"accounts", Json::array()}};
  for (const Id& account : damage.accounts) json["accounts"].push_back(to_text(account));
  if (!damage.changes.empty()) json["changes"] = changes_json(damage.changes);
  return json;
}

}  // namespace

void add_damage(Json& json, const DamageReport& report) {
  json["damage"] = Json::array();
  for (const Damage& damage : report.found) json["damage"].push_back(damage_json(damage));
  json["damage_total"] = report.total;
  json["measured"] = report.measured;
  for (const KnownCheckpoint& each : report.evidence)
    json["evidence"].push_back({{"from", each.from}, {"note", each.note}});
}

}  // namespace daicho
