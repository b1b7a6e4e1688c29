#include "commands/recovery_matching.hpp"

#include <unicode/unistr.h>

#include <algorithm>
#include <set>

#include "commands/profile.hpp"
#include "commands/text.hpp"
#include "ledger/ascii.hpp"

namespace daicho {

std::span<const char* const> recovery_fields() {
  return {fb::EnumNamesRecoveryField() + 1, default_recovery_weights.size() - 1};
}

std::optional<fb::RecoveryField> parse_recovery_field(std::string_view name) {
  const auto fields = recovery_fields();
  const auto found = std::ranges::find(fields, name);
  if (found == fields.end()) return std::nullopt;
  return static_cast<fb::RecoveryField>(found - fields.begin() + 1);
}

bool is_several(fb::RecoveryField field) {
  switch (field) {
    case fb::RecoveryField::passwords:
    case fb::RecoveryField::mail_subjects:
    case fb::RecoveryField::mail_folders:
    case fb::RecoveryField::mail_recipients:
    case fb::RecoveryField::skype_contacts:
    case fb::RecoveryField::skype_phones:
    case fb::RecoveryField::skype_purchases:
      return true;
    default:
      return false;
  }
}

bool is_evidence(fb::RecoveryField field) { return field > fb::RecoveryField::passwords; }

namespace {

bool is_free_text(fb::RecoveryField field) {
  return field == fb::RecoveryField::mail_subjects || field == fb::RecoveryField::skype_purchases;
}

std::string without_spaces(std::string text) {
  std::erase(text, ' ');
  return text;
}

std::string digits_of(std::string_view folded) {
  std::string digits;
  std::ranges::copy_if(folded, std::back_inserter(digits), is_digit);
  return digits;
}

/// `1980-01-02`, `1980/1/2` and `19800102` are one date; `03/2027` and `3/27` are not told apart from others here.
std::string date_of(std::string_view folded) {
  std::vector<std::string> parts(1);
  for (const char c : folded) {
    if (is_digit(c)) {
      parts.back().push_back(c);
    } else if (!parts.back().empty()) {
      parts.emplace_back();
    }
  }
  if (parts.back().empty()) parts.pop_back();
  if (parts.size() == 1 && parts[0].size() == 8)
    parts = {parts[0].substr(0, 4), parts[0].substr(4, 2), parts[0].substr(6)};
  std::string date;
  for (std::string& part : parts) {
    part.erase(0, part.find_first_not_of('0'));
    date += (date.empty() ? "" : "-") + part;
  }
  return date;
}

/// Month and two digits of the year: `03/27`, `3/2027`, `0327`.
std::string expiry_of(std::string_view folded) {
  std::string date = date_of(folded);
  if (const std::string digits = digits_of(folded); date.find('-') == std::string::npos && digits.size() == 4)
    date = date_of(digits.substr(0, 2) + "/" + digits.substr(2));
  const std::size_t dash = date.find('-');
  if (dash == std::string::npos) return date;
  std::string month = date.substr(0, dash), year = date.substr(dash + 1);
  if (month.size() == 4) std::swap(month, year);  // 2027-03, as a month field of a browser writes it
  return month + "-" + (year.size() == 4 ? year.substr(2) : year);
}

/// The subscriber's digits: the country code and the leading 0 are written in too many ways.
std::string subscriber_of(std::string_view folded) {
  constexpr std::size_t subscriber_digits = 8;
  std::string digits = digits_of(folded);
  if (digits.size() > subscriber_digits) digits.erase(0, digits.size() - subscriber_digits);
  return digits;
}

std::string letters_and_digits(std::string_view folded) {
  std::string kept;
  std::ranges::copy_if(folded, std::back_inserter(kept), [](char c) { return is_digit(c) || is_lower(c); });
  return kept;
}

}  // namespace

std::string normalise(fb::RecoveryField field, std::string_view value) {
  std::string folded = fold(value);
  switch (field) {
    case fb::RecoveryField::surname:
    case fb::RecoveryField::given_name:
    case fb::RecoveryField::card_name:
      return without_spaces(std::move(folded));
    case fb::RecoveryField::birth_date:
      return date_of(folded);
    case fb::RecoveryField::card_expiry:
      return expiry_of(folded);
    case fb::RecoveryField::postal_code:
    case fb::RecoveryField::xbox_console_id:
      return letters_and_digits(folded);
    case fb::RecoveryField::xbox_prepaid_last5:
    case fb::RecoveryField::card_last4:
      return digits_of(folded);
    case fb::RecoveryField::skype_phones:
      return subscriber_of(folded);
    case fb::RecoveryField::mail_recipients: {  // exactly, domain included (000)
      const auto email = parse_email(folded);
      return email ? email->folded() : std::string{};
    }
    default:
      return folded;
  }
}

namespace {

std::vector<std::string> shingles_of(const std::string& normalised) {
  constexpr UChar32 first_of_eastern_scripts = 0x2e80;  // CJK radicals; kana, kanji and hangul follow
  const auto text = icu::UnicodeString::fromUTF8(without_spaces(normalised));
  std::set<std::string> shingles;
  for (std::int32_t i = 0; i < text.length() && shingles.size() < shingles_max; i = text.moveIndex32(i, 1)) {
    const std::int32_t letters = text.char32At(i) >= first_of_eastern_scripts ? 2 : 3;
    const std::int32_t end = text.moveIndex32(i, letters);
    if (text.countChar32(i, end - i) < letters) break;
    std::string shingle;
    text.tempSubStringBetween(i, end).toUTF8String(shingle);
    shingles.insert(std::move(shingle));
  }
  return {shingles.begin(), shingles.end()};
}

}  // namespace

Evidence evidence_of(fb::RecoveryField field, const std::string& normalised, const Vault& vault) {
  const std::string label = std::string("evidence ") + fb::EnumNameRecoveryField(field);
  Evidence evidence{vault.tag(label, normalised), {}};
  if (!is_free_text(field)) return evidence;
  for (const std::string& shingle : shingles_of(normalised))
    evidence.shingles.push_back(read_big_endian(vault.tag(label + " shingle", shingle).view().first(8)));
  std::ranges::sort(evidence.shingles);  // their order would tell the text's
  return evidence;
}

bool is_outline_of(const std::vector<std::uint64_t>& outline, const std::vector<std::uint64_t>& text) {
  if (outline.size() < outline_shingles_min) return false;
  const auto common = static_cast<std::size_t>(
      std::ranges::count_if(outline, [&](std::uint64_t shingle) { return std::ranges::binary_search(text, shingle); }));
  return common * 100 >= outline.size() * outline_own_percent && common * 100 >= text.size() * outline_text_percent;
}

namespace {

/// What the documents tell the owner to write where nothing is registered (002, notes 1 and 4).
bool says_not_registered(const RecoveryAnswer& answer) {
  static constexpr std::array<std::string_view, 2> words = {"登録していません", "作成されていません"};
  const auto is_word = [&](const std::string& value) { return std::ranges::find(words, fold(value)) != words.end(); };
  const auto is_said = [&](const std::string& value) { return is_word(value) || fold(value).empty(); };
  return answer.not_registered ||
         (std::ranges::any_of(answer.values, is_word) && std::ranges::all_of(answer.values, is_said));
}

struct Compared {
  bool on_file = false;
  std::size_t matched = 0;
};

Compared compare_with_profiles(const Account& account, fb::RecoveryField field, const std::set<std::string>& given,
                               const Context& context) {
  const ProfileField& member = profile_fields()[static_cast<std::size_t>(field) - 1];
  Compared compared;
  for (const Position position : account.identity.profiles) {
    const auto personal = context.personal(position);
    if (!personal || !personal->profile) continue;
    const std::string known = normalise(field, (*personal->profile).*member.field);
    if (known.empty()) continue;
    compared.on_file = true;
    if (given.contains(known)) compared.matched = 1;
  }
  return compared;
}

/// The keys that evidence of a field may be under: mail that was recorded before the mailbox had one is under the
/// account's own.
std::vector<const Vault*> vaults_of(fb::RecoveryField field, const Context& context) {
  std::vector<const Vault*> vaults = {&context.vault};
  const Vault* mailbox = is_mail(field) ? context.vault_at(mailbox_key_slot) : nullptr;
  if (mailbox) vaults.push_back(mailbox);
  return vaults;
}

Compared compare_with_evidence(fb::RecoveryField field, const std::set<std::string>& given, const Context& context) {
  using Answer = std::vector<Evidence>;  // one value, under each key
  const std::vector<Evidence>& known = context.evidence(field);
  const bool by_outline = field == fb::RecoveryField::skype_purchases || context.policy.subject_match == "outline";
  const auto vaults = vaults_of(field, context);
  std::vector<Answer> answers;
  for (const std::string& value : given) {
    Answer& answer = answers.emplace_back();
    for (const Vault* vault : vaults) answer.push_back(evidence_of(field, value, *vault));
  }
  const auto are_one = [&](const Answer& answer, const Evidence& fact) {
    return std::ranges::any_of(answer, [&](const Evidence& each) {
      return each.tag == fact.tag || (by_outline && is_outline_of(each.shingles, fact.shingles));
    });
  };
  const auto facts = std::ranges::count_if(known, [&](const Evidence& fact) {
    return std::ranges::any_of(answers, [&](const Answer& answer) { return are_one(answer, fact); });
  });
  const auto right = std::ranges::count_if(answers, [&](const Answer& answer) {
    return std::ranges::any_of(known, [&](const Evidence& fact) { return are_one(answer, fact); });
  });
  // One fact in ten spellings is one, and so is one outline that fits ten facts.
  return {!known.empty(), static_cast<std::size_t>(std::min(facts, right))};
}

FieldMatch match(const Account& account, fb::RecoveryField field, const RecoveryAnswer* answer,
                 std::size_t passwords_matched, const Context& context) {
  FieldMatch match{.field = field};
  if (!answer) return match;
  std::set<std::string> given;
  for (const std::string& value : answer->values) {
    if (!is_several(field) && given.size() >= single_values_max) break;  // more would be guessing
    if (std::string normal = normalise(field, value); !normal.empty()) given.insert(std::move(normal));
  }
  const bool is_none = says_not_registered(*answer);
  if (given.empty() && !is_none) return match;
  const Compared compared = field == fb::RecoveryField::passwords ? Compared{true, passwords_matched}
                            : is_evidence(field)                  ? compare_with_evidence(field, given, context)
                                                 : compare_with_profiles(account, field, given, context);
  match.matched = static_cast<std::uint8_t>(is_none ? 0 : std::min(compared.matched, answer_values_max));
  const bool is_right = is_none ? !compared.on_file : match.matched > 0;
  match.result = is_right           ? fb::FieldResult::matched
                 : compared.on_file ? fb::FieldResult::not_matched
                                    : fb::FieldResult::not_on_file;
  return match;
}

}  // namespace

std::vector<FieldMatch> match_answers(const Account& account, const std::vector<RecoveryAnswer>& answers,
                                      std::size_t passwords_matched, const Context& context) {
  std::vector<FieldMatch> matches;
  for (const char* const name : recovery_fields()) {
    const auto answer = std::ranges::find(answers, name, &RecoveryAnswer::field);
    matches.push_back(match(account, *parse_recovery_field(name), answer == answers.end() ? nullptr : &*answer,
                            passwords_matched, context));
  }
  return matches;
}

}  // namespace daicho
