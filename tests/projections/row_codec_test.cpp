#include "projections/row_codec.hpp"

#include <doctest/doctest.h>

#include <random>

#include "tests/support/commands_subject.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

template <class T>
requires std::is_integral_v<T>
void change(T& value) { value = static_cast<T>(value + 1); }
void change(bool& value) { value = !value; }
template <class T>
requires std::is_enum_v<T>
void change(T& value) { value = static_cast<T>(static_cast<int>(value) + 1); }
template <std::size_t N, class Tag>
void change(FixedBytes<N, Tag>& value) {
  ++value.bytes[N - 1];
}
void change(std::string& value) { value += "x"; }
void change(RecoveryWeights& value) { ++value.back(); }
template <class T>
void change(std::vector<T>& value) {
  value.emplace_back();
}
template <class T>
void change(std::optional<T>& value) {
  value = value ? std::nullopt : std::optional<T>(T{});
}

std::optional<Account> decode(const Account&, ByteView row) { return decode_account(row); }
std::optional<LedgerState> decode(const LedgerState&, ByteView row) { return decode_ledger(row); }

/// Changes one member after the other; each must change the row, and the row must give the state back.
template <class State, class... Members>
void check_members(const State& state, Members&... members) {
  const auto check_one = [&](auto& member) {
    for (int times = 0; times < 2; ++times) {  // an optional goes both ways
      const std::string before = encode_row(state);
      change(member);
      const std::string after = encode_row(state);
      CHECK(after != before);
      const auto decoded = decode(state, as_bytes(after));
      REQUIRE(decoded);
      CHECK(*decoded == state);
    }
  };
  (check_one(members), ...);
}

Account full_account() {
  Account account;
  account.identity.passwords = {1, 2};
  account.identity.devices.emplace_back();
  account.identity.locations.emplace_back();
  account.proofs.all.resize(2);
  account.proofs.all[1].code.emplace();
  account.proofs.all[1].wrong_guesses = {noon};
  account.block.current.emplace();
  account.block.last.emplace();
  account.windows.open.emplace();
  account.windows.last.emplace();
  account.limits.refusals.by_rule.push_back({405, {noon, noon + 1}});
  account.challenges.open.resize(2);
  account.recoveries.all.resize(2);
  account.recoveries.all[0].fields.resize(2);
  account.recoveries.all[0].link.emplace();
  account.life.mailbox_off.emplace();
  account.life.end.emplace();
  account.keys.live.resize(2);
  account.keys.leaving.resize(2);
  return account;
}

}  // namespace

// The structured bindings below do not compile when a member is added: write it down here and in row_codec.cpp.

SCENARIO("R-LED-3: every member of an account's identity, proofs and challenges is in its row") {
  Account account = full_account();
  {
    auto& [id, head, identity, proofs, block, windows, limits, challenges, recoveries, life, keys] = account;
    auto& [version, position, leaf] = head;
    auto& [all_proofs] = proofs;
    auto& [open] = challenges;
    auto& [all_recoveries] = recoveries;
    check_members(account, id, version, position, leaf, all_proofs, open, all_recoveries, life.has_mailbox);
  }
  {
    auto& [plan, registered_at, registered, profiles, name_confirmed, name_link_id, name_link, name_link_expires_at,
           grade, passwords, password_changed_at, wrong_passwords, two_step, recovery_code, recovery_code_hash,
           wrong_recovery_codes, changed_at, changed, devices, locations, last_sign_in, failed_sign_ins] =
        account.identity;
    check_members(account, plan, registered_at, registered, profiles, name_confirmed, name_link_id, name_link,
                  name_link_expires_at, grade, passwords, password_changed_at, wrong_passwords, two_step, recovery_code,
                  recovery_code_hash, wrong_recovery_codes, changed_at, changed, devices, locations, last_sign_in,
                  failed_sign_ins);
    auto& [tag, last, verified_at, verified] = devices.front();
    check_members(account, tag, last, verified_at, verified);
  }
  {
    auto& [id, kind, status, added, added_at, status_position, status_since, address_tag, confirmation_tag, replacement,
           replaces, code, wrong_guesses, sends, wrong_confirmations, familiar_wrong_confirmations, totp_step, verified,
           sealed_slot] = account.proofs.all.front();
    check_members(account, id, kind, status, added, added_at, status_position, status_since, address_tag,
                  confirmation_tag, replacement, replaces, code, wrong_guesses, sends, wrong_confirmations,
                  familiar_wrong_confirmations, totp_step, verified, sealed_slot);
  }
  {
    auto& [id, challenge, is_link, hash, expires_at] = *account.proofs.all[1].code;
    check_members(account, id, challenge, is_link, hash, expires_at);
  }
  {
    auto& [id, purpose, device_tag, started_at, started, offers, code_sent, passed_at, passed, passed_with] =
        account.challenges.open.front();
    check_members(account, id, purpose, device_tag, started_at, started, offers, code_sent, passed_at, passed,
                  passed_with);
  }
}

