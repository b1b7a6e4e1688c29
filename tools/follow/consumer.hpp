// tools/follow/consumer.hpp — who takes a batch of a subscription: a program, or whoever reads standard output.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace daicho {

/// Runs the program with `batch` as its standard input; taken when it exits with 0, however much of it it read. Returns
/// why it was not taken. A Failure when the program cannot be started.
std::optional<std::string> give_to(const std::vector<std::string>& command, std::string_view batch);

/// Writes to standard output, all of it; returns why it could not. A reader that is gone is an error, not a signal.
std::optional<std::string> write_out(std::string_view batch);

}  // namespace daicho
