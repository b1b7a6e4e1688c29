#include "tools/service/quota.hpp"

#include <doctest/doctest.h>

using namespace daicho;

namespace {

constexpr Time now = 1'772'323'200'000'000;

struct Fields {
  std::string policy, limit;
  bool operator==(const Fields&) const = default;
};

Fields fields_of(const Json& body, const Policy& policy = {}, bool replayed = false) {
  HttpFields fields;
  add_quota(fields, {body, body.contains("code"), replayed}, policy, now);
  return {fields.get("RateLimit-Policy").value_or(""), fields.get("RateLimit").value_or("")};
}

}  // namespace

TEST_CASE("what is left of a limit is told with the limit of the policy in force") {
  Policy policy;
  policy.max_code_guesses = 9;
  CHECK(fields_of({{"code", "wrong_code"}, {"guesses_left", 4}}, policy) ==
        Fields{"\"guesses\";q=9;w=3600", "\"guesses\";r=4"});
  CHECK(fields_of({{"attempts_left_today", 1}}) == Fields{"\"recovery-forms\";q=2", "\"recovery-forms\";r=1"});
  CHECK(fields_of({{"accesses_left_today", 49}}) == Fields{"\"accesses\";q=50", "\"accesses\";r=49"});
}

TEST_CASE("a limit of any 24 hours has its window, one of calendar days has none") {
  Policy policy;
  policy.day_kind = "rolling_24h";
  CHECK(fields_of({{"attempts_left_today", 0}}, policy) ==
        Fields{"\"recovery-forms\";q=2;w=86400", "\"recovery-forms\";r=0"});
}

TEST_CASE("nothing is left: the seconds until one more, rounded up, never below 0") {
  const auto refusal = [](Time at) { return Json{{"code", "proof_send_limit"}, {"retry_at", to_rfc3339(at)}}; };
  CHECK(fields_of(refusal(now + 90 * second_us)).limit == "\"codes-to-proof\";r=0;t=90");
  CHECK(fields_of(refusal(now + 90 * second_us + 1)).limit == "\"codes-to-proof\";r=0;t=91");
  CHECK(fields_of(refusal(now - 5 * second_us)).limit == "\"codes-to-proof\";r=0;t=0");
  CHECK(fields_of({{"code", "account_send_limit"}}) ==
        Fields{"\"codes-to-account\";q=10;w=3600", "\"codes-to-account\";r=0"});
}

TEST_CASE("an answer that knows of no limit, or was given before, says none") {
  CHECK(fields_of({{"code", "blocked"}}) == Fields{});
  CHECK(fields_of({{"events", Json::array()}}) == Fields{});
  CHECK(fields_of({{"attempts_left_today", 1}}, {}, true) == Fields{});
}
