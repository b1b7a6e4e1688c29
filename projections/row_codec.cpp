#include "projections/row_codec.hpp"

#include <cereal/archives/portable_binary.hpp>
#include <cereal/types/array.hpp>
#include <cereal/types/optional.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>
#include <istream>
#include <sstream>
#include <streambuf>

#include "ledger/sha256.hpp"

namespace daicho {

// Every member of every state struct, in declaration order. row_codec_test.cpp holds that none is forgotten.

template <class A, std::size_t N, class T>
void serialize(A& a, FixedBytes<N, T>& v) {
  a(v.bytes);
}
template <class A>
void serialize(A& a, AccountHead& v) {
  a(v.version, v.position, v.leaf);
}
template <class A>
void serialize(A& a, PendingCode& v) {
  a(v.id, v.challenge, v.is_link, v.hash, v.expires_at);
}
template <class A>
void serialize(A& a, Proof& v) {
  a(v.id, v.kind, v.status, v.added, v.added_at, v.status_position, v.status_since, v.address_tag, v.confirmation_tag,
    v.replacement, v.replaces, v.code, v.wrong_guesses, v.sends, v.wrong_confirmations, v.familiar_wrong_confirmations,
    v.totp_step, v.verified, v.sealed_slot);
}
template <class A>
void serialize(A& a, CurrentProofs& v) {
  a(v.all);
}
template <class A>
void serialize(A& a, Block& v) {
  a(v.id, v.reason, v.by, v.since, v.position);
}
template <class A>
void serialize(A& a, LiftedBlock& v) {
  a(v.block, v.by, v.at, v.position);
}
template <class A>
void serialize(A& a, BlockStatus& v) {
  a(v.current, v.last);
}
template <class A>
void serialize(A& a, Window& v) {
  a(v.id, v.opened_at, v.opened, v.expedited, v.token_hash, v.link_hash, v.confirmed_at, v.confirmed, v.effective_at);
}
template <class A>
void serialize(A& a, ClosedWindow& v) {
  a(v.window, v.outcome, v.at, v.position);
}
template <class A>
void serialize(A& a, PendingWindows& v) {
  a(v.open, v.last);
}
template <class A>
void serialize(A& a, RecordedRefusals& v) {
  a(v.rule, v.marks);
}
template <class A>
void serialize(A& a, RefusalMarks& v) {
  a(v.by_rule);
}
template <class A>
void serialize(A& a, DailyLimits& v) {
  a(v.recoveries, v.replacements, v.sends, v.window_sends, v.refusals, v.refusals_counted);
}
template <class A>
void serialize(A& a, FieldMatch& v) {
  a(v.field, v.result, v.matched);
}
template <class A>
void serialize(A& a, ResetLink& v) {
  a(v.id, v.hash, v.expires_at);
}
template <class A>
void serialize(A& a, Recovery& v) {
  a(v.id, v.submitted, v.submitted_at, v.reply_due_at, v.fields, v.familiar_device, v.familiar_place, v.outcome,
    v.is_stale, v.decided, v.decided_at, v.link, v.survey_sent);
}
template <class A>
void serialize(A& a, Recoveries& v) {
  a(v.all);
}
template <class A>
void serialize(A& a, Erasure& v) {
  a(v.at, v.position);
}
template <class A>
void serialize(A& a, End& v) {
  a(v.kind, v.at, v.position, v.erased_key, v.erasure);
}
template <class A>
void serialize(A& a, MailboxOff& v) {
  a(v.reason, v.at, v.position);
}
template <class A>
void serialize(A& a, LifeCycle& v) {
  a(v.has_mailbox, v.mailbox_off, v.end);
}
template <class A>
void serialize(A& a, DataKey& v) {
  a(v.slot, v.purpose, v.destination, v.unneeded_since);
}
template <class A>
void serialize(A& a, LeavingKey& v) {
  a(v.slot, v.fingerprint, v.at, v.position);
}
template <class A>
void serialize(A& a, DataKeys& v) {
  a(v.live, v.leaving, v.next_slot);
}
template <class A>
void serialize(A& a, Service& v) {
  a(v.id, v.name, v.roles, v.public_key, v.token_hash, v.registered, v.registered_at, v.revoked_at);
}
template <class A>
void serialize(A& a, Challenge& v) {
  a(v.id, v.purpose, v.device_tag, v.started_at, v.started, v.offers, v.code_sent, v.passed_at, v.passed,
    v.passed_with);
}
template <class A>
void serialize(A& a, Challenges& v) {
  a(v.open);
}
template <class A>
void serialize(A& a, Device& v) {
  a(v.tag, v.last_sign_in, v.verified_at, v.verified);
}
template <class A>
void serialize(A& a, Identity& v) {
  a(v.plan, v.registered_at, v.registered, v.profiles, v.name_confirmed, v.name_link_id, v.name_link,
    v.name_link_expires_at, v.grade, v.passwords, v.password_changed_at, v.wrong_passwords, v.two_step, v.recovery_code,
    v.recovery_code_hash, v.wrong_recovery_codes, v.changed_at, v.changed, v.devices, v.locations, v.last_sign_in,
    v.failed_sign_ins);
}
template <class A>
void serialize(A& a, Account& v) {
  a(v.id, v.head, v.identity, v.proofs, v.block, v.windows, v.limits, v.challenges, v.recoveries, v.life, v.keys);
}
template <class A>
void serialize(A& a, Policy& v) {
  a(v.version);
  for (const PolicyNumber& entry : policy_numbers()) a(v.*entry.field);
  for (const PolicyText& entry : policy_texts()) a(v.*entry.field);
  for (const PolicyList& entry : policy_lists()) a(v.*entry.field);
  for (const PolicyFlag& entry : policy_flags()) a(v.*entry.field);
  a(v.recovery_weights);
}
template <class A>
void serialize(A& a, LedgerState& v) {
  a(v.head, v.origin, v.simulated_clock, v.created_at, v.policy, v.digests_at, v.digests_time, v.services, v.refusals,
    v.lookup_rotations);
}

namespace {

constexpr std::size_t row_check_bytes = 8;

template <class State>
constexpr std::string_view row_kind = "account";
template <>
constexpr std::string_view row_kind<LedgerState> = "ledger";

/// Ends a row. Looked at first: the length of a list in a damaged row, or one of another kind, may be any number.
template <class State>
std::string row_check(std::string_view content) {
  const Hash hash = sha256({as_bytes(row_kind<State>), as_bytes(content)});
  return std::string(hash.text().substr(0, row_check_bytes));
}

template <class State>
std::string encode(const State& state) {
  std::ostringstream out;
  cereal::PortableBinaryOutputArchive archive(out);
  archive(fold_version, state);
  std::string row = std::move(out).str();
  row += row_check<State>(row);
  return row;
}

/// Reads in place: the row is not copied.
struct RowBuffer : std::streambuf {
  explicit RowBuffer(std::string_view row) {
    char* begin = const_cast<char*>(row.data());
    setg(begin, begin, begin + row.size());
  }
};

template <class State>
std::optional<State> decode(ByteView row) {
  if (row.size() < row_check_bytes) return std::nullopt;
  const std::string_view content = as_text(row.first(row.size() - row_check_bytes));
  if (as_text(row.last(row_check_bytes)) != row_check<State>(content)) return std::nullopt;
  RowBuffer buffer(content);
  std::istream in(&buffer);
  try {
    cereal::PortableBinaryInputArchive archive(in);
    std::uint32_t version = 0;
    archive(version);
    if (version != fold_version) return std::nullopt;
    State state;
    archive(state);
    if (in.peek() != std::char_traits<char>::eof()) return std::nullopt;
    return state;
  } catch (const std::exception&) {  // cereal's way to say that the bytes end too early or a length is absurd
    return std::nullopt;
  }
}

}  // namespace

std::string encode_row(const Account& account) { return encode(account); }
std::string encode_row(const LedgerState& ledger) { return encode(ledger); }
std::optional<Account> decode_account(ByteView row) { return decode<Account>(row); }
std::optional<LedgerState> decode_ledger(ByteView row) { return decode<LedgerState>(row); }

}  // namespace daicho
