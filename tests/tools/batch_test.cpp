#include "tools/service/batch.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <mutex>

using namespace daicho;

namespace {

BatchLine of(const char* account, const char* key) { return {account, key}; }
const BatchLine alone{std::nullopt, ""};

using Stages = std::vector<BatchStage>;

}  // namespace

TEST_CASE("a batch: lines of one account are one chain, those of different accounts are side by side") {
  CHECK(plan_batch({}).empty());
  const std::vector<BatchLine> lines = {of("a", "1"), of("b", "2"), of("a", "3"), of("c", "4"), of("b", "5")};
  CHECK(plan_batch(lines) == Stages{{{0, 2}, {1, 4}, {3}}});
}

TEST_CASE("a batch: a line that concerns everybody runs alone, after what is before it") {
  const std::vector<BatchLine> lines = {of("a", "1"), alone, of("a", "2"), of("b", "3"), alone, alone};
  CHECK(plan_batch(lines) == Stages{{{0}}, {{1}}, {{2}, {3}}, {{4}}, {{5}}});
}

TEST_CASE("a batch: one idempotency key on two accounts is never run at once; on one account it is in its order") {
  const std::vector<BatchLine> elsewhere = {of("a", "1"), of("b", "2"), of("c", "1"), of("d", "2")};
  CHECK(plan_batch(elsewhere) == Stages{{{0}, {1}}, {{2}, {3}}});
  const std::vector<BatchLine> same = {of("a", "1"), of("b", "2"), of("a", "1")};
  CHECK(plan_batch(same) == Stages{{{0, 2}, {1}}});
  const std::vector<BatchLine> after = {of("a", "1"), alone, of("b", "1")};
  CHECK(plan_batch(after) == Stages{{{0}}, {{1}}, {{2}}});
}

TEST_CASE("a batch: every line runs once, in its chain's order, with and without helpers, and gives them back") {
  std::vector<BatchLine> lines;
  constexpr std::size_t accounts = 40, rounds = 10;
  for (std::size_t i = 0; i < accounts * rounds; ++i)
    lines.push_back({std::to_string(i % accounts), std::to_string(i)});
  for (const std::ptrdiff_t count : {0, 3, 100}) {
    CAPTURE(count);
    std::counting_semaphore<> helpers(count);
    std::mutex mutex;
    std::vector<std::vector<std::size_t>> seen(accounts);
    const auto stages = plan_batch(lines);
    run_batch(stages, helpers, [&](std::size_t line) {
      const std::lock_guard lock(mutex);
      seen[line % accounts].push_back(line);
    });
    for (std::size_t account = 0; account < accounts; ++account) {
      REQUIRE(seen[account].size() == rounds);
      for (std::size_t round = 0; round < rounds; ++round) CHECK(seen[account][round] == round * accounts + account);
    }
    for (std::ptrdiff_t i = 0; i < count; ++i) REQUIRE(helpers.try_acquire());
    CHECK(!helpers.try_acquire());
  }
}
