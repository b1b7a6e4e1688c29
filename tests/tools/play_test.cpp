#include "tools/play.hpp"

#include <iostream>
#include <sstream>

#include "tests/tools/tools_ledger.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

struct Played {
  PlaySummary summary;
  std::vector<Json> answers;
  std::string failure;  ///< empty: played to the end
};

Played play_lines(ToolsLedger& ledger, const std::string& text) {
  Played played;
  std::istringstream lines(text);
  std::ostringstream out;
  auto* const before = std::cout.rdbuf(out.rdbuf());
  try {
    played.summary = play(ledger.open, lines, Format::ndjson, "local", "en");
  } catch (const Failure& failure) {
    CHECK(failure.exit == Exit::usage);
    played.failure = failure.what();
  }
  std::cout.rdbuf(before);
  std::istringstream printed(out.str());
  for (std::string line; std::getline(printed, line);) played.answers.push_back(Json::parse(line));
  return played;
}

const std::string registers =
    R"({"command":"register-account","sign_in_name":"owner@outlook.com","password":"Kaze1234",)"
    R"("password_repeat":"Kaze1234","proofs":[{"kind":"email","value":"a@example.com"},{"kind":"email",)"
    R"("value":"b@example.org"}],"save":{"owner":"/account"}})"
    "\n";

}  // namespace

TEST_CASE("an answer matches what is expected of it") {
  const Json answer = {
      {"rule", "R-BLK-1"}, {"events", {{{"seq", 1}, {"type", "A"}}, {{"seq", 2}, {"type", "B"}}}}, {"null", nullptr}};
  CHECK(matches(answer, Json::object()));
  CHECK(matches(answer, {{"rule", "R-BLK-1"}}));
  CHECK(matches(answer, {{"rule", "*"}, {"events", "*"}}));
  CHECK(matches(answer, {{"events", {{{"type", "A"}}, {{"type", "B"}}}}}));
  CHECK(matches(answer, {{"events", {"*", "*"}}}));
  CHECK(matches(answer, {{"null", nullptr}}));
  CHECK(!matches(answer, {{"null", "*"}}));
  CHECK(!matches(answer, {{"missing", "*"}}));
  CHECK(!matches(answer, {{"missing", nullptr}}));
  CHECK(!matches(answer, {{"rule", "R-BLK-2"}}));
  CHECK(!matches(answer, {{"rule", {{"x", 1}}}}));
  CHECK(!matches(answer, {{"events", {{{"type", "B"}}, {{"type", "A"}}}}}));
  CHECK(!matches(answer, {{"events", Json::array({"*"})}}));
  CHECK(!matches(answer, {{"events", Json::array()}}));
  CHECK(!matches(1, "1"));
  CHECK(matches(1, 1));
}

TEST_CASE("what one line saves stands in the lines after it, inside of texts and structures") {
  ToolsLedger ledger;
  const Played played = play_lines(
      ledger,
      registers +
          R"({"query":"account","account":"${owner}","expect":{"account":"${owner}"},"save":{"version":"/version"}})"
          "\n"
          R"({"command":"block-account","account":"${owner}","reason":"at_${version}_and_${version}",)"
          R"("expect":{"events":[{"type":"AccountBlocked"}]}})"
          "\n"
          R"({"query":"block","account":"${owner}","expect":{"reason":"at_5_and_5"}})"
          "\n");
  CHECK(played.failure == "");
  CHECK(played.summary.lines == 4);
  CHECK(played.summary.unexpected == 0);
  CHECK(played.answers.at(3)["reason"] == "at_5_and_5");
}