SCENARIO("R-LED-3: every member of an account's block, windows and limits is in its row") {
  Account account = full_account();
  {
    auto& [current, last] = account.block;
    auto& [id, reason, by, since, position] = *current;
    check_members(account, id, reason, by, since, position);
    auto& [block, lifted_by, at, lifted] = *last;
    check_members(account, block.id, lifted_by, at, lifted);
    check_members(account, current, last);
  }
  {
    auto& [open, last] = account.windows;
    auto& [id, opened_at, opened, expedited, token_hash, link_hash, confirmed_at, confirmed, effective_at] = *open;
    check_members(account, id, opened_at, opened, expedited, token_hash, link_hash, confirmed_at, confirmed,
                  effective_at);
    auto& [window, outcome, at, position] = *last;
    check_members(account, window.id, outcome, at, position);
    check_members(account, open, last);
  }
  {
    auto& [recoveries, replacements, sends, window_sends, refusals, refusals_counted] = account.limits;
    auto& [by_rule] = refusals;
    check_members(account, recoveries, replacements, sends, window_sends, by_rule, refusals_counted);
    auto& [rule, marks] = by_rule.front();
    check_members(account, rule, marks);
  }
}

SCENARIO("R-LED-3: every member of an account's recoveries and life cycle is in its row") {
  Account account = full_account();
  {
    auto& [id, submitted, submitted_at, reply_due_at, fields, familiar_device, familiar_place, outcome, is_stale,
           decided, decided_at, link, survey_sent] = account.recoveries.all.front();
    auto& [field, result, matched] = fields.front();
    auto& [link_id, hash, expires_at] = *link;
    check_members(account, field, result, matched, link_id, hash, expires_at);
    check_members(account, id, submitted, submitted_at, reply_due_at, fields, familiar_device, familiar_place, outcome,
                  is_stale, decided, decided_at, link, survey_sent);
  }
  {
    auto& [has_mailbox, mailbox_off, end] = account.life;
    auto& [reason, off_at, off_position] = *mailbox_off;
    end->erasure = Erasure{noon, 7};
    auto& [kind, ended_at, ended_position, erased_key, erasure] = *end;
    auto& [erased_at, erased_position] = *erasure;
    check_members(account, reason, off_at, off_position, kind, ended_at, ended_position, erased_key, erased_at,
                  erased_position);
    check_members(account, has_mailbox, mailbox_off, end);
  }
  {
    auto& [live, leaving, next_slot] = account.keys;
    auto& [slot, purpose, destination, unneeded_since] = live.front();
    auto& [left_slot, fingerprint, left_at, left_position] = leaving.front();
    check_members(account, slot, purpose, destination, unneeded_since, left_slot, fingerprint, left_at, left_position,
                  live, leaving, next_slot);
  }
}

