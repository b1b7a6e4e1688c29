#include "commands/recovery_matching.hpp"

#include <doctest/doctest.h>

#include <set>

#include "commands/names.hpp"
#include "tests/support/commands_subject.hpp"

using namespace daicho;
using namespace daicho::test;
using Field = fb::RecoveryField;

namespace {

/// The profile from now on; those before stay on file.
Past lives_as(const fb::ProfileT& profile) {
  return [profile](Subject& subject) {
    Draft event = draft(fb::ProfileChangedT{}, {Rule::acc_3});
    event.personal.profile = std::make_unique<fb::ProfileT>(profile);
    subject.happened(event);
  };
}

fb::ProfileT person(const std::string& surname, const std::string& given_name) {
  fb::ProfileT profile;
  profile.surname = surname;
  profile.given_name = given_name;
  return profile;
}

/// What becomes of one answer, in one line: `matched 2`, `not_matched`, `not_on_file`, `blank`.
std::string judged(const Subject& subject, const RecoveryAnswer& answer, std::size_t passwords = 0) {
  const auto matches = match_answers(subject.account(), {answer}, passwords, subject.context());
  CHECK(matches.size() == recovery_fields().size());
  const auto match = std::ranges::find(matches, *parse_recovery_field(answer.field), &FieldMatch::field);
  std::string words(name(match->result));
  if (match->result == fb::FieldResult::matched) words += " " + std::to_string(match->matched);
  return words;
}
std::string judged(const Subject& subject, Field field, std::vector<std::string> values) {
  return judged(subject, {.field = std::string(name(field)), .values = std::move(values)});
}
std::string not_registered(const Subject& subject, Field field) {
  return judged(subject, {.field = std::string(name(field)), .not_registered = true});
}

struct Known {
  Field field;
  const char* value;
  std::vector<const char*> right, wrong;
};

const std::vector<Known>& known_of_services() {
  static const std::vector<Known> all = {
      {Field::mail_subjects, "お礼", {"お礼", " お礼 "}, {"お祝い", "御礼"}},
      {Field::mail_folders, "Travel 2025", {"travel 2025", "ＴＲＡＶＥＬ　２０２５"}, {"Travel", "Travel2025"}},
      {Field::mail_recipients,
       "Taro@example.co.jp",
       {"taro@EXAMPLE.co.jp", " Taro@example.co.jp ", "　taro@example.co.jp\t"},
       {"taro@example.com", "taro", "@", "a@b"}},
      {Field::xbox_prepaid_last5, "01234", {"01234", "０１２３４", "0-12 34"}, {"1234", "01235", "43210"}},
      {Field::card_name, "HANAKO YAMADA", {"Hanako Yamada", "hanakoyamada"}, {"Yamada Hanako", "山田 花子"}},
      {Field::card_last4, "0042", {"0042", "００４２"}, {"42", "4200", "0043"}},
      {Field::card_expiry,
       "03/27",
       {"3/27", "03/2027", "0327", "３／２７", "2027-03", "2027/3"},
       {"04/27", "03/28", "27", "2703", "2027-04", "2028-03"}},
      {Field::skype_id, "live:hanako.y", {"LIVE:Hanako.Y"}, {"hanako.y", "live:hanako"}},
      {Field::skype_contacts, "鈴木 一郎", {"鈴木　一郎"}, {"鈴木 二郎", "Suzuki Ichiro"}},
      {Field::skype_phones,
       "+81 90-9876-5432",
       {"090 9876 5432", "09098765432", "９８７６５４３２"},
       {"090-9876-5433"}},
      {Field::skype_purchases, "クレジット 1000円", {"クレジット 1000円"}, {"通話", "クレジットカード会社の電話番号"}},
      {Field::xbox_console_id, "F400-1234-ABCD", {"f4001234abcd", "F400 1234 ABCD"}, {"F400-1234-ABCE", "1234"}},
  };
  return all;
}

const std::vector<Known>& known_of_profile() {
  static const std::vector<Known> all = {
      {Field::surname, "Yamada", {"YAMADA", " yamada "}, {"Yamad", "山田", "Yamada-Ito"}},
      {Field::given_name, "Hanako", {"Ｈａｎａｋｏ"}, {"Hana", "Yamada"}},
      {Field::birth_date,
       "1980-02-09",
       {"1980-02-09", "1980/2/9", "19800209", "１９８０年２月９日"},
       {"1980-09-02", "09/02/1980", "1980-02", "1981-02-09"}},
      {Field::country, "JP", {"jp"}, {"US", "J"}},
      {Field::region, "東京都", {"東京都"}, {"京都", "東京", "Tokyo"}},
      {Field::postal_code, "150-0001", {"1500001", "〒150-0001", "１５０－０００１"}, {"150-0002", "150", "0001"}},
  };
  return all;
}

Subject customer() {
  fb::ProfileT profile = person("Yamada", "Hanako");
  profile.birth_date = "1980-02-09";
  profile.country = "JP";
  profile.region = "東京都";
  profile.postal_code = "150-0001";
  Subject subject = given({registered(), lives_as(profile)});
  for (const Known& known : known_of_services()) observed(known.field, known.value)(subject);
  return subject;
}

bool outlines(std::size_t common, std::size_t own, std::size_t text) {
  std::vector<std::uint64_t> outline, of;
  for (std::uint64_t i = 0; i < own; ++i) outline.push_back(i < common ? i : 1'000 + i);
  for (std::uint64_t i = 0; i < text; ++i) of.push_back(i < common ? i : 2'000 + i);
  return is_outline_of(outline, of);
}

}  // namespace

SCENARIO("R-REC-5 R-REC-6: every field matches its own value in its usual spellings, and no other") {
  const Subject subject = customer(), stranger = given({registered(), lives_as({})});
  std::set<Field> seen = {Field::passwords};
  for (const auto* group : {&known_of_profile(), &known_of_services()}) {
    for (const Known& known : *group) {
      CAPTURE(name(known.field));
      seen.insert(known.field);
      CHECK(judged(subject, known.field, {known.value}) == "matched 1");
      for (const char* right : known.right) {
        CAPTURE(right);
        CHECK(judged(subject, known.field, {right}) == "matched 1");
      }
      for (const char* wrong : known.wrong) {
        CAPTURE(wrong);
        const bool is_comparable = !normalise(known.field, wrong).empty();
        CHECK(judged(subject, known.field, {wrong}) == (is_comparable ? "not_matched" : "blank"));
      }
      CHECK(judged(subject, known.field, {}) == "blank");
      CHECK(judged(subject, known.field, {"", " \t", "　"}) == "blank");
      if (is_evidence(known.field)) CHECK(judged(stranger, known.field, {known.value}) == "not_on_file");
    }
  }
  CHECK(seen.size() == recovery_fields().size());
}

SCENARIO("R-REC-6: a value of one field is none of another, and none of another account") {
  const Subject subject = customer();
  CHECK(judged(subject, Field::given_name, {"Yamada"}) == "not_matched");
  CHECK(judged(subject, Field::skype_contacts, {"live:hanako.y"}) == "not_matched");
  CHECK(judged(subject, Field::mail_folders, {"お礼"}) == "not_matched");
  const auto tag = [&](Field field, const Vault& vault) { return evidence_of(field, "1234", vault).tag; };
  CHECK(tag(Field::card_last4, subject.vault()) != tag(Field::xbox_prepaid_last5, subject.vault()));
  const std::string other_bytes(32, 'k');
  const SecretKey other_key(as_bytes(other_bytes));
  CHECK(tag(Field::card_last4, subject.vault()) == tag(Field::card_last4, subject.vault()));
  CHECK(tag(Field::card_last4, Vault(numbered(2), other_key, other_key)) != tag(Field::card_last4, subject.vault()));
}

SCENARIO("R-REC-6: names match only in the script used at registration, whatever their width, case and spaces") {
  const Subject kanji = given({registered(), lives_as(person("山田", "太郎"))});
  CHECK(judged(kanji, Field::surname, {"山 田"}) == "matched 1");
  CHECK(judged(kanji, Field::surname, {"やまだ"}) == "not_matched");
  CHECK(judged(kanji, Field::surname, {"山口"}) == "not_matched");
  CHECK(judged(kanji, Field::given_name, {"Taro"}) == "not_matched");
  const Subject kana = given({registered(), lives_as(person("ヤマダ", "José"))});
  CHECK(judged(kana, Field::surname, {"ﾔﾏﾀﾞ"}) == "matched 1");
  CHECK(judged(kana, Field::surname, {"やまだ"}) == "not_matched");
  CHECK(judged(kana, Field::surname, {"ヤマタ"}) == "not_matched");
  CHECK(judged(kana, Field::given_name, {"JOSE\xcc\x81"}) == "matched 1");  // the accent as a letter of its own
  CHECK(judged(kana, Field::given_name, {"Jose"}) == "not_matched");
}

SCENARIO("R-REC-6 R-ACC-3: any value that was ever true matches, not only today's") {
  Subject subject = given({registered(), lives_as(person("佐藤", "Hanako"))});
  fb::ProfileT moved = person("鈴木", "Hanako");
  moved.region = "大阪府";
  lives_as(moved)(subject);
  moved.region = "";
  lives_as(moved)(subject);
  for (const char* surname : {"Yamada", "佐藤", "鈴木"})
    CHECK(judged(subject, Field::surname, {surname}) == "matched 1");
  CHECK(judged(subject, Field::surname, {"佐藤", "鈴木"}) == "matched 1");  // of one field, one fact
  CHECK(judged(subject, Field::surname, {"田中"}) == "not_matched");
  CHECK(judged(subject, Field::region, {"大阪府"}) == "matched 1");
  CHECK(not_registered(subject, Field::region) == "not_matched");
  CHECK(not_registered(subject, Field::postal_code) == "matched 0");
  for (int move = 0; move < 100; ++move) lives_as(person("仮" + std::to_string(move), "Hanako"))(subject);
  CHECK(judged(subject, Field::surname, {"Yamada"}) == "matched 1");  // what was true at registration, above all
  CHECK(judged(subject, Field::surname, {"仮99"}) == "matched 1");
}

SCENARIO("R-REC-6 R-ACC-3: after change-profile the value before still matches, and the new one does") {
  Subject subject =
      given({registered(), mailbox("me@example.com"), verified(0), passed(fb::Purpose::change_security_info, 70)});
  const ChangeProfile married{.challenge = numbered(70), .changes = {{"surname", "Suzuki"}, {"region", "京都府"}}};
  CHECK(judged(subject, Field::surname, {"Suzuki"}) == "not_matched");
  CHECK(not_registered(subject, Field::region) == "matched 0");
  CHECK(outcome(subject.run(married)) == "accepted: ProfileChanged");
  CHECK(judged(subject, Field::surname, {"Suzuki"}) == "matched 1");
  CHECK(judged(subject, Field::surname, {"Yamada"}) == "matched 1");
  CHECK(judged(subject, Field::given_name, {"Hanako"}) == "matched 1");
  CHECK(judged(subject, Field::region, {"京都府"}) == "matched 1");
  CHECK(not_registered(subject, Field::region) == "not_matched");
}

SCENARIO("R-REC-6: `not registered` is right where nothing is on file, and wrong anywhere else") {
  const Subject subject = customer(), stranger = given({registered(), lives_as({})});
  for (const char* const field : recovery_fields()) {
    CAPTURE(field);
    const Field which = *parse_recovery_field(field);
    const bool is_password = which == Field::passwords;  // every account has one
    const bool is_first_profile = which == Field::surname || which == Field::given_name;
    CHECK(not_registered(subject, which) == "not_matched");
    CHECK(not_registered(stranger, which) == (is_password || is_first_profile ? "not_matched" : "matched 0"));
    for (const char* words : {"登録していません", "作成されていません", "　登録していません "}) {
      CAPTURE(words);
      CHECK(judged(subject, which, {words}) == not_registered(subject, which));
      CHECK(judged(stranger, which, {words}) == not_registered(stranger, which));
    }
  }
  CHECK(judged(stranger, Field::mail_folders, {"登録していません", "旅行"}) == "not_on_file");
  CHECK(judged(stranger, Field::mail_folders, {"作成されていません", "", "　"}) == "matched 0");
  CHECK(judged(stranger, Field::mail_folders, {"", "作成されていません"}) == "matched 0");
  CHECK(judged(subject, Field::mail_folders, {"作成されていません", ""}) == "not_matched");
  CHECK(judged(stranger, Field::mail_folders, {"", "　"}) == "blank");
  CHECK(judged(stranger, Field::mail_folders, {"未登録"}) == "not_on_file");
}

SCENARIO("R-REC-6: mail addresses match exactly, their country's domain included") {
  const Subject subject = given({registered(), observed(Field::mail_recipients, "taro@outlook.co.uk"),
                                 observed(Field::mail_recipients, "jiro@日本語.example")});
  const auto to = [&](const char* address) { return judged(subject, Field::mail_recipients, {address}); };
  CHECK(to("taro@outlook.co.uk") == "matched 1");
  CHECK(to("Taro@Outlook.CO.UK") == "matched 1");
  CHECK(to("taro@outlook.com") == "not_matched");
  CHECK(to("taro@outlook.co.jp") == "not_matched");
  CHECK(to("taro@mail.outlook.co.uk") == "not_matched");
  CHECK(to("taro.@outlook.co.uk") == "blank");
  CHECK(to("ta.ro@outlook.co.uk") == "not_matched");
  CHECK(to("jiro@xn--wgv71a119e.example") == "matched 1");
}

SCENARIO("R-REC-5: of a field with several values the facts matched are counted, not the spellings") {
  const Subject subject = given({registered(), observed(Field::mail_folders, "Travel"),
                                 observed(Field::mail_folders, "Tax"), observed(Field::mail_folders, "家計")});
  CHECK(judged(subject, Field::mail_folders, {"travel", "TRAVEL", "Ｔｒａｖｅｌ", " travel"}) == "matched 1");
  CHECK(judged(subject, Field::mail_folders, {"travel", "wrong", "tax"}) == "matched 2");
  CHECK(judged(subject, Field::mail_folders, {"家計", "travel", "wrong", "tax"}) == "matched 3");
  for (const Field several : {Field::passwords, Field::mail_subjects, Field::mail_folders, Field::mail_recipients,
                              Field::skype_contacts, Field::skype_phones, Field::skype_purchases})
    CHECK(is_several(several));
  for (const Field one : {Field::surname, Field::birth_date, Field::card_last4, Field::skype_id})
    CHECK(!is_several(one));
}

SCENARIO("R-REC-5 R-REC-6: of a field with one value the first two distinct values are compared, and no guess more") {
  CHECK(single_values_max == 2);
  const Subject subject = customer();
  CHECK(judged(subject, Field::card_expiry, {"01/27", "03/27"}) == "matched 1");
  CHECK(judged(subject, Field::card_expiry, {"01/27", "02/27", "03/27"}) == "not_matched");
  CHECK(judged(subject, Field::card_expiry, {"01/27", " ", "1/2027", "2027-01", "03/27"}) == "matched 1");
  CHECK(judged(subject, Field::region, {"京都府", "大阪府", "東京都"}) == "not_matched");
  CHECK(judged(subject, Field::region, {"東京都", "京都府", "大阪府"}) == "matched 1");
  CHECK(judged(subject, Field::mail_folders, {"a", "b", "c", "d", "Travel 2025"}) == "matched 1");
}

SCENARIO("R-REC-6: what matched is the lesser of distinct right answers and distinct facts") {
  const Subject subject =
      given({registered(), observed(Field::mail_subjects, "週報 2026年1月"),
             observed(Field::mail_subjects, "週報 2026年2月"), observed(Field::mail_subjects, "週報 2026年3月")});
  CHECK(judged(subject, Field::mail_subjects, {"週報 2026年"}) == "matched 1");  // resembles all three
  CHECK(judged(subject, Field::mail_subjects, {"週報 2026年1月", "週報 2026年3月"}) == "matched 2");
  const Subject one = given({registered(), observed(Field::mail_subjects, "来週の定例会議の議事録について")});
  CHECK(judged(one, Field::mail_subjects, {"定例会議の議事録", "議事録について", "来週の定例会議"}) == "matched 1");
}

SCENARIO("R-REC-5: passwords used before count as many as the verifiers said") {
  const Subject subject = customer();
  const RecoveryAnswer answer{.field = "passwords", .values = {"one", "two"}};
  CHECK(judged(subject, answer, 0) == "not_matched");
  CHECK(judged(subject, answer, 2) == "matched 2");
  CHECK(judged(subject, {.field = "passwords", .values = {" "}}, 2) == "blank");
}

SCENARIO("R-REC-6: under subject_match exact nothing but the subject itself will do") {
  Subject subject = given({registered(), observed(Field::mail_subjects, "来週の定例会議の議事録について"),
                           observed(Field::mail_subjects, "Minutes of the weekly meeting")});
  subject.policy.subject_match = "exact";
  const auto subject_line = [&](const char* text) { return judged(subject, Field::mail_subjects, {text}); };
  CHECK(subject_line("来週の定例会議の議事録について") == "matched 1");
  CHECK(subject_line("MINUTES  of the weekly meeting ") == "matched 1");
  CHECK(subject_line("定例会議の議事録") == "not_matched");
  CHECK(subject_line("Minutes of the weekly meetings") == "not_matched");
  CHECK(subject_line("Minutes of the weeklymeeting") == "not_matched");
  subject.policy.subject_match = "outline";
  CHECK(subject_line("定例会議の議事録") == "matched 1");
  CHECK(subject_line("Minutes of the weekly meetings") == "matched 1");
}

SCENARIO("R-REC-6: an outline will do when most of it is the subject's and it covers a fair part of it") {
  const Subject subject = given({registered(), observed(Field::mail_subjects, "来週の定例会議の議事録について"),
                                 observed(Field::mail_subjects, "Minutes of the weekly meeting")});
  CHECK(subject.policy.subject_match == "outline");
  const auto subject_line = [&](const char* text) { return judged(subject, Field::mail_subjects, {text}); };
  GIVEN("a subject of 14 runs of two letters") {
    CHECK(subject_line("議事録について") == "matched 1");
    CHECK(subject_line("来週の定例会") == "matched 1");            // 5 of 14
    CHECK(subject_line("来週の定例") == "not_matched");            // 4 of 14: less than 30 %
    CHECK(subject_line("定例会議の議事録を送付") == "matched 1");  // 7 of its own 10
    CHECK(subject_line("定例会議の議事録を送付済") == "not_matched");
    CHECK(subject_line("定例会議の写真です") == "not_matched");
    CHECK(subject_line("会議") == "not_matched");
    CHECK(subject_line("来月の請求書について") == "not_matched");
  }
  GIVEN("one of 23 runs of three letters") {
    CHECK(subject_line("WEEKLY Meeting") == "matched 1");
    CHECK(subject_line("meeting minutes") == "matched 1");  // in another order
    CHECK(subject_line("weekly") == "not_matched");
    CHECK(subject_line("the meeting") == "not_matched");
    CHECK(subject_line("a weekly meal plan") == "not_matched");
    CHECK(subject_line("minutes") == "not_matched");
  }
  CHECK(judged(subject, Field::mail_subjects, {"weekly meeting", "Minutes of the weekly", "議事録について"}) ==
        "matched 2");
}

SCENARIO("R-REC-6: the outline's numbers, on both sides of each") {
  CHECK(outline_shingles_min == 4);
  CHECK(outlines(4, 4, 4));
  CHECK(!outlines(3, 3, 3));
  CHECK(outline_own_percent == 70);
  CHECK(outlines(7, 10, 10));
  CHECK(!outlines(6, 10, 10));
  CHECK(outlines(70, 100, 100));
  CHECK(!outlines(69, 100, 100));
  CHECK(outline_text_percent == 30);
  CHECK(outlines(6, 6, 20));
  CHECK(!outlines(6, 6, 21));
  CHECK(outlines(30, 30, 100));
  CHECK(!outlines(30, 30, 101));
  CHECK(!outlines(0, 0, 0));
}

SCENARIO("R-REC-6: purchases are told in outline under every policy, folders and contacts under none") {
  for (const char* policy : {"exact", "outline"}) {
    Subject subject = given({registered(), observed(Field::skype_purchases, "Skype クレジット 1000円 チャージ"),
                             observed(Field::mail_folders, "Minutes of the weekly meeting"),
                             observed(Field::skype_contacts, "Minutes of the weekly meeting")});
    subject.policy.subject_match = policy;
    CHECK(judged(subject, Field::skype_purchases, {"クレジット 1000円"}) == "matched 1");
    CHECK(judged(subject, Field::skype_purchases, {"通話プラン"}) == "not_matched");
    CHECK(judged(subject, Field::mail_folders, {"weekly meeting"}) == "not_matched");
    CHECK(judged(subject, Field::skype_contacts, {"weekly meeting"}) == "not_matched");
  }
}

SCENARIO("R-REC-6 R-LED-6: of a subject only keyed hashes are kept, in an order that does not tell the text's") {
  const Subject subject = customer();
  const Evidence text = evidence_of(Field::mail_subjects, "来週の定例会議の議事録について", subject.vault());
  CHECK(text.shingles.size() == 14);
  CHECK(std::ranges::is_sorted(text.shingles));
  const Evidence turned = evidence_of(Field::mail_subjects, "について議事録の定例会議の来週", subject.vault());
  CHECK(turned.tag != text.tag);
  const std::string long_text(10'000, 'x');
  CHECK(evidence_of(Field::mail_subjects, long_text, subject.vault()).shingles.size() == 1);
  std::string many;
  for (int i = 0; i < 1'000; ++i) many += std::to_string(i * 7'919 + 100'000);
  CHECK(evidence_of(Field::mail_subjects, many, subject.vault()).shingles.size() == shingles_max);
  CHECK(evidence_of(Field::mail_folders, "来週の定例会議の議事録", subject.vault()).shingles.empty());
}
