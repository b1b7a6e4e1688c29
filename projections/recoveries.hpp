// projections/recoveries.hpp — submissions of the recovery form: what matched, the outcome, the reset link, the survey
// (R-REC-3…10). No value of an answer is here.
#pragma once

#include "ledger/event.hpp"

namespace daicho {

inline constexpr std::size_t finished_recoveries_kept_max = 16;

/// One field of the form, compared with what was ever true for the account.
struct FieldMatch {
  fb::RecoveryField field = fb::RecoveryField::none;
  fb::FieldResult result = fb::FieldResult::blank;
  std::uint8_t matched = 0;  ///< how many of the values; of `not_registered`, 0
  bool operator==(const FieldMatch&) const = default;
};

enum class RecoveryOutcome : std::uint8_t { pending, verified, not_verified };

/// The link that follows a verified recovery (R-REC-8).
struct ResetLink {
  Id id;
  Tag16 hash;
  Time expires_at = 0;
  bool operator==(const ResetLink&) const = default;
};

struct Recovery {
  Id id;
  Position submitted = 0;
  Time submitted_at = 0;
  Time reply_due_at = 0;
  std::vector<FieldMatch> fields;
  bool familiar_device = false, familiar_place = false;
  RecoveryOutcome outcome = RecoveryOutcome::pending;
  bool is_stale = false;  ///< the account was recovered otherwise, or changed, since it was submitted
  std::optional<Position> decided;
  Time decided_at = 0;
  std::optional<ResetLink> link;  ///< until it is used or voided
  bool survey_sent = false;
  bool operator==(const Recovery&) const = default;

  bool is_finished() const { return outcome != RecoveryOutcome::pending && survey_sent && !link; }
};

struct Recoveries {
  std::vector<Recovery> all;  ///< oldest first; of the finished only the newest
  bool operator==(const Recoveries&) const = default;

  const Recovery* find(const Id& id) const;
};

void evolve(Recoveries& recoveries, const Event& event);
/// Whether after this event no earlier form or reset link counts.
bool supersedes(const Event& event);
/// A password set since, proofs replaced, two-step verification on or a block: no earlier form or reset link counts.
void void_open(Recoveries& recoveries);

}  // namespace daicho
