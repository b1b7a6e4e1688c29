#include "commands/profile.hpp"

#include <doctest/doctest.h>

#include "tests/support/commands_subject.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

/// Ready to change its profile: numbered(7) is passed on "pc-1".
Subject changing_owner() {
  Subject subject = owner();
  passed(fb::Purpose::change_security_info, 7, 0, "pc-1")(subject);
  return subject;
}

bool is_shown(const Subject& subject, Notice notice, const std::string& device_id) {
  const auto shown = notices(subject.account(), subject.policy, subject.vault().tag("device", device_id));
  return std::ranges::find(shown, notice) != shown.end();
}

}  // namespace

SCENARIO("R-ACC-3: a change names the fields that changed, seals the values, and the other fields stay") {
  Subject subject = changing_owner();
  const Decision decision = subject.run(
      ChangeProfile{numbered(7), {{"surname", "Suzuki-Kobayashi"}, {"given_name", "Hanako"}, {"region", "Kyoto"}}});
  const Draft& event = decision.events.front();
  CHECK(event.payload.AsProfileChanged()->fields == std::vector<std::string>{"surname", "region"});
  CHECK(decision.returns["changed"] == Json({"surname", "region"}));
  CHECK(event.caused_by == subject.account().challenges.find(numbered(7))->passed);
  CHECK(subject.envelopes().back().find("Suzuki") == std::string::npos);
  const fb::ProfileT profile = profile_of(subject.account(), subject.context());
  CHECK(profile.surname == "Suzuki-Kobayashi");
  CHECK(profile.given_name == "Hanako");
  CHECK(profile.region == "Kyoto");
  subject.run(ChangeProfile{numbered(7), {{"region", ""}}});
  CHECK(profile_of(subject.account(), subject.context()).region == "");
  CHECK(profile_of(subject.account(), subject.context()).surname == "Suzuki-Kobayashi");
}

SCENARIO("R-ACC-3: every profile field has a public name of its own") {
  std::vector<std::string> names;
  for (const ProfileField& field : profile_fields()) names.push_back(field.name);
  CHECK(names == std::vector<std::string>{"surname", "given_name", "birth_date", "country", "region", "postal_code"});
  for (const ProfileField& field : profile_fields()) {
    CAPTURE(std::string(field.name));
    Subject subject = changing_owner();
    subject.run(ChangeProfile{numbered(7), {{field.name, "a new value"}}});
    const fb::ProfileT profile = profile_of(subject.account(), subject.context());
    int changed = 0;
    for (const ProfileField& other : profile_fields()) changed += profile.*other.field == "a new value";
    CHECK(changed == 1);
    CHECK(profile.*field.field == "a new value");
  }
}

SCENARIO("R-ACC-3: what was true before stays usable, above all what was true at registration") {
  Subject subject = changing_owner();
  const auto surname_at = [&](std::size_t n) {
    const auto personal = subject.context().personal(subject.folded().identity.profiles.at(n));
    REQUIRE(personal);
    return personal->profile->surname;
  };
  for (std::size_t i = 1; i < profile_events_kept_max; ++i)
    subject.run(ChangeProfile{numbered(7), {{"surname", "Name " + std::to_string(i)}}});
  CHECK(subject.folded().identity.profiles.size() == profile_events_kept_max);
  CHECK(surname_at(0) == "Yamada");
  CHECK(surname_at(1) == "Name 1");
  subject.run(ChangeProfile{numbered(7), {{"surname", "The newest"}}});
  CHECK(subject.folded().identity.profiles.size() == profile_events_kept_max);
  CHECK(surname_at(0) == "Yamada");
  CHECK(surname_at(1) == "Name 2");
  CHECK(surname_at(profile_events_kept_max - 1) == "The newest");
}

SCENARIO("R-ACC-7: a changed profile asks on every device again, until a challenge is passed there") {
  Subject subject = changing_owner();
  CHECK(!is_shown(subject, Notice::verify_this_device, "pc-1"));
  subject.now += minute_us;
  subject.run(ChangeProfile{numbered(7), {{"given_name", "Hanako"}}});  // nothing changes
  CHECK(!is_shown(subject, Notice::verify_this_device, "pc-1"));
  subject.run(ChangeProfile{numbered(7), {{"postal_code", "600-8216"}}});
  CHECK(is_shown(subject, Notice::verify_this_device, "pc-1"));
  CHECK(is_shown(subject, Notice::verify_this_device, "pc-2"));
  subject.now += minute_us;
  passed(fb::Purpose::sensitive_page, 70, 0, "pc-1")(subject);
  CHECK(!is_shown(subject, Notice::verify_this_device, "pc-1"));
  CHECK(is_shown(subject, Notice::verify_this_device, "pc-2"));
}
