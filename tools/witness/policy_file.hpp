// tools/witness/policy_file.hpp — a trust policy in a file.
#pragma once

#include <filesystem>

#include "ledger/tlog_policy.hpp"

namespace daicho {

/// A Failure with exit code 2 that names file and line when it is none.
TlogPolicy read_policy_file(const std::filesystem::path& path);

}  // namespace daicho
