// The worked examples of docs/recovery-scoring.md, computed from forms, and the laws of the score.
#include "commands/recovery_scoring.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

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
  // The same without a password, but two folders.
  CHECK(total({answers(identity + Given{{Field::mail_folders, {"旅行", "家計"}}}), 0, true, true}) == 73);
  // Elsewhere, on a new device: one old password, the card, a subject.
  const Given abroad = {
      {Field::card_last4, {"0042"}}, {Field::card_expiry, {"3/27"}}, {Field::mail_subjects, {"定例会議の議事録"}}};
  CHECK(total({answers(identity + passwords(1) + abroad), 1}) == 73);
  // Elsewhere with identity and one password only: not enough, and the form asks for more.
  CHECK(total({answers(identity + passwords(1)), 1}) == 43);
}

SCENARIO("R-REC-6 R-REC-9: docs/recovery-scoring.md, the strangers' examples stay below it") {
  // A family member on the same PC, everything of identity right, and an account that uses no service.
  Form family{answers(identity), 0, true, true};
  for (const char* const field : recovery_fields()) {
    if (is_evidence(*parse_recovery_field(field))) family.answers.push_back({.field = field, .not_registered = true});
  }
  CHECK(total(family, example_owner(false)) == 59);
  CHECK(total(family) == 53);
  // An acquaintance who got one mail and knows two addresses of the circle.
  const Given circle = {{Field::mail_subjects, {"お花見の場所と時間"}},
                        {Field::mail_recipients, {"taro@example.com", "mother@example.jp"}}};
  CHECK(total({answers(identity + circle)}) == 49);
  // A stuffing attacker: one leaked password and public identity data; with two passwords.
  CHECK(total({answers(identity + passwords(1)), 1}) == 43);
  CHECK(total({answers(identity + passwords(2)), 2}) == 63);
}

SCENARIO("R-REC-6 R-REC-9: docs/recovery-scoring.md, the strangers whom the default numbers do not keep out") {
  const Given correspondence = {
      {Field::mail_subjects, {"お花見の場所と時間", "引っ越しのお知らせ", "来週の定例会議の議事録"}},
      {Field::mail_recipients, {"taro@example.com", "mother@example.jp", "work@example.co.jp"}}};
  // A frequent correspondent with three subjects and three addresses, from anywhere.
  CHECK(total({answers(identity + correspondence)}) == 77);
  // A family member on the same PC whom the owner wrote one mail.
  const Given one_mail = {{Field::mail_subjects, {"お花見の場所と時間"}},
                          {Field::mail_recipients, {"mother@example.jp"}}};
  CHECK(total({answers(identity + one_mail), 0, true, true}) == 71);
  // A buyer of leaked data with three passwords of the history; with two and a line in the owner's town.
  CHECK(total({answers(identity + passwords(3)), 3}) == 83);
  CHECK(total({answers(identity + passwords(2)), 2, false, true}) == 73);
  // Whoever holds the wallet, the console and the PC.
  const Given household = {{Field::card_name, {"HANAKO YAMADA"}},
                           {Field::card_last4, {"0042"}},
                           {Field::card_expiry, {"03/27"}},
                           {Field::xbox_console_id, {"F400-1234-ABCD"}}};
  CHECK(total({answers(identity + household), 0, true, true}) == 91);
}

SCENARIO("R-REC-6: with two values counted instead of three the correspondent and the leaked list stay below") {
  Policy policy;
  policy.recovery_values_counted = 2;
  const Given correspondence = {
      {Field::mail_subjects, {"お花見の場所と時間", "引っ越しのお知らせ", "来週の定例会議の議事録"}},
      {Field::mail_recipients, {"taro@example.com", "mother@example.jp", "work@example.co.jp"}}};
  CHECK(scored(example_owner(), {answers(identity + correspondence)}, policy).total == 59);
  CHECK(scored(example_owner(), {answers(identity + passwords(3)), 3}, policy).total == 63);
  const Given folders = {{Field::mail_folders, {"旅行", "家計"}}};
  CHECK(scored(example_owner(), {answers(identity + folders), 0, true, true}, policy).total == 73);
}

SCENARIO("R-REC-6 R-REC-10: docs/recovery-scoring.md names every field with its weight, and every number in force") {
  REQUIRE(!page().empty());
  const Policy policy;
  for (std::size_t i = 1; i < policy.recovery_weights.size(); ++i) {
    const auto field = static_cast<Field>(i);
    const std::string values = std::to_string(is_several(field) ? policy.recovery_values_counted : 1);
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
    CHECK(score(matched(field, 3), policy).total == (is_several(field) ? 3 * weight : weight));
    CHECK(score(matched(field, 4), policy).total == (is_several(field) ? 3 * weight : weight));
    CHECK(score(matched(field, 0), policy).total == weight / 10);
    for (const auto result : {fb::FieldResult::blank, fb::FieldResult::not_matched, fb::FieldResult::not_on_file}) {
      Recovery recovery = matched(field, 3);
      recovery.fields[0].result = result;
      CHECK(score(recovery, policy).total == 0);
    }
  }
  policy.recovery_values_counted = 10;
  CHECK(score(matched(Field::passwords, 10), policy).total == 200);
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
