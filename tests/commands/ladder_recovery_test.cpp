// The refusals of the commands about the recovery form, each in its fixed order.
#include "tests/support/ladder.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

Past submitted(std::uint64_t number) {
  return [number](Subject& subject) {
    const std::vector<fb::FieldMatch> nothing = {{fb::RecoveryField::surname, fb::FieldResult::blank, 0}};
    subject.happened(draft(fb::RecoverySubmittedT{.recovery_id = numbered(number), .fields = nothing}, {Rule::rec_3}));
  };
}

Past two_step_off() {
  return [](Subject& subject) { subject.happened(draft(fb::TwoStepDisabledT{}, {Rule::prf_5})); };
}

/// Two forms sent today, two-step verification on, every route closed.
Subject closed_owner() {
  Subject subject = owner();
  for (const Past& step : {submitted(60), submitted(61), under([](Policy& policy) { policy.routes.clear(); })})
    step(subject);
  subject.happened(draft(fb::TwoStepEnabledT{}, {Rule::prf_5}));
  return subject;
}

auto items(std::vector<RecordEvidence::Item> given) {
  return [given = std::move(given)](Subject&, RecordEvidence& command) { command.items = given; };
}

}  // namespace

SCENARIO("R-CHL-1 R-CHL-9 R-REC-2 R-REC-1 R-REC-3 R-REC-4: submit-recovery, rung by rung") {
  const auto open = under([](Policy& policy) { policy.routes = {"recovery_form"}; });
  Ladder(closed_owner(), SubmitRecovery{.contact_address = "nobody", .character_check = CharacterCheck{"XVMS", "xvm"}})
      .rung("R-CHL-1 character_check_failed: CharacterCheckFailed", &SubmitRecovery::character_check,
            CharacterCheck{"XVMS", "xvms"})
      .rung("R-CHL-9 route_closed", open)
      .rung("R-REC-2 invalid_contact_address", &SubmitRecovery::contact_address, "Owner@Outlook.JP")
      .rung("R-REC-2 own_address", &SubmitRecovery::contact_address, "friend@example.org")
      .rung("R-REC-1 two_step_on: RecoveryRefused", two_step_off())
      .rung("R-REC-3 attempts_used_up: RecoveryRefused", after(day_us))
      .rung("R-REC-4 too_little_information", &SubmitRecovery::answers, recovery_form().answers)
      .expect_accepted("RecoverySubmitted");
}

SCENARIO("R-REC-7: decide-recovery and send-recovery-survey, rung by rung") {
  Ladder(closed_owner(), DecideRecovery{numbered(99)})
      .rung("R-REC-7 recovery_unknown", &DecideRecovery::recovery, numbered(60))
      .expect_accepted("RecoveryNotVerified");
  Ladder(closed_owner(), SendRecoverySurvey{numbered(99)})
      .rung("R-REC-7 recovery_unknown", &SendRecoverySurvey::recovery, numbered(60))
      .expect_accepted("RecoverySurveySent");
}

SCENARIO("R-REC-5 R-LIFE-2: record-evidence, rung by rung") {
  Subject off = owner();
  off.happened(draft(fb::MailboxDeactivatedT{.reason = fb::MailboxReason::owner}, {Rule::life_2}));
  const auto mailbox_on = [](Subject& subject, RecordEvidence&) { subject = owner(); };
  Ladder(off, RecordEvidence{{{"surname", "Yamada"}}})
      .rung("R-REC-5 kind_unknown", items({{"mail_subjects", " "}}))
      .rung("R-LIFE-2 mailbox_off", mailbox_on)
      .rung("R-REC-5 value_unusable", items({}))
      .rung("R-REC-5 no_items", items({{"mail_subjects", "a weekend"}}))
      .expect_accepted("EvidenceRecorded");
}
