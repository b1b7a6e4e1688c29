// tools/bench/disclosure.hpp — whether time tells a known sign-in name from an unknown one (R-ACC-6).
#pragma once

#include "tools/bench/bench.hpp"

namespace daicho {

/// In a ledger made for the run: public commands in turn on known and unknown names, one caller. For each command the
/// quantiles of both, and how often a known name's answer takes longer than an unknown one's: 0.5 tells nothing, 0 and
/// 1 tell all. Every answer's members are compared on the way.
Json bench_disclosure(const std::filesystem::path& directory, unsigned seconds);

}  // namespace daicho
