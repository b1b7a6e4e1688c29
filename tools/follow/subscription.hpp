// tools/follow/subscription.hpp — `query events --verify`: the log's events as they come, each verified before anybody
// sees it and handed over at least once (docs/subscription.md).
#pragma once

#include <chrono>
#include <filesystem>

#include "ledger/log_follower.hpp"
#include "tools/failure.hpp"
#include "tools/output.hpp"

namespace daicho {

inline constexpr std::uint64_t silence_seconds_max = 31'622'400;  ///< a year

struct SubscriptionOptions {
  std::filesystem::path directory;
  std::vector<Verifier> keys;                           ///< the first one; none: the directory's own
  std::optional<std::filesystem::path> cursor;          ///< none: from the first event on, each time
  std::vector<std::string> consumer;                    ///< a program and its arguments; none: standard output
  std::uint64_t batch_events = batch_events_default;    ///< to batch_events_max
  std::optional<std::chrono::seconds> max_silence;      ///< none: waits for ever
  bool goes_on = false;                                 ///< else it takes what is there and ends
  std::function<bool(const Event& event)> is_selected;  ///< what is shown of what was verified
  std::function<Json(const Event& event)> row;
  std::function<bool()> is_interrupted;
};

/// Exit `done`: interrupted, or all was taken. A Failure: `integrity` when something does not verify, and nothing of
/// its batch was shown; `unavailable` when the log is silent for too long, or, unless it goes on, when the consumer did
/// not take a batch.
Exit run_subscription(const SubscriptionOptions& options);

}  // namespace daicho