SCENARIO("R-LED-3 R-LED-4: every member of the ledger's state and policy is in its row") {
  LedgerState ledger;
  ledger.services.resize(2);
  ledger.refusals.by_rule.push_back({711, {noon}});
  auto& [head, origin, simulated_clock, created_at, policy, digests_at, digests_time, services, refusals,
         lookup_rotations] = ledger;
  check_members(ledger, head.version, head.position, head.leaf, origin, simulated_clock, created_at, digests_at,
                digests_time, services, refusals.by_rule, lookup_rotations);
  check_members(ledger, refusals.by_rule.front().rule, refusals.by_rule.front().marks);
  auto& [id, name, roles, public_key, token_hash, registered, registered_at, revoked_at] = services.front();
  check_members(ledger, id, name, roles, public_key, token_hash, registered, registered_at, revoked_at);
  auto& [version, min_proofs, code_digits, code_ttl, link_ttl, guesses, codes, confirmations, challenge_ttl,
         step_up_ttl, password_min, password_max, password_classes, strong_classes, password_history, passes, memory,
         replacement_days, replacements_per_day, recovery_per_day, reply_hours, survey_days, reset_link_ttl, min_fields,
         threshold, values_counted, not_registered_percent, familiar_device, familiar_place, mailbox_inactive,
         mailbox_first, account_inactive, proof_retention, account_retention, recorded_refusals, accesses, day_kind,
         day_zone, subject_match, reuse, disclose, weights, routes, domains] = policy;
  check_members(ledger, version, min_proofs, code_digits, code_ttl, link_ttl, guesses, codes, confirmations,
                challenge_ttl, step_up_ttl, password_min, password_max, password_classes, strong_classes,
                password_history, passes, memory, replacement_days, replacements_per_day, recovery_per_day, reply_hours,
                survey_days, reset_link_ttl, min_fields, threshold, values_counted, not_registered_percent,
                familiar_device, familiar_place, mailbox_inactive, mailbox_first, account_inactive, proof_retention,
                accesses, account_retention, recorded_refusals, day_kind, day_zone, subject_match, reuse, disclose,
                weights, routes, domains);
}

SCENARIO("R-LED-3: equal states give equal rows, and a real account comes back whole") {
  Subject subject = owner();
  for (const Past& step : {recovery_code(60), blocked("suspected_intrusion"), passed(fb::Purpose::unblock, 61),
                           marked_lost(70), proposed(70, "new@example.org"), confirmed(70)}) {
    step(subject);
  }
  const std::string row = encode_row(subject.folded());
  const auto decoded = decode_account(as_bytes(row));
  REQUIRE(decoded);
  CHECK(*decoded == subject.folded());
  CHECK(encode_row(*decoded) == row);
}

SCENARIO("R-LED-3: a truncated, extended or altered row is no row, and never a crash") {
  const std::string row = encode_row(full_account());
  int accepted = 0;
  for (std::size_t size = 0; size < row.size(); ++size) {
    accepted += decode_account(as_bytes(std::string_view(row).substr(0, size))).has_value();
  }
  for (const char tail : {'\0', 'x'}) accepted += decode_account(as_bytes(row + tail)).has_value();
  for (std::size_t i = 0; i < row.size(); ++i) {
    for (const unsigned bit : {1U, 0x10U, 0x80U}) {
      std::string altered = row;
      altered[i] = static_cast<char>(static_cast<unsigned char>(altered[i]) ^ bit);
      accepted += decode_account(as_bytes(altered)).has_value();
    }
  }
  CHECK(accepted == 0);
  CHECK(!decode_ledger(as_bytes(row)));
  CHECK(!decode_account(as_bytes(encode_row(LedgerState()))));
}

SCENARIO("R-LED-3: bytes that are no row at all") {
  std::mt19937_64 random(20'260'301);
  int accepted = 0;
  for (int i = 0; i < 2'000; ++i) {
    std::string bytes(random() % 400, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    accepted += decode_account(as_bytes(bytes)).has_value() + decode_ledger(as_bytes(bytes)).has_value();
  }
  CHECK(accepted == 0);
}
