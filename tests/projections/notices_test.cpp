#include <doctest/doctest.h>

#include "commands/names.hpp"
#include "projections/account.hpp"
#include "tests/support/commands_subject.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

/// The notices a device shows, in words; of any device when none is named.
std::string shown(const Subject& subject, const std::string& device_id = "") {
  std::optional<Tag16> device;
  if (!device_id.empty()) device = subject.vault().tag("device", device_id);
  std::string words;
  for (const Notice notice : notices(subject.account(), subject.policy, device))
    words += (words.empty() ? "" : " ") + std::string(name(notice));
  return words;
}

/// Registered, two proofs verified, and a challenge passed on "pc-1" since: nothing to show there.
Subject quiet_owner() {
  Subject subject = owner();
  passed(fb::Purpose::sensitive_page, 60, 0, "pc-1")(subject);
  subject.now += hour_us;
  return subject;
}

Past new_password(fb::Grade grade) {
  return [grade](Subject& subject) {
    subject.now += minute_us;
    subject.happened(draft(fb::PasswordChangedT{.grade = grade}, {Rule::pwd_4}));
  };
}
Past change_undone_on(const std::string& device_id) {
  return [device_id](Subject& subject) {
    subject.now += minute_us;
    passed(fb::Purpose::sensitive_page, 900, 0, device_id)(subject);
    subject.now += minute_us;
  };
}

}  // namespace

SCENARIO("R-ACC-2 R-ACC-7 R-PRF-8 R-LOST-4: all four notices appear, in one order, and each clears by itself") {
  Subject subject = given({registered("owner@example.com", false), mailbox("a@example.com"), verified(0),
                           marked_lost(70), proposed(70, "new@example.org"), confirmed(70)});
  CHECK(shown(subject, "pc-1") ==
        "confirm_sign_in_name add_security_info security_info_change_pending verify_this_device");
  subject.happened(draft(fb::SignInNameConfirmedT{}, {Rule::acc_2}));
  CHECK(shown(subject, "pc-1") == "add_security_info security_info_change_pending verify_this_device");
  subject.happened(draft(fb::ReplacementCancelledT{.replacement_id = numbered(70)}, {Rule::lost_5}));
  CHECK(shown(subject, "pc-1") == "add_security_info verify_this_device");
  change_undone_on("pc-1")(subject);
  CHECK(shown(subject, "pc-1") == "add_security_info");
  phone("090-9876-5432")(subject);
  verified(subject.folded().proofs.all.size() - 1)(subject);
  CHECK(shown(subject, "pc-1") == "verify_this_device");  // a proof was added: that is a change
  change_undone_on("pc-1")(subject);
  CHECK(shown(subject, "pc-1") == "");
}

SCENARIO("R-PRF-8: a proof that is removed or not verified yet does not count, one marked lost does while it works") {
  Subject subject = quiet_owner();
  CHECK(shown(subject, "pc-1") == "");
  marked_lost(70)(subject);
  CHECK(shown(subject, "pc-1") == "security_info_change_pending");
  subject.happened(draft(fb::ReplacementCancelledT{.replacement_id = numbered(70)}, {Rule::lost_5}));
  removed(1)(subject);
  CHECK(shown(subject, "pc-1") == "add_security_info verify_this_device");
  mailbox("third@example.org")(subject);
  CHECK(shown(subject, "pc-1") == "add_security_info verify_this_device");
  verified(2)(subject);
  CHECK(shown(subject, "pc-1") == "verify_this_device");
}

SCENARIO("R-PRF-8: a weak password asks for more although two proofs are verified") {
  Subject subject = quiet_owner();
  new_password(fb::Grade::weak)(subject);
  change_undone_on("pc-1")(subject);
  CHECK(shown(subject, "pc-1") == "add_security_info");
  WHEN("a strong or an acceptable one takes its place") {
    for (const fb::Grade grade : {fb::Grade::strong, fb::Grade::acceptable}) {
      new_password(fb::Grade::weak)(subject);
      new_password(grade)(subject);
      change_undone_on("pc-1")(subject);
      CHECK(shown(subject, "pc-1") == "");
    }
  }
  WHEN("another proof is verified since") {
    mailbox("third@example.org")(subject);
    CHECK(shown(subject, "pc-1") == "add_security_info verify_this_device");
    subject.now += minute_us;
    verified(2)(subject);
    change_undone_on("pc-1")(subject);
    CHECK(shown(subject, "pc-1") == "");
    removed(2)(subject);
    change_undone_on("pc-1")(subject);
    CHECK(shown(subject, "pc-1") == "add_security_info");  // only the older ones are left
  }
}

