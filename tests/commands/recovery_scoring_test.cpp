// The worked examples of docs/recovery-scoring.md, computed from forms, and the laws of the score.
#include "commands/recovery_scoring.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <array>
#include <fstream>
#include <sstream>

#include "commands/names.hpp"
#include "tests/support/commands_subject.hpp"

using namespace daicho;
using namespace daicho::test;
using Field = fb::RecoveryField;

namespace {

using Given = std::vector<std::pair<Field, std::vector<std::string>>>;

struct Form {
  std::vector<RecoveryAnswer> answers;
  std::size_t passwords = 0;
  bool at_usual_pc = false, at_usual_place = false;
};

/// An owner with mail, a card, Skype and a console: what examples answer about.
Subject example_owner(bool uses_services = true) {
  Subject subject = given({registered()});
  Draft event = draft(fb::ProfileChangedT{}, {Rule::acc_3});
  event.personal.profile = std::make_unique<fb::ProfileT>();
  fb::ProfileT& profile = *event.personal.profile;
  profile.surname = "山田";
  profile.given_name = "花子";
  profile.birth_date = "1980-02-09";
  profile.country = "JP";
  profile.region = "東京都";
  profile.postal_code = "150-0001";
  subject.happened(event);
  if (!uses_services) return subject;
  const Given facts = {{Field::mail_subjects, {"来週の定例会議の議事録", "お花見の場所と時間", "引っ越しのお知らせ"}},
                       {Field::mail_folders, {"旅行", "家計", "学校"}},
                       {Field::mail_recipients, {"mother@example.jp", "taro@example.com", "work@example.co.jp"}},
                       {Field::xbox_prepaid_last5, {"01234"}},
                       {Field::card_name, {"HANAKO YAMADA"}},
                       {Field::card_last4, {"0042"}},
                       {Field::card_expiry, {"03/27"}},
                       {Field::skype_id, {"hanako.y"}},
                       {Field::skype_contacts, {"鈴木 一郎", "佐藤 次郎", "母"}},
                       {Field::skype_phones, {"090-1111-2222", "03-1234-5678", "080-3333-4444"}},
                       {Field::skype_purchases, {"クレジット 1000円", "通話プラン 日本", "番号 050"}},
                       {Field::xbox_console_id, {"F400-1234-ABCD"}}};
  for (const auto& [field, values] : facts)
    for (const std::string& value : values) observed(field, value)(subject);
  return subject;
}

std::vector<RecoveryAnswer> answers(const Given& fields) {
  std::vector<RecoveryAnswer> all;
  for (const auto& [field, values] : fields) all.push_back({.field = std::string(name(field)), .values = values});
  return all;
}

const Given identity = {{Field::surname, {"山田"}}, {Field::given_name, {"花子"}}, {Field::birth_date, {"1980-02-09"}},
                        {Field::country, {"JP"}},   {Field::region, {"東京都"}},   {Field::postal_code, {"150-0001"}}};

Given operator+(Given left, const Given& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

Given passwords(std::size_t number) { return {{Field::passwords, std::vector<std::string>(number, "a password")}}; }

const Given one_subject = {{Field::mail_subjects, {"お花見の場所と時間"}}};
const Given card = {{Field::card_last4, {"0042"}}, {Field::card_expiry, {"3/27"}}};
const Given card_holder = {{Field::card_name, {"HANAKO YAMADA"}}};
/// Three of each, of which the default counts two.
const Given correspondence = {
    {Field::mail_subjects, {"お花見の場所と時間", "引っ越しのお知らせ", "来週の定例会議の議事録"}},
    {Field::mail_recipients, {"taro@example.com", "mother@example.jp", "work@example.co.jp"}}};

Score scored(const Subject& subject, const Form& form, const Policy& policy = {}) {
  Recovery recovery;
  recovery.fields = match_answers(subject.account(), form.answers, form.passwords, subject.context());
  recovery.familiar_device = form.at_usual_pc;
  recovery.familiar_place = form.at_usual_place;
  return score(recovery, policy);
}

const std::string& page() {
  static const std::string text = [] {
    std::ostringstream all;
    all << std::ifstream("docs/recovery-scoring.md").rdbuf();
    return all.str();
  }();
  return text;
}
bool is_on_page(const std::string& words) { return page().find(words) != std::string::npos; }

/// The total of an example; the page must show it.
std::int64_t total(const Form& form, const Subject& subject = example_owner()) {
  const std::int64_t points = scored(subject, form).total;
  CHECK_MESSAGE(is_on_page("**" + std::to_string(points) + "**"), points);
  return points;
}

/// Passwords are several, and count once.
bool counts_several(Field field) { return is_several(field) && field != Field::passwords; }

Recovery matched(Field field, std::uint8_t values) {
  Recovery recovery;
  recovery.fields = {{field, fb::FieldResult::matched, values}};
  return recovery;
}

}  // namespace

SCENARIO("R-REC-6 R-REC-9: docs/recovery-scoring.md, the owner's examples reach the threshold") {
  CHECK(Policy().recovery_threshold == 70);
  // Little memory, at the usual PC at home: identity and one old password.
  CHECK(total({answers(identity + passwords(1)), 1, true, true}) == 73);
  // The same without a password, but two folders and a subject; with the folders alone not.
  const Given folders = {{Field::mail_folders, {"旅行", "家計"}}};
  CHECK(total({answers(identity + folders + one_subject), 0, true, true}) == 73);
  CHECK(total({answers(identity + folders), 0, true, true}) == 63);
  // Elsewhere, on a new device: one old password, the card, a subject.
  CHECK(total({answers(identity + passwords(1) + card + one_subject), 1}) == 83);
  // Elsewhere with identity and one password only: not enough.
  CHECK(total({answers(identity + passwords(1)), 1}) == 53);
}

SCENARIO("R-REC-6 R-REC-9: docs/recovery-scoring.md, the strangers' examples stay below it") {
  // A family member on the same PC, everything of identity right, and an account that uses no service.
  Form family{answers(identity), 0, true, true};
  for (const char* const field : recovery_fields()) {
    if (is_evidence(*parse_recovery_field(field))) family.answers.push_back({.field = field, .not_registered = true});
  }
  CHECK(total(family, example_owner(false)) == 49);
  CHECK(total(family) == 43);
  // ...who got one mail; who holds the owner's wallet.
  const Given own_address = {{Field::mail_recipients, {"mother@example.jp"}}};
  CHECK(total({answers(identity + one_subject + own_address), 0, true, true}) == 61);
  CHECK(total({answers(identity + card + card_holder), 0, true, true}) == 66);
  // An acquaintance who got one mail and knows two addresses of the circle; a frequent correspondent.
  const Given circle = {{Field::mail_recipients, {"taro@example.com", "mother@example.jp"}}};
  CHECK(total({answers(identity + one_subject + circle)}) == 49);
  CHECK(total({answers(identity + correspondence)}) == 59);
  // A stuffing attacker: public identity and leaked passwords, however many; and a line in the owner's town.
  for (const std::size_t leaked : {1U, 2U, 3U, 10U})
    CHECK(total({answers(identity + passwords(leaked)), leaked}) == 53);
  CHECK(total({answers(identity + passwords(2)), 2, false, true}) == 58);
}

SCENARIO("R-REC-6 R-REC-9: docs/recovery-scoring.md, the strangers whom the default numbers do not keep out") {
  // Whoever holds the wallet, the console and the PC.
  const Given console = {{Field::xbox_console_id, {"F400-1234-ABCD"}}};
  CHECK(total({answers(identity + card + card_holder + console), 0, true, true}) == 81);
  // A family member who knows a password, at the PC: what the owner with little memory shows.
  CHECK(total({answers(identity + passwords(1)), 1, true, true}) == 73);
  // A family member who got two mails.
  const Given two_mails = {{Field::mail_subjects, {"お花見の場所と時間", "引っ越しのお知らせ"}},
                           {Field::mail_recipients, {"mother@example.jp"}}};
  CHECK(total({answers(identity + two_mails), 0, true, true}) == 71);
  // A leaked list with a password and the card; a correspondent with a leaked password.
  CHECK(total({answers(identity + passwords(1) + card + card_holder), 1}) == 76);
  const Given one_address = {{Field::mail_recipients, {"taro@example.com"}}};
  CHECK(total({answers(identity + passwords(1) + one_subject + one_address), 1}) == 71);
  // A frequent correspondent who is a contact on Skype, too.
  const Given friends = {{Field::skype_id, {"hanako.y"}}, {Field::skype_contacts, {"鈴木 一郎", "母"}}};
  CHECK(total({answers(identity + correspondence + friends)}) == 75);
  // Whoever held a session for an hour, read the profile and planted folders and mail.
  const Given planted = {{Field::mail_folders, {"旅行", "家計"}}};
  CHECK(total({answers(identity + planted + correspondence)}) == 79);
}

SCENARIO("R-REC-6: docs/recovery-scoring.md, what one value counted instead of two would change") {
  Policy policy;
  policy.recovery_values_counted = 1;
  const Given friends = {{Field::skype_id, {"hanako.y"}}, {Field::skype_contacts, {"鈴木 一郎", "母"}}};
  const Given folders = {{Field::mail_folders, {"旅行", "家計"}}};
  CHECK(scored(example_owner(), {answers(identity + correspondence + friends)}, policy).total == 51);
  CHECK(scored(example_owner(), {answers(identity + folders + correspondence)}, policy).total == 51);
  CHECK(is_on_page("who held a session fall to 51"));
}

SCENARIO("R-REC-6 R-REC-10: docs/recovery-scoring.md names every field with its weight, and every number in force") {
  REQUIRE(!page().empty());
  const Policy policy;
  for (std::size_t i = 1; i < policy.recovery_weights.size(); ++i) {
    const auto field = static_cast<Field>(i);
    const std::string values = std::to_string(counts_several(field) ? policy.recovery_values_counted : 1);
    const std::string row =
        "| " + std::string(name(field)) + " | " + std::to_string(policy.recovery_weights[i]) + " | " + values + " |";
    CHECK_MESSAGE(is_on_page(row), row);
  }
  for (const PolicyNumber& number : policy_numbers()) {
    const std::string parameter = number.name;
    const bool is_familiar = parameter.starts_with("recovery_familiar");
    const bool is_told = parameter.starts_with("recovery_") && parameter != "recovery_reply_hours";
    if (!is_told || is_familiar) continue;
    const std::string row = "| " + parameter + " | " + std::to_string(policy.*number.field) + " |";
    CHECK_MESSAGE(is_on_page(row), row);
  }
  CHECK(is_on_page("recovery_familiar_place | " + std::to_string(policy.recovery_familiar_device) + " / " +
                   std::to_string(policy.recovery_familiar_place) + " |"));
  CHECK(outline_own_percent == 70);
  CHECK(is_on_page("at least 70 % of its letter runs"));
  CHECK(is_on_page("at least 30 % of the"));
}

SCENARIO("R-REC-6: a field's points: its weight, times the values matched up to values_counted, or the percent") {
  Policy policy;
  for (std::size_t i = 1; i < policy.recovery_weights.size(); ++i) {
    const auto field = static_cast<Field>(i);
    CAPTURE(name(field));
    const std::int64_t weight = default_recovery_weights.at(i);
    CHECK(weight > 0);
    CHECK(score(matched(field, 1), policy).total == weight);
    for (const std::uint8_t values : std::array<std::uint8_t, 3>{2, 3, 10})
      CHECK(score(matched(field, values), policy).total == (counts_several(field) ? 2 * weight : weight));
    CHECK(score(matched(field, 0), policy).total == weight / 10);
    for (const auto result : {fb::FieldResult::blank, fb::FieldResult::not_matched, fb::FieldResult::not_on_file}) {
      Recovery recovery = matched(field, 3);
      recovery.fields[0].result = result;
      CHECK(score(recovery, policy).total == 0);
    }
  }
  policy.recovery_values_counted = 10;
  CHECK(score(matched(Field::mail_subjects, 10), policy).total == 100);
  CHECK(score(matched(Field::passwords, 10), policy).total == 30);
  policy.recovery_not_registered_percent = 100;
  CHECK(score(matched(Field::xbox_console_id, 0), policy).total == 15);
  policy.recovery_weights.at(static_cast<std::size_t>(Field::surname)) = 1'000;
  CHECK(score(matched(Field::surname, 1), policy).total == 1'000);
}

SCENARIO("R-REC-9: the familiar device and place add their points, and say so apart") {
  Policy policy;
  policy.recovery_familiar_device = 21;
  policy.recovery_familiar_place = 13;
  Recovery recovery = matched(Field::surname, 1);
  CHECK(score(recovery, policy).familiar == 0);
  recovery.familiar_device = true;
  CHECK(score(recovery, policy).familiar == 21);
  CHECK(score(recovery, policy).total == 25);
  recovery.familiar_place = true;
  CHECK(score(recovery, policy).familiar == 34);
  recovery.familiar_device = false;
  CHECK(score(recovery, policy).familiar == 13);
  CHECK(score(recovery, policy).fields == std::vector<std::int64_t>{4});
}

SCENARIO("R-REC-6: a wrong answer earns and costs exactly what a blank one does, whatever else is on the form") {
  const Subject subject = example_owner();
  const std::vector<std::string> wrong_values = {"間違い", "wrong@example.org", "1999-12-31", "99999", "ａｂｃ ｄｅｆ"};
  CHECK(rc::check("wrong = blank", [&] {
    Form wrong, blank;
    for (const char* const field_name : recovery_fields()) {
      const Field field = *parse_recovery_field(field_name);
      const auto kind = *rc::gen::inRange(0, 4);
      RecoveryAnswer answer{.field = field_name};
      if (kind == 0) continue;
      if (kind == 1) {  // wrong: on the one form only
        answer.values = *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(wrong_values));
        answer.not_registered = *rc::gen::inRange(0, 4) == 0;
        wrong.answers.push_back(answer);
        continue;
      }
      const auto right = std::ranges::find(identity, field, &Given::value_type::first);
      if (right != identity.end()) answer.values = right->second;
      if (field == Field::mail_folders) answer.values = {"旅行"};
      if (field == Field::passwords) {
        answer.values = {"a password"};
        wrong.passwords = blank.passwords = 1;
      }
      blank.answers.push_back(answer);
      if (kind == 3) answer.values.insert(answer.values.end(), wrong_values.begin(), wrong_values.end());
      wrong.answers.push_back(answer);
    }
    const Score with = scored(subject, wrong), without = scored(subject, blank);
    RC_ASSERT(with.fields == without.fields);
    RC_ASSERT(with.total == without.total);
  }));
}
