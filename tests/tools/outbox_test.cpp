#include "tools/deliver/outbox.hpp"

#include <set>

#include "projections/history.hpp"
#include "tests/tools/tools_ledger.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

Json leased(ToolsLedger& ledger, const LeaseOptions& options) {
  const auto answer = lease_notifications(ledger.open, options);
  REQUIRE(answer);
  REQUIRE(!answer->is_refusal);
  return answer->body["notifications"];
}

Json lease(ToolsLedger& ledger, const std::string& holder = "mailer", std::int64_t seconds = 300,
           std::int64_t count_max = 100) {
  return leased(ledger, {.holder = holder, .count_max = count_max, .seconds = seconds, .account = {}});
}

std::vector<std::string> ids_of(const Json& notifications) {
  std::vector<std::string> ids;
  for (const Json& each : notifications) ids.push_back(each["notification_id"]);
  return ids;
}

}  // namespace

SCENARIO("a notification has one holder at a time") {
  GIVEN("an account whose two links wait") {
    ToolsLedger ledger;
    ledger.register_account();
    WHEN("one mailer leases them") {
      const Json leased = lease(ledger, "mailer-1");
      THEN("it is told where to and what, until when") {
        REQUIRE(leased.size() == 2);
        CHECK(leased[0]["kind"] == "proof_link");
        CHECK(leased[0]["channel"] == "email");
        CHECK(leased[0]["destination"] == "owner@example.com");
        CHECK(leased[0]["token"].get<std::string>().size() >= 20);
        CHECK(leased[0]["attempt"] == 1);
        CHECK(leased[0]["lease_until"] == to_rfc3339(start_time + 300 * second_us));
        CHECK(leased[1]["destination"] == "owner@example.org");
        CHECK(leased[1]["token"] != leased[0]["token"]);
      }
      THEN("no other gets them, until the lease runs out") {
        CHECK(lease(ledger, "mailer-2").empty());
        ledger.open.set_time(start_time + 300 * second_us - 1);
        CHECK(lease(ledger, "mailer-2").empty());
        ledger.open.set_time(start_time + 300 * second_us);
        CHECK(lease(ledger, "mailer-2").size() == 2);
      }
    }
    WHEN("a mailer takes one") {
      const Json first = lease(ledger, "mailer-1", 300, 1), second = lease(ledger, "mailer-2", 300, 1);
      THEN("the next gets the other") {
        REQUIRE(first.size() == 1);
        REQUIRE(second.size() == 1);
        CHECK(first[0]["notification_id"] != second[0]["notification_id"]);
        CHECK(lease(ledger).empty());
      }
    }
  }
}

SCENARIO("a lease that ran out unanswered: the same notification again, and again until it is recorded") {
  GIVEN("two links, leased and never answered") {
    ToolsLedger ledger;
    const std::string account = ledger.register_account();
    const Json first = lease(ledger);
    ledger.open.set_time(start_time + hour_us);
    WHEN("they are leased again") {
      const Json second = lease(ledger);
      THEN("under the same ids with the same tokens, as attempt 2") {
        REQUIRE(second.size() == 2);
        CHECK(ids_of(second) == ids_of(first));
        for (std::size_t i = 0; i < 2; ++i) {
          CHECK(second[i]["token"] == first[i]["token"]);
          CHECK(second[i]["attempt"] == 2);
        }
      }
    }
    WHEN("one is recorded as delivered") {
      ledger.run("record-delivery",
                 {{"account", account}, {"notification_id", first[0]["notification_id"]}, {"result", "accepted"}});
      THEN("only the other is leased again") { CHECK(ids_of(lease(ledger)) == std::vector{ids_of(first)[1]}); }
    }
    WHEN("the ledger is opened anew while a lease runs") {
      lease(ledger);
      const auto path = ledger.directory.path() / "ledger";
      ledger.open = {};
      ledger.open = open_for_writing(path, start_time + hour_us);
      THEN("the lease still holds, and so does the count of attempts") {
        CHECK(lease(ledger).empty());
        ledger.open.set_time(start_time + 2 * hour_us);
        CHECK(lease(ledger)[0]["attempt"] == 3);
      }
    }
  }
}

