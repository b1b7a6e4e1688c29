// tools/audit/report.hpp — what `audit verify` says, as JSON: docs/audit-report.schema.json. Add members; rename none.
#pragma once

#include "commands/decision.hpp"
#include "ledger/damage.hpp"

namespace daicho {

inline constexpr const char* audit_report_format = "daicho-audit-report/1";

Json finding_json(const Finding& finding);
Json report_json(const AuditReport& report, AuditDepth depth);
/// Adds all damage, and the signed checkpoints that contradict each other.
void add_damage(Json& json, const DamageReport& report);

}  // namespace daicho
