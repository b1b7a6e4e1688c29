#include "tools/service/batch.hpp"

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>
#include <unordered_map>

#include "tools/system.hpp"

namespace daicho {

std::vector<BatchStage> plan_batch(std::span<const BatchLine> lines) {
  std::vector<BatchStage> stages;
  std::unordered_map<std::string, std::size_t> chain_of_account, chain_of_key;  // of the last stage
  bool is_open = false;                                                         // it takes more chains
  const auto begin_stage = [&] {
    stages.emplace_back();
    chain_of_account.clear();
    chain_of_key.clear();
    is_open = true;
  };
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const BatchLine& line = lines[i];
    if (!line.account) {
      stages.push_back({{i}});
      is_open = false;
      continue;
    }
    const auto chain = chain_of_account.find(*line.account);
    const auto same_key = chain_of_key.find(line.key);
    const bool has_key = is_open && same_key != chain_of_key.end();
    const bool is_elsewhere = has_key && (chain == chain_of_account.end() || chain->second != same_key->second);
    if (!is_open || is_elsewhere) begin_stage();
    const auto [place, is_new] = chain_of_account.try_emplace(*line.account, stages.back().size());
    if (is_new) stages.back().emplace_back();
    stages.back()[place->second].push_back(i);
    chain_of_key.try_emplace(line.key, place->second);
  }
  return stages;
}

void run_batch(std::span<const BatchStage> stages, std::counting_semaphore<>& helpers,
               const std::function<void(std::size_t line)>& run) {
  for (const BatchStage& stage : stages) {
    std::atomic<std::size_t> next = 0;
    const auto work = [&] {
      for (std::size_t chain = next++; chain < stage.size(); chain = next++) std::ranges::for_each(stage[chain], run);
      wipe_stack();
    };
    std::vector<std::jthread> threads;
    const std::size_t wanted = std::min(stage.size(), batch_threads_max) - 1;
    while (threads.size() < wanted && helpers.try_acquire()) {
      try {
        threads.emplace_back([&] {
          work();
          helpers.release();
        });
      } catch (const std::system_error&) {  // no more threads to be had: the others do it
        helpers.release();
        break;
      }
    }
    work();
  }
}

}  // namespace daicho
