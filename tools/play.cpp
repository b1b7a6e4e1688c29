#include "tools/play.hpp"

#include <algorithm>
#include <istream>

#include "commands/text.hpp"
#include "projections/history.hpp"
#include "tools/answers.hpp"
#include "tools/deliver/outbox.hpp"
#include "tools/query/queries.hpp"
#include "tools/query/rule_index.hpp"
#include "tools/routes.hpp"

namespace daicho {

bool matches(const Json& answer, const Json& expected) {
  if (expected == "*") return !answer.is_null();
  if (expected.is_object()) {
    if (!answer.is_object()) return false;
    for (const auto& [name, value] : expected.items()) {
      if (!answer.contains(name) || !matches(answer[name], value)) return false;
    }
    return true;
  }
  if (expected.is_array()) {
    if (!answer.is_array() || answer.size() != expected.size()) return false;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      if (!matches(answer[i], expected[i])) return false;
    }
    return true;
  }
  return answer == expected;
}

namespace {

using Saved = std::map<std::string, std::string>;

void substitute(Json& json, const Saved& saved) {
  if (json.is_structured()) {
    for (Json& item : json) substitute(item, saved);
    return;
  }
  if (!json.is_string()) return;
  std::string text = json.get<std::string>();
  for (std::size_t at = text.find("${"); at != std::string::npos; at = text.find("${", at)) {
    const std::size_t end = text.find('}', at);
    const auto found = end == std::string::npos ? saved.end() : saved.find(text.substr(at + 2, end - at - 2));
    if (found == saved.end()) throw Failure(Exit::usage, "a `${NAME}` was not saved by an earlier line");
    text.replace(at, end - at + 1, found->second);
    at += found->second.size();
  }
  json = text;
}

void save(const Json& wanted, const Json& answer, Saved& saved) {
  for (const auto& [name, pointer] : wanted.items()) {
    const Json::json_pointer path(pointer.get<std::string>());
    if (!answer.contains(path)) throw Failure(Exit::usage, "`save`: the answer has no " + pointer.get<std::string>());
    const Json& value = answer.at(path);
    saved[name] = value.is_string() ? value.get<std::string>() : value.dump();
  }
}

/// One line, its own members read and the rest left for the command.
class Line {
 public:
  Line(WritableLedger& ledger, Json json, const std::string& service)
      : ledger_(ledger), json_(std::move(json)), service_(service) {
    static constexpr std::array kinds = {"command", "lease", "tick", "query"};
    for (const char* each : kinds) {
      if (!json_.contains(each)) continue;
      if (!kind_.empty()) throw Failure(Exit::usage, "a line has one of command, lease, tick, query");
      kind_ = each;
    }
    if (kind_.empty()) throw Failure(Exit::usage, "a line has one of command, lease, tick, query");
    for (const char* each : {"expect", "save", "cites"}) {
      if (!json_.contains(each)) continue;
      own_[each] = json_[each];
      json_.erase(each);
    }
  }

  Json answer() {
    if (json_.contains("at")) {
      Fields fields(json_);
      const auto at = fields.optional_time("at");
      if (!at) fields.wrong("at", "a time such as 2026-03-01T09:00:00Z");
      ledger_.set_time(*at);
    }
    if (kind_ == "command") return run_command();
    if (kind_ == "lease") return run_lease();
    if (kind_ == "tick") return run_tick();
    return run_query();
  }

  std::string name() const { return json_[kind_].is_string() ? json_[kind_].get<std::string>() : kind_; }
  const Json& own() const { return own_; }
  bool is_refusal = false;

 private:
  Json run_command() {
    return told(execute_json(ledger_, Fields(json_).text("command"), json_, {.service = service_}));
  }

  Json told(Result<Answer, Fault> answer) {
    if (!answer) {
      if (answer.error().kind == FaultKind::stopped) throw Failure(Exit::unavailable, answer.error().detail);
      is_refusal = true;
      return fault_json(answer.error());
    }
    is_refusal = answer->is_refusal;
    return shown(*answer);
  }

  Json run_lease() {
    Fields fields(json_.at("lease"), "lease.");
    const LeaseOptions options = read_lease_options(fields, service_);
    fields.done();
    return told(lease_notifications(ledger_, options));
  }

  Json run_tick() {
    const auto done = ledger_.executor->tick();
    if (!done) throw failure_of(done.error());
    Json answers = Json::array();
    for (const Answer& answer : *done) answers.push_back(answer.body);
    return {{"done", std::move(answers)}};
  }

  Json run_query() {
    Fields fields(json_);
    const Query* query = find_query(fields.text("query"));
    if (!query) throw Failure(Exit::usage, "there is no such query");
    const QueryOptions options = read_query_options(fields);
    fields.mark_read("at");
    fields.done();
    check(ledger_.view(), *query, options);
    return query->answer(ledger_.view(), options);
  }

  WritableLedger& ledger_;
  Json json_, own_ = Json::object();
  const std::string& service_;
  std::string kind_;
};

/// What one play is and has come to.
struct Play {
  WritableLedger& ledger;
  const Format format;
  const std::string &service, &language;
  PlaySummary summary;
  Saved saved;
};

/// A function of its own, so that wipe_stack() reaches all that it used.
[[gnu::noinline]] void play_line(Play& play, std::uint64_t number, const std::string& text) {
  Json json = parse_object(text, "the line");
  substitute(json, play.saved);
  Line line(play.ledger, std::move(json), play.service);
  Json answer = line.answer();
  translate(answer, play.language);
  ++play.summary.lines;
  play.summary.refused += line.is_refusal ? 1 : 0;
  const bool expected = line.own().contains("expect") ? matches(answer, line.own()["expect"]) : !line.is_refusal;
  Json shown = {{"line", number}, {"did", line.name()}};
  if (line.own().contains("cites")) shown["cites"] = line.own()["cites"];
  for (const auto& [name, value] : answer.items()) shown[name] = value;
  if (!expected) {
    ++play.summary.unexpected;
    shown["unexpected"] = line.own().contains("expect") ? line.own()["expect"] : Json("a refusal was not expected");
  }
  print_line(shown, play.format);
  if (line.own().contains("save") && expected) save(line.own()["save"], answer, play.saved);
}

}  // namespace

PlaySummary play(WritableLedger& ledger, std::istream& lines, Format format, const std::string& default_service,
                 const std::string& language) {
  Play play{.ledger = ledger, .format = format, .service = default_service, .language = language};
  std::string text;
  for (std::uint64_t number = 1; std::getline(lines, text); ++number) {
    if (text.empty() || text == "\r") continue;
    try {
      play_line(play, number, text);
    } catch (const Failure& failure) {
      throw Failure(failure.exit, "line " + std::to_string(number) + ": " + failure.what());
    } catch (const Json::exception&) {
      throw Failure(Exit::usage, "line " + std::to_string(number) + ": a member has the wrong type");
    }
    wipe(text);
    wipe_stack();
  }
  if (lines.bad()) throw Failure(Exit::usage, "the lines cannot be read: is it a directory?");
  return play.summary;
}

}  // namespace daicho
