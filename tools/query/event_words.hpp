// tools/query/event_words.hpp — an event for people and programs: its public fields as JSON, and one sentence.
#pragma once

#include "commands/decision.hpp"
#include "commands/names.hpp"

namespace daicho {

struct EventWords {
  std::string sentence;
  Json fields = Json::object();
};
EventWords describe(const Event& event);

/// Position, type, account, version, time, who, from where, why: the header as JSON.
Json header_json(const Event& event);

}  // namespace daicho
