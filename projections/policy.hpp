// projections/policy.hpp — the policy in force: every number of the documents is a named parameter here (rulebook,
// section 12). A PolicyAdopted event carries the whole set, so that a replay never depends on this code's defaults
// (R-LED-4).
#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include "ledger/event.hpp"
#include "projections/marks.hpp"

namespace daicho {

/// Points that a matching answer earns, by field (fb::RecoveryField); [0] is not used.
using RecoveryWeights = std::array<std::int64_t, static_cast<std::size_t>(fb::RecoveryField::MAX) + 1>;
inline constexpr RecoveryWeights default_recovery_weights = {
    0,  4,  4,  6,  1, 2, 6,  // surname, given name, birth date, country, region, postal code
    30,                       // a password used before, once
    10, 10, 8,                // mail: subjects, folders, recipients
    15, 3,  12, 8,            // billing: prepaid card, name on card, its last four, its expiry
    4,  6,  6,  10,           // Skype: id, contacts, phones, purchases
    15};                      // console

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
  std::int64_t max_replacements_per_day = 5;  // opened: each is told to every proof
  std::int64_t recovery_per_day = 2;
  std::int64_t recovery_reply_hours = 24;
  std::int64_t survey_days = 3;
  std::int64_t reset_link_ttl_seconds = 86'400;
  std::int64_t recovery_min_fields = 3;
  std::int64_t recovery_threshold = 70;  // points; docs/recovery-scoring.md argues for these and the weights
  std::int64_t recovery_values_counted = 2;
  std::int64_t recovery_not_registered_percent = 10;
  std::int64_t recovery_familiar_device = 15;
  std::int64_t recovery_familiar_place = 5;
  std::int64_t mailbox_inactive_days = 270;
  std::int64_t mailbox_first_sign_in_days = 10;
  std::int64_t account_inactive_days = 365;
  std::int64_t removed_proof_retention_days = 90;  // then its address is erased
  std::int64_t expired_account_retention_days = 90;
  std::int64_t recorded_refusals_per_hour = 10;  // of one rule and account; more are counted (R-LED-1)
  std::int64_t accesses_per_day = 50;            // of one investigator; docs/decisions/0026-access.md argues for it
  std::string day_kind = "calendar_day";
  std::string day_zone = "Asia/Tokyo";
  std::string subject_match = "outline";
  std::string sign_in_name_reuse = "never";
  bool disclose_account_existence = false;
  RecoveryWeights recovery_weights = default_recovery_weights;
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
struct PolicyFlag {
  const char* name;
  bool Policy::*field;
};
std::span<const PolicyNumber> policy_numbers();
std::span<const PolicyText> policy_texts();
std::span<const PolicyList> policy_lists();
std::span<const PolicyFlag> policy_flags();
inline constexpr const char* recovery_weights_name = "recovery_weights";
inline constexpr std::int64_t recovery_weight_max = 1'000;

/// A service that may issue commands, and in which roles.
struct Service {
  Id id;
  std::string name;
  std::vector<fb::Role> roles;
  std::vector<std::uint8_t> public_key;  ///< Ed25519; empty: it does not sign
  Tag16 token_hash;
  Position registered = 0;
  Time registered_at = 0;
  std::optional<Time> revoked_at;
  bool operator==(const Service&) const = default;
};

/// The ledger's own state: what its own account's events say.
struct LedgerState {
  AccountHead head;
  std::string origin;
  bool simulated_clock = false;
  Time created_at = 0;
  Policy policy;
  Position digests_at = 0;        ///< size the newest ProjectionDigestsRecorded speaks of
  Time digests_time = 0;          ///< when that was, or the ledger's first instant
  std::vector<Service> services;  ///< in the order they were registered, revoked ones too
  RefusalMarks refusals;          ///< of the ledger's own commands, and of those that name no account
  std::uint32_t lookup_rotations = 0;
  bool operator==(const LedgerState&) const = default;

  /// Of this name and not revoked; null: none.
  const Service* find_service(std::string_view name) const;
};

void evolve(LedgerState& ledger, const Event& event, const Hash& leaf);

/// The payload that adopts this policy, all parameters in table order.
fb::PolicyAdoptedT adopt(const Policy& policy);
Policy read_policy(const fb::PolicyAdopted& adopted);

}  // namespace daicho
