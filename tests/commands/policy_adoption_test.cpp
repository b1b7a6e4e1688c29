#include "commands/policy_adoption.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <set>

#include "tests/support/commands_ledger.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

/// Without a policy to begin with that forbids what is tried.
Policy wide() {
  Policy policy;
  policy.password_max = 256;
  return policy;
}

std::string parameter_refused(const Json& change) {
  const auto policy = amended(wide(), change);
  if (policy) return "";
  CHECK(policy.error().rule == Rule::led_4);
  CHECK(policy.error().code == "bad_value");
  CHECK(!policy.error().detail.empty());
  return policy.error().extra.at("parameter").get<std::string>();
}

struct Bounds {
  std::int64_t min, initially, max;
};
/// The rulebook's parameters (section 12) and ours, by name: written out, so that a slip in the product's table shows.
const std::map<std::string, Bounds>& numbers() {
  static const std::map<std::string, Bounds> all = {
      {"min_proofs", {1, 2, 10}},
      {"code_digits", {6, 7, 10}},
      {"code_ttl_seconds", {60, 600, 3'600}},
      {"link_ttl_seconds", {300, 86'400, 604'800}},
      {"max_code_guesses", {1, 5, 20}},
      {"max_codes_per_hour", {1, 5, 50}},
      {"max_contact_confirmations", {1, 5, 50}},
      {"challenge_ttl_seconds", {60, 3'600, 86'400}},
      {"step_up_ttl_seconds", {60, 900, 86'400}},
      {"password_min", {8, 8, 64}},
      {"password_max", {8, 16, 256}},
      {"password_classes", {1, 2, 4}},
      {"strong_classes", {1, 3, 4}},
      {"password_history", {0, 10, 24}},
      {"argon2_passes", {1, 2, 10}},
      {"argon2_memory_kib", {8, 19'456, 1'048'576}},
      {"replacement_days", {1, 30, 365}},
      {"max_replacements_per_day", {1, 5, 50}},
      {"recovery_per_day", {1, 2, 100}},
      {"recovery_reply_hours", {1, 24, 720}},
      {"survey_days", {1, 3, 30}},
      {"reset_link_ttl_seconds", {300, 86'400, 604'800}},
      {"recovery_min_fields", {1, 3, 19}},
      {"recovery_threshold", {1, 70, 10'000}},
      {"recovery_values_counted", {1, 2, 10}},
      {"recovery_not_registered_percent", {0, 10, 100}},
      {"recovery_familiar_device", {0, 15, 1'000}},
      {"recovery_familiar_place", {0, 5, 1'000}},
      {"mailbox_inactive_days", {1, 270, 3'650}},
      {"mailbox_first_sign_in_days", {1, 10, 3'650}},
      {"account_inactive_days", {1, 365, 3'650}},
      {"removed_proof_retention_days", {3, 90, 3'650}},
      {"expired_account_retention_days", {1, 90, 3'650}},
      {"recorded_refusals_per_hour", {1, 10, 100}},
      {"accesses_per_day", {0, 50, 1'000}},
  };
  return all;
}

RowMap replayed(const MemoryLedger& ledger) {
  Replay replay(ledger.store(), &ledger.keys());
  REQUIRE(!replay_log(ledger.store(), replay, nullptr));
  return replay.rows();
}

/// Policy versions named by the account's events of one kind, in order.
template <class Payload>
std::vector<std::uint32_t> versions_of(const MemoryLedger& ledger) {
  std::vector<std::uint32_t> versions;
  for (const std::string& envelope : ledger.envelopes()) {
    const auto event = Event::parse(as_bytes(envelope));
    REQUIRE(event);
    if (event->as<Payload>()) versions.push_back(event->header().policy_version());
  }
  return versions;
}

}  // namespace

SCENARIO("R-LED-4: every number has the documents' default, is accepted at its bounds and refused one past each") {
  const Json in_force = to_json(Policy());
  CHECK(policy_numbers().size() == numbers().size());
  for (const auto& each : numbers()) {
    const auto& [name, bounds] = each;
    CAPTURE(each.first);
    CHECK(in_force.at(name) == bounds.initially);
    for (const std::int64_t good : {bounds.min, bounds.max}) {
      const auto policy = amended(wide(), {{name, good}});
      REQUIRE(policy);
      CHECK(to_json(*policy).at(name) == good);
    }
    for (const Json& bad :
         {Json(bounds.min - 1), Json(bounds.max + 1), Json(-bounds.max), Json(std::to_string(bounds.min)),
          Json(static_cast<double>(bounds.max)), Json(true), Json(nullptr), Json::array({bounds.min}), Json::object(),
          Json(std::numeric_limits<std::uint64_t>::max()), Json(std::numeric_limits<std::int64_t>::min())}) {
      CAPTURE(bad.dump());
      CHECK(parameter_refused({{name, bad}}) == name);
    }
  }
}

SCENARIO("R-LED-4: what would break a rule outright is refused by name") {
  CHECK(parameter_refused({{"replacement_days", 0}}) == "replacement_days");
  CHECK(parameter_refused({{"code_digits", 3}}) == "code_digits");
  CHECK(parameter_refused({{"min_proofs", 0}}) == "min_proofs");
  CHECK(parameter_refused({{"max_code_guesses", 0}}) == "max_code_guesses");
  CHECK(parameter_refused({{"recovery_threshold", 0}}) == "recovery_threshold");
  CHECK(parameter_refused({{"password_min", 32}, {"password_max", 31}}) == "password_min");
  CHECK(parameter_refused({{"password_min", 32}, {"password_max", 32}}) == "");
}

SCENARIO("R-ACC-2 R-LED-4: the provider's domains are kept as sign-in names are compared with them, each once") {
  const auto policy = amended(wide(), {{"provider_domains", {"OutLook.COM", "日本語.jp"}}});
  REQUIRE(policy);
  CHECK(policy->provider_domains == std::vector<std::string>{"outlook.com", "xn--wgv71a119e.jp"});
  CHECK(parameter_refused({{"provider_domains", {"outlook.com", "OUTLOOK.com"}}}) == "provider_domains");
}

SCENARIO("R-LED-4: a name that is no parameter is refused by that name, whatever its value") {
  for (const std::string name :
       {"", "version", "Code_digits", "code_digits ", "code-digits", "recovery_weights.surname", "surname",
        "disclose_account_existance", "no_such_parameter"}) {
    for (const Json& value : {Json(1), Json(true), Json(nullptr), Json("x"), Json::object()}) {
      CAPTURE(name);
      CHECK(parameter_refused({{name, value}}) == name);
      CHECK(parameter_refused({{"recovery_per_day", 3}, {name, value}}) == name);
    }
  }
}

SCENARIO("R-ACC-6: the flag takes true and false of JSON, and nothing that looks like them") {
  CHECK(!Policy().disclose_account_existence);
  const auto on = amended(Policy(), {{"disclose_account_existence", true}});
  REQUIRE(on);
  CHECK(on->disclose_account_existence);
  CHECK(!amended(*on, {{"disclose_account_existence", false}})->disclose_account_existence);
  CHECK(amended(*on, {{"recovery_per_day", 3}})->disclose_account_existence);
  for (const Json& bad : {Json(1), Json(0), Json("true"), Json("false"), Json(""), Json(nullptr), Json(1.0),
                          Json::array({true}), Json::object()}) {
    CAPTURE(bad.dump());
    CHECK(parameter_refused({{"disclose_account_existence", bad}}) == "disclose_account_existence");
  }
}

SCENARIO("R-REC-6: weights are an object of fields of the form; those not named stay as they are") {
  const Json fields = to_json(Policy()).at("recovery_weights");
  CHECK(fields.size() == 19);
  for (const auto& each : fields.items()) {
    const auto& [field, initially] = each;
    CAPTURE(each.key());
    for (const std::int64_t weight : {0, 1, 1'000}) {
      const auto policy = amended(Policy(), {{"recovery_weights", {{field, weight}}}});
      REQUIRE(policy);
      Json expected = fields;
      expected[field] = weight;
      CHECK(to_json(*policy).at("recovery_weights") == expected);
      Policy others = *policy;
      others.recovery_weights = Policy().recovery_weights;
      CHECK(others == Policy());
    }
    for (const Json& bad : {Json(-1), Json(1'001), Json(1.5), Json("4"), Json(true), Json(nullptr),
                            Json(std::numeric_limits<std::uint64_t>::max())}) {
      CAPTURE(bad.dump());
      CHECK(parameter_refused({{"recovery_weights", {{field, bad}}}}) == "recovery_weights");
    }
  }
  const auto two = amended(*amended(Policy(), {{"recovery_weights", {{"surname", 0}}}}),
                           {{"recovery_weights", {{"passwords", 100}}}});
  REQUIRE(two);
  CHECK(two->recovery_weights[static_cast<std::size_t>(fb::RecoveryField::surname)] == 0);
  CHECK(two->recovery_weights[static_cast<std::size_t>(fb::RecoveryField::passwords)] == 100);
  CHECK(two->recovery_weights[static_cast<std::size_t>(fb::RecoveryField::given_name)] == 4);
  CHECK(parameter_refused({{"recovery_weights", Json::object()}}) == "");
}

SCENARIO("R-REC-6: weights of no field, or not in an object, are refused, and of a refused change nothing is kept") {
  for (const Json& bad :
       {Json{{"none", 1}}, Json{{"Surname", 1}}, Json{{"", 1}}, Json{{"surname", 1}, {"shoe_size", 1}}, Json(4),
        Json("surname"), Json(nullptr), Json::array(), Json::array({4, 4}), Json(true)}) {
    CAPTURE(bad.dump());
    CHECK(parameter_refused({{"recovery_weights", bad}}) == "recovery_weights");
  }
  MemoryLedger ledger;
  const Answer refused =
      ledger.run(AdoptPolicy{{{"recovery_per_day", 9}, {"recovery_weights", {{"surname", 9}, {"shoe_size", 9}}}}});
  CHECK(outcome(refused) == "R-LED-4 bad_value");
  CHECK(ledger.executor().ledger().policy.recovery_per_day == 2);
  CHECK(ledger.executor().ledger().policy.version == 1);
}

SCENARIO("R-LED-4: what a policy says as JSON is accepted as parameters and gives it back") {
  Policy policy = wide();
  policy.disclose_account_existence = true;
  policy.sign_in_name_reuse = "after_closing";
  policy.subject_match = "exact";
  for (std::size_t i = 1; i < policy.recovery_weights.size(); ++i) policy.recovery_weights[i] = static_cast<int>(i);
  for (const PolicyNumber& entry : policy_numbers()) policy.*entry.field = entry.max;
  Json parameters = to_json(policy);
  CHECK(parameters.erase("version") == 1);
  const auto again = amended(Policy(), parameters);
  REQUIRE(again);
  CHECK(*again == policy);
  flatbuffers::FlatBufferBuilder builder;
  const fb::PolicyAdoptedT adopted = adopt(policy);
  builder.Finish(fb::CreatePolicyAdopted(builder, &adopted));
  CHECK(read_policy(*flatbuffers::GetRoot<fb::PolicyAdopted>(builder.GetBufferPointer())) == policy);
}

SCENARIO("R-LED-4: a recovery is scored under the policy in force when it is decided, and a replay gives equal rows") {
  MemoryLedger ledger;
  const Id owner = ledger.make_owner("owner@outlook.jp");
  const auto decide = [&] {
    const Answer submitted = ledger.run(recovery_form(), owner);
    REQUIRE_MESSAGE(!submitted.is_refusal, submitted.body.dump());
    return id_in(submitted, "recovery_id");
  };
  const Id first = decide(), second = decide();
  const Answer strict = ledger.run(DecideRecovery{first}, owner);
  CHECK(outcome(strict) == "accepted: RecoveryNotVerified");
  CHECK(strict.body["threshold"] == 70);
  const Answer adopted = ledger.run(AdoptPolicy{{{"recovery_threshold", 30},
                                                 {"recovery_weights", {{"surname", 20}}},
                                                 {"recovery_per_day", 4},
                                                 {"disclose_account_existence", true}}});
  CHECK(adopted.body["version"] == 2);
  const Answer lenient = ledger.run(DecideRecovery{second}, owner);
  CHECK(lenient.body["threshold"] == 30);
  CHECK(lenient.body["points"].get<int>() == strict.body["points"].get<int>() + 16);
  CHECK(ledger.run(DecideRecovery{first}, owner).body["outcome"] == "not_verified");  // decided is decided
  const Id third = decide();
  CHECK(ledger.run(AdoptPolicy{{{"recovery_threshold", 10}}}).body["version"] == 3);
  CHECK(outcome(ledger.run(DecideRecovery{third}, owner)) == "accepted: RecoveryVerified ResetLinkIssued");
  CHECK(versions_of<fb::RecoverySubmitted>(ledger) == std::vector<std::uint32_t>{1, 1, 2});
  CHECK(versions_of<fb::RecoveryNotVerified>(ledger).front() == 1);
  CHECK(versions_of<fb::RecoveryVerified>(ledger).back() == 3);
  CHECK(versions_of<fb::PolicyAdopted>(ledger) == std::vector<std::uint32_t>{1, 1, 2});

  const RowMap live = ledger.rows(Family::rows);
  CHECK(replayed(ledger) == live);
  const auto report = rebuild(ledger.store(), ledger.keys(), nullptr);
  REQUIRE(report);
  CHECK(!report->difference);
  ledger.reopen();
  CHECK(ledger.rows(Family::rows) == live);
  CHECK(ledger.executor().ledger().policy.recovery_threshold == 10);
  CHECK(ledger.executor().ledger().policy.disclose_account_existence);
  CHECK(ledger.executor().ledger().policy.recovery_weights[1] == 20);
}

SCENARIO("R-LED-4: windows and limits keep what the policy of their time gave them") {
  MemoryLedger ledger;
  const Id early = ledger.make_owner("early@outlook.jp"), late = ledger.make_owner("late@outlook.jp");
  const auto before = ledger.open_window(early, "new@example.org");
  ledger.run(AdoptPolicy{{{"replacement_days", 1}, {"recorded_refusals_per_hour", 2}}});
  const auto after = ledger.open_window(late, "new@example.net");
  CHECK(before.effective_at == noon + 30 * day_us);
  CHECK(after.effective_at == noon + day_us);
  for (int i = 0; i < 6; ++i) ledger.run(MergeAccounts{"another"}, early);
  CHECK(versions_of<fb::CommandRefused>(ledger) == std::vector<std::uint32_t>{2, 2});
  CHECK(versions_of<fb::ReplacementConfirmed>(ledger) == std::vector<std::uint32_t>{1, 2});
  ledger.run(AdoptPolicy{{{"replacement_days", 365}}});
  ledger.clock = after.effective_at;
  ledger.tick();
  CHECK(ledger.account(early).windows.open->effective_at == before.effective_at);
  CHECK(!ledger.account(late).windows.open);
  CHECK(replayed(ledger) == ledger.rows(Family::rows));
}
