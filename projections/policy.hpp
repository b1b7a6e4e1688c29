// projections/policy.hpp — the policy in force: every number of the documents is a named parameter here (rulebook,
// section 12). A PolicyAdopted event carries the whole set, so that a replay never depends on this code's defaults
// (R-LED-4).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "ledger/event.hpp"

namespace daicho {

struct Policy {
  std::uint32_t version = 0;

  std::int64_t min_proofs = 2;
  std::int64_t code_digits = 7;
  std::int64_t code_ttl_seconds = 600;
  std::int64_t link_ttl_seconds = 86'400;
  std::int64_t max_code_guesses = 5;           // an hour, per account and proof
  std::int64_t max_codes_per_hour = 5;         // per proof; twice that per account
  std::int64_t max_contact_confirmations = 5;  // wrong ones a day
  std::int64_t challenge_ttl_seconds = 3'600;
  std::int64_t step_up_ttl_seconds = 900;
  std::int64_t password_min = 8;
  std::int64_t password_max = 16;
  std::int64_t password_classes = 2;
  std::int64_t strong_classes = 3;
  std::int64_t password_history = 10;
  std::int64_t argon2_passes = 2;
  std::int64_t argon2_memory_kib = 19'456;
  std::int64_t replacement_days = 30;
  std::int64_t recovery_per_day = 2;
  std::int64_t recovery_reply_hours = 24;
  std::int64_t recovery_min_fields = 3;
  std::int64_t recorded_refusals_per_hour = 10;  // of one rule and account; more are counted (R-LED-1)
  std::string day_kind = "calendar_day";
  std::string day_zone = "Asia/Tokyo";
  std::vector<std::string> routes = {"secret_question", "security_code", "recovery_code", "recovery_form"};
  std::vector<std::string> provider_domains = {"outlook.com", "outlook.jp", "hotmail.com", "hotmail.co.jp",
                                               "live.com",    "live.jp",    "msn.com"};

  bool operator==(const Policy&) const = default;
};

/// What may be set, and within which bounds. Texts: exactly one value from `allowed`, or a list when `is_list`.
struct PolicyNumber {
  const char* name;
  std::int64_t Policy::*field;
  std::int64_t min, max;
};
struct PolicyText {
  const char* name;
  std::string Policy::*field;
  std::vector<std::string> allowed;  ///< empty: a time zone name
};
struct PolicyList {
  const char* name;
  std::vector<std::string> Policy::*field;
  std::vector<std::string> allowed;  ///< empty: domain names
};
std::span<const PolicyNumber> policy_numbers();
std::span<const PolicyText> policy_texts();
std::span<const PolicyList> policy_lists();

/// The ledger's own state: what its own account's events say.
struct LedgerState {
  AccountHead head;
  std::string origin;
  bool simulated_clock = false;
  Policy policy;
  Position digests_at = 0;  ///< size the newest ProjectionDigestsRecorded speaks of
  Time digests_time = 0;    ///< when that was, or the ledger's first instant
  bool operator==(const LedgerState&) const = default;
};

void evolve(LedgerState& ledger, const Event& event, const Hash& leaf);

/// The payload that adopts this policy, all parameters in table order.
fb::PolicyAdoptedT adopt(const Policy& policy);
Policy read_policy(const fb::PolicyAdopted& adopted);

}  // namespace daicho
