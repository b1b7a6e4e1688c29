// tools/service/batch.hpp — which lines of a batch may run side by side, so that they share commits, and running them.
// Lines of one account run in their order, and so do two with one idempotency key; a line that may concern everybody
// (the policy, the services, the clock) runs alone, after all before it and before all behind it.
#pragma once

#include <functional>
#include <optional>
#include <semaphore>
#include <span>
#include <string>
#include <vector>

namespace daicho {

/// What the order of a line depends on.
struct BatchLine {
  std::optional<std::string> account;  ///< one name for one account, however the line names it; nullopt: alone
  std::string key;                     ///< its idempotency key
};
using BatchChain = std::vector<std::size_t>;  ///< lines, by number, one after the other
using BatchStage = std::vector<BatchChain>;   ///< chains, side by side
/// Stages come one after the other; each line is in one of them. Pure.
std::vector<BatchStage> plan_batch(std::span<const BatchLine> lines);

inline constexpr std::size_t batch_threads_max = 16;  ///< of one batch

/// Calls `run`, which may not throw, for each line. The caller's thread works, too; others join it while `helpers` has
/// some left.
void run_batch(std::span<const BatchStage> stages, std::counting_semaphore<>& helpers,
               const std::function<void(std::size_t line)>& run);

}  // namespace daicho