TEST_CASE("an answer that was not expected is shown and counted, and the play goes on") {
  ToolsLedger ledger;
  const Played played = play_lines(
      ledger, registers +
                  R"({"query":"account","account":"${owner}","expect":{"state":"blocked"},"save":{"x":"/state"}})"
                  "\n"
                  R"({"command":"block-account","account":"${owner}","reason":"NOT A WORD"})"
                  "\n\n"
                  R"({"command":"block-account","account":"${owner}","reason":"NOT A WORD",)"
                  R"("expect":{"rule":"R-BLK-1"},"cites":"002"})"
                  "\n");
  CHECK(played.failure == "");
  CHECK(played.summary.lines == 4);
  CHECK(played.summary.unexpected == 2);
  CHECK(played.summary.refused == 2);
  CHECK(played.answers.at(1)["unexpected"] == Json{{"state", "blocked"}});
  CHECK(played.answers.at(2)["unexpected"] == "a refusal was not expected");
  CHECK(!played.answers.at(3).contains("unexpected"));
  CHECK(played.answers.at(3)["line"] == 5);
  CHECK(played.answers.at(3)["cites"] == "002");
}

TEST_CASE("a line that does not parse ends the play, by its number, and what came before stays") {
  ToolsLedger ledger;
  for (const auto& [line, words] : std::vector<std::pair<std::string, std::string>>{
           {"{", "line 2: the line: not JSON"},
           {R"({"reason":"x"})", "line 2: a line has one of command, lease, tick, query"},
           {R"({"tick":true,"query":"policy"})", "line 2: a line has one of command, lease, tick, query"},
           {R"({"tick":true,"at":null})", "line 2: field `at`: a time such as"},
           {R"({"tick":true,"at":"2020-01-01T00:00:00Z"})", "line 2: --at: 2020-01-01"},
           {R"({"lease":{"count_max":0}})", "line 2: field `lease.count_max`: 1 to 1000"},
           {R"({"lease":{"seconds":86401}})", "line 2: field `lease.seconds`: 1 to 86400"},
           {R"({"lease":{"bogus":1}})", "line 2: field `lease.bogus` is not known here"},
           {R"({"query":"events","limit":10001})", "line 2: limit: 1 to 10000"},
           {R"({"query":"policy","limit":1})", "line 2: query policy takes no limit"},
           {R"({"query":"policy","as_of":9})", "line 2: as of: there is no event 9 yet"},
           {R"({"query":"events","type":"Bogus"})", "line 2: type: there are no events of type `Bogus`"},
           {R"({"query":"policy","save":{"x":"/missing"}})", "line 2: `save`: the answer has no /missing"},
           {R"({"query":"policy","save":{"x":"no pointer"}})", "line 2: a member has the wrong type"},
           {R"({"command":"block-account","reason":"${Geheim7}"})",
            "line 2: a `${NAME}` was not saved by an earlier line"},
           {R"({"command":"block-account","reason":"${Geheim7"})",
            "line 2: a `${NAME}` was not saved by an earlier line"}}) {
    const Played played = play_lines(ledger, "{\"query\":\"policy\"}\n" + line + "\n{\"query\":\"policy\"}\n");
    CHECK(played.failure.substr(0, words.size()) == words);
    CHECK(played.failure.find("Geheim7") == std::string::npos);
  }
  CHECK(ledger.open.log->size() == 2);
}

TEST_CASE("faults as the catalogue shows them, and how the program ends on them") {
  CHECK(fault_json({FaultKind::version_conflict, "x", 7}) ==
        Json{{"error", "version_conflict"}, {"detail", "x"}, {"current_version", 7}});
  CHECK(fault_json({FaultKind::stopped, "x"}) == Json{{"error", "stopped"}, {"detail", "x"}});
  CHECK(exit_of(FaultKind::no_such_account) == Exit::usage);
  CHECK(exit_of(FaultKind::too_large) == Exit::usage);
  CHECK(exit_of(FaultKind::key_reused) == Exit::refused);
  CHECK(exit_of(FaultKind::version_conflict) == Exit::refused);
  CHECK(exit_of(FaultKind::busy) == Exit::unavailable);
  CHECK(exit_of(FaultKind::stopped) == Exit::unavailable);
}