SCENARIO("what cannot be told any more is passed over") {
  GIVEN("an account whose key is erased, and another") {
    ToolsLedger ledger;
    const Id gone = *parse_id(ledger.register_account("gone"));
    ledger.open.set_time(start_time + second_us);
    const std::string here = ledger.register_account("here");
    REQUIRE(!ledger.open.store->write({{Family::keys, KeyRing::row_key(gone), std::nullopt}}, true));
    THEN("only the other's are leased, even when few are asked for") {
      const Json leased = lease(ledger, "mailer", 300, 2);
      REQUIRE(leased.size() == 2);
      for (const Json& each : leased) CHECK(each["account"] == here);
      CHECK(lease(ledger).empty());
    }
  }
}

SCENARIO("a lease may be for one account only") {
  GIVEN("two accounts") {
    ToolsLedger ledger;
    const std::string one = ledger.register_account("one"), two = ledger.register_account("two");
    THEN("each has its own notifications") {
      for (const std::string& account : {one, two}) {
        const Json leased = lease_notifications(ledger.open, {.account = account}).value().body["notifications"];
        CHECK(leased.size() == 2);
        for (const Json& each : leased) CHECK(each["account"] == account);
      }
      CHECK(lease(ledger).empty());
    }
  }
}

SCENARIO("R-LED-5 R-REC-11: once a service is registered, only one with the role delivery leases") {
  GIVEN("an account whose links wait, and services") {
    ToolsLedger ledger;
    const std::string account = ledger.register_account();
    const auto tries = [&](const std::string& service) {
      const auto answer = lease_notifications(ledger.open, {.service = service});
      REQUIRE(answer);
      return answer->is_refusal
                 ? answer->body["rule"].get<std::string>() + " " + answer->body["code"].get<std::string>()
                 : std::to_string(answer->body["notifications"].size());
    };
    WHEN("none is registered yet") {
      THEN("any name leases") { CHECK(tries("anybody") == "2"); }
    }
    for (const char* role : {"delivery", "front_end", "support", "investigator"})
      ledger.run("register-service", {{"name", std::string(role) + "-1"}, {"roles", {role}}});
    WHEN("others ask") {
      const auto before = ledger.open.log->size();
      CHECK(tries("front_end-1") == "R-LED-5 role_missing");
      CHECK(tries("investigator-1") == "R-LED-5 role_missing");
      CHECK(tries("anybody") == "R-LED-5 service_unknown");
      CHECK(tries("support-1") == "R-REC-11 support_overreach");
      THEN("they are refused, each on record, and hold nothing") {
        CHECK(ledger.open.log->size() == before + 4);
        const auto newest = read_event(*ledger.open.store, before + 3);
        const auto event = Event::parse(as_bytes(**newest));
        REQUIRE(event->as<fb::CommandRefused>());
        CHECK(event->header().command()->str() == "lease");
        CHECK(event->header().service()->str() == "support-1");
        CHECK(event->account().is_zero());
        CHECK(tries("delivery-1") == "2");
      }
      THEN("one that asks for an account's is refused on the account") {
        const auto answer = lease_notifications(ledger.open, {.service = "support-1", .account = account});
        REQUIRE(answer);
        const auto envelope = read_event(*ledger.open.store, ledger.open.log->size() - 1);
        CHECK(to_text(Event::parse(as_bytes(**envelope))->account()) == account);
      }
    }
    WHEN("its owner at the terminal asks") {
      THEN("it leases, as it may issue any command") { CHECK(tries("local") == "2"); }
    }
    WHEN("a name is no service's") {
      THEN("that is wrong usage") {
        for (const std::string& name : {std::string(), std::string(65, 's')})
          CHECK_THROWS_AS(static_cast<void>(lease_notifications(ledger.open, {.service = name})), Failure);
        CHECK(tries(std::string(64, 's')) == "R-LED-5 service_unknown");
      }
    }
  }
}
