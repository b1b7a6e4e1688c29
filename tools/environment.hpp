// tools/environment.hpp — secrets that come in environment variables.
#pragma once

#include <optional>
#include <string>

namespace daicho {

/// The variable is overwritten and gone from then on, for processes that this one starts, too; nullopt: it was not set.
/// Called while there is one thread.
std::optional<std::string> take_from_environment(const char* name);

}  // namespace daicho