SCENARIO("R-LOST-7 R-PRF-8: a window's end clears the notice of a weak password before anybody wrote that it ended") {
  Subject subject = quiet_owner();
  subject.policy.min_proofs = 1;
  for (const Past& step : {marked_lost(70), proposed(70, "new@example.org"), confirmed(70)}) step(subject);
  new_password(fb::Grade::weak)(subject);
  const Account open = subject.folded();
  subject.now = *open.windows.open->effective_at - 1;
  CHECK(shown(subject, "pc-1") == "add_security_info security_info_change_pending verify_this_device");
  subject.now += 1;
  CHECK(shown(subject, "pc-1") == "verify_this_device");
  subject.happened(completion(open, subject.now, subject.context()));
  CHECK(shown(subject, "pc-1") == "verify_this_device");
}

SCENARIO("R-PRF-8: a strong password clears nothing while the second proof is missing") {
  Subject subject = given({registered(), mailbox("a@example.com"), verified(0), new_password(fb::Grade::weak),
                           new_password(fb::Grade::strong), change_undone_on("pc-1")});
  CHECK(shown(subject, "pc-1") == "add_security_info");
  phone("090-9876-5432")(subject);
  verified(1)(subject);
  change_undone_on("pc-1")(subject);
  CHECK(shown(subject, "pc-1") == "");
}

SCENARIO("R-ACC-7: every change of security information, password or profile asks every device again") {
  const std::vector<std::pair<std::string, Past>> changes = {
      {"proof added", mailbox("third@example.org")},
      {"proof removed", removed(1)},
      {"password changed", [](Subject& s) { s.happened(draft(fb::PasswordChangedT{}, {Rule::pwd_4})); }},
      {"password reset", [](Subject& s) { s.happened(draft(fb::PasswordResetT{}, {Rule::pwd_3})); }},
      {"profile changed", [](Subject& s) { s.happened(draft(fb::ProfileChangedT{}, {Rule::acc_3})); }},
      {"two-step on", [](Subject& s) { s.happened(draft(fb::TwoStepEnabledT{}, {Rule::prf_5})); }},
      {"two-step off", [](Subject& s) { s.happened(draft(fb::TwoStepDisabledT{}, {Rule::prf_5})); }},
  };
  for (const auto& each : changes) {
    const auto& [words, change] = each;
    CAPTURE(each.first);
    Subject subject = quiet_owner();
    passed(fb::Purpose::sensitive_page, 61, 0, "pc-2")(subject);
    subject.policy.min_proofs = 1;
    subject.now += minute_us;
    CHECK(shown(subject, "pc-1") == "");
    change(subject);
    CHECK(shown(subject, "pc-1") == "verify_this_device");
    CHECK(shown(subject, "pc-2") == "verify_this_device");
    CHECK(shown(subject) == "verify_this_device");
    subject.now += minute_us;
    passed(fb::Purpose::sensitive_page, 62, 0, "pc-2")(subject);
    CHECK(shown(subject, "pc-1") == "verify_this_device");
    CHECK(shown(subject, "pc-2") == "");
    CHECK(shown(subject) == "");
  }
}

SCENARIO("R-ACC-7: a sign-in, a failed one or a started challenge changes nothing and verifies nothing") {
  Subject subject = quiet_owner();
  const Tag16 device = subject.vault().tag("device", "pc-1");
  subject.happened(draft(fb::SignInSucceededT{.device_tag = device}, {Rule::acc_5}));
  subject.happened(draft(fb::SignInFailedT{.device_tag = device}, {Rule::acc_5}));
  CHECK(shown(subject, "pc-1") == "");
  new_password(fb::Grade::strong)(subject);
  subject.happened(draft(fb::SignInSucceededT{.device_tag = device}, {Rule::acc_5}));
  started(fb::Purpose::sensitive_page, 70, "pc-1")(subject);
  CHECK(shown(subject, "pc-1") == "verify_this_device");
}

SCENARIO("R-LIFE-1 R-LIFE-3 R-ACC-7: an account that ended shows no notice") {
  const std::vector<Draft> ends = [] {
    std::vector<Draft> drafts;
    drafts.push_back(draft(fb::AccountClosedT{}, {Rule::life_1}));
    drafts.push_back(draft(fb::AccountExpiredT{}, {Rule::life_3}));
    return drafts;
  }();
  for (const Draft& end : ends) {
    Subject subject = given({registered("owner@example.com", false), mailbox("a@example.com")});
    CHECK(shown(subject) == "confirm_sign_in_name add_security_info verify_this_device");
    subject.happened(end);
    CHECK(shown(subject) == "");
    CHECK(shown(subject, "pc-1") == "");
  }
}
