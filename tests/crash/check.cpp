#include "tests/crash/check.hpp"

#include <set>
#include <sstream>

#include "ledger/erasing.hpp"
#include "projections/event_fields.hpp"
#include "projections/history.hpp"
#include "projections/replay.hpp"
#include "tests/crash/child.hpp"
#include "tests/crash/writer.hpp"
#include "tools/answers.hpp"
#include "tools/routes.hpp"

namespace daicho::crash {

namespace {

constexpr int fresh_max = 3;

std::string words(const Positions& positions) { return Json(positions).dump(); }

Positions positions_of(const Json& answer) {
  Positions positions;
  for (const Json& event : answer.value("events", Json::array())) positions.push_back(event["seq"]);
  return positions;
}

void check_answers(const Store& store, const Commands& commands) {
  std::set<std::string> keys;
  const auto failed = store.scan(Family::answers, {}, [&](ByteView key, ByteView) {
    keys.emplace(as_text(key));
    return true;
  });
  check(!failed, "the answers do not read");
  std::size_t expected = 0;
  for (const auto& [command, positions] : commands) {
    if (command.first == "init") continue;
    ++expected;
    const std::string own = command.first == "scheduler" ? "\x01" : "";  // only ticks issue as the scheduler here
    check(keys.contains(own + command.first + '\0' + command.second),
          command.second + " has events and no first answer");
  }
  check(keys.size() == expected,
        std::to_string(keys.size()) + " first answers for " + std::to_string(expected) + " commands");
}

/// The answer to a command issued again; its positions and whether it was the first one given again.
struct Again {
  Positions positions;
  bool is_replayed = false;
  bool is_erased = false;
};
Again issue_again(WritableLedger& ledger, const Said::Issued& issued) {
  const auto answer = execute_json(ledger, issued.name, issued.body, {});
  if (!answer && answer.error().kind == FaultKind::answer_erased) return {{}, true, true};
  check(answer.has_value(), issued.name + " again: " + (answer ? "" : answer.error().detail));
  return {positions_of(answer->body), answer->replayed, false};
}

/// Whether something of an event's account was erased after it: then answers about that are gone.
bool was_erased_after(const Store& store, Position position) {
  const std::string envelope = **read_event(store, position);
  const auto account = load_account(store, Event::parse(as_bytes(envelope))->account());
  const auto envelopes = account_events(store, (*account)->head, {});
  return std::ranges::any_of(parse_events(*envelopes), [&](const Event& event) {
    return event.position() > position && erasing(event).has_value();
  });
}

}  // namespace

Said parse_said(const std::string& output) {
  Said said;
  std::istringstream lines(output.substr(0, output.rfind('\n') + 1));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t space = line.find(' ');
    const std::string what = line.substr(0, space), text = line.substr(space + 1);
    check(what == "issued" || what == "answered", "the writer says: " + line);
    const Json json = Json::parse(text);
    if (what == "issued") {
      said.issued[json["body"]["idempotency_key"]] = {json["name"], json["body"]};
      continue;
    }
    said.last_answered = json["key"];
    check(said.answered.emplace(said.last_answered, json["seqs"]).second, "answered twice: " + line);
  }
  return said;
}

Commands check_log(const Store& store) {
  Commands commands;
  std::map<Id, std::uint64_t> versions;
  Position next = 0;
  const auto failed = store.scan(Family::events, {}, [&](ByteView key, ByteView value) {
    const std::string envelope(as_text(value));
    const auto event = Event::parse(as_bytes(envelope));
    const std::string at = "event " + std::to_string(next);
    check(event && event->position() == next && read_big_endian(key) == next, at + ": is another one, or none");
    check(event->account_version() == ++versions[event->account()],
          at + ": account version " + std::to_string(event->account_version()));
    Positions& own = commands[{text_of(event->header().service()), text_of(event->header().command_id())}];
    check(own.empty() || own.back() + 1 == next, at + ": its command began at " + words(own));
    own.push_back(next++);
    return true;
  });
  check(!failed, "the log does not read: " + (failed ? failed->detail : ""));
  return commands;
}

Commands check_ledger(const WritableLedger& ledger) {
  Commands commands = check_log(*ledger.store);
  check_answers(*ledger.store, commands);
  Replay replay(*ledger.store, ledger.keys.get());
  const auto failed = replay_log(*ledger.store, replay, nullptr);
  check(!failed, "the replay fails");
  check(!replay.wrong_digest(), "a recorded digest is not that of the events before it");
  const auto difference = first_difference(*ledger.store, replay);
  check(difference.has_value(), "the projections do not read");
  if (*difference) throw Broken("the projections are not their replay: " + describe(**difference));
  return commands;
}

void check_acknowledged(const std::map<std::string, Positions>& acknowledged, const Commands& commands) {
  for (const auto& [key, positions] : acknowledged) {
    const auto found = commands.find({service, key});
    check(found != commands.end(), key + " was acknowledged at " + words(positions) + " and is lost");
    check(found->second == positions,
          key + " was acknowledged at " + words(positions) + " and is at " + words(found->second));
  }
}

std::map<std::string, Positions> check_repeated(WritableLedger& ledger, const Said& said, const Commands& commands) {
  std::map<std::string, Positions> fresh;
  int tried = 0;
  const std::uint64_t size = ledger.log->size();
  for (const auto& [key, issued] : said.issued) {
    const auto stored = commands.find({service, key});
    if (stored != commands.end()) {
      const Again again = issue_again(ledger, issued);
      check(again.is_replayed, key + " is stored, and was executed again");
      const bool is_gone = again.is_erased && was_erased_after(*ledger.store, stored->second.back());
      check(again.positions == stored->second || is_gone,
            key + " is at " + words(stored->second) + ", its first answer says " + words(again.positions));
    }
  }
  check(ledger.log->size() == size, "stored commands issued again appended events");
  for (auto issued = said.issued.rbegin(); issued != said.issued.rend() && tried < fresh_max; ++issued) {
    const auto& [key, command] = *issued;
    if (commands.contains({service, key})) continue;
    ++tried;
    const Again once = issue_again(ledger, command), twice = issue_again(ledger, command);
    check(!once.is_replayed, key + " is not stored, and has a first answer");
    if (once.positions.empty()) continue;  // a retry of what is so already
    check(twice.is_replayed && twice.positions == once.positions, key + " took effect twice");
    fresh[key] = once.positions;
  }
  return fresh;
}

}  // namespace daicho::crash
