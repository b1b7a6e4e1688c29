#include "projections/challenges.hpp"

#include <algorithm>

#include "projections/event_fields.hpp"

namespace daicho {

const Challenge* Challenges::find(const Id& id) const {
  const auto found = std::ranges::find(open, id, &Challenge::id);
  return found == open.end() ? nullptr : &*found;
}

namespace {

/// Who gives way when there are too many: one that nobody knew anything for, before one that a code was sent for,
/// before one that was passed; the oldest of them.
int standing(const Challenge& challenge) { return challenge.passed_at ? 2 : challenge.code_sent ? 1 : 0; }

void start(Challenges& challenges, const Event& event, Challenge challenge) {
  std::erase_if(challenges.open, [&](const Challenge& c) { return c.started_at + challenge_kept <= event.time(); });
  if (challenges.open.size() >= challenges_kept_max)
    challenges.open.erase(std::ranges::min_element(challenges.open, {}, standing));
  challenge.started_at = event.time();
  challenge.started = event.position();
  challenges.open.push_back(std::move(challenge));
}

}  // namespace

void evolve(Challenges& challenges, const Event& event) {
  if (const auto* started = event.as<fb::ChallengeStarted>()) {
    start(challenges, event,
          {.id = id_of(started->challenge_id()),
           .purpose = started->purpose(),
           .device_tag = tag_of(started->device_tag()),
           .offers = ids_of(started->offers())});
  } else if (const auto* ended = event.as<fb::ChallengeEnded>()) {  // no proof can answer it, a recovery code still may
    start(challenges, event, {.id = id_of(ended->challenge_id()), .purpose = ended->purpose()});
  } else if (const auto* passed = event.as<fb::ChallengePassed>()) {
    const auto found = std::ranges::find(challenges.open, id_of(passed->challenge_id()), &Challenge::id);
    if (found == challenges.open.end()) return;
    found->passed_at = event.time();
    found->passed = event.position();
    found->passed_with = id_of(passed->proof_id());
  } else if (const auto* sent = event.as<fb::CodeSent>()) {
    const auto found = std::ranges::find(challenges.open, id_of(sent->challenge_id()), &Challenge::id);
    if (found != challenges.open.end()) found->code_sent = true;
  } else if (event.as<fb::AccountBlocked>()) {
    challenges.open.clear();  // what was proven before does not lift it (R-BLK-2)
  } else if (event.as<fb::PasswordReset>() || event.as<fb::PasswordChanged>() || event.as<fb::ReplacementCompleted>()) {
    challenges.open.clear();  // R-PWD-3: a reset ends all of them, its own included
  } else if (const auto* unblocked = event.as<fb::AccountUnblocked>()) {
    std::erase_if(challenges.open, [&](const Challenge& c) { return c.id == id_of(unblocked->challenge_id()); });
  }
}

}  // namespace daicho
