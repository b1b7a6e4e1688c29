// tests/support/ledger_tree.hpp — a tree whose leaves are at hand.
#pragma once

#include "ledger/merkle.hpp"

namespace daicho::test {

/// Folds the leaves anew for every subtree. They must outlive it.
inline SubtreeReader subtrees_over(const std::vector<Hash>& leaves) {
  return [&leaves](unsigned level, std::uint64_t index) {
    const std::uint64_t count = std::uint64_t{1} << level;
    Frontier frontier;
    for (std::uint64_t i = index * count; i < (index + 1) * count; ++i) frontier.append(leaves.at(i));
    return std::optional(frontier.root());
  };
}

}  // namespace daicho::test
