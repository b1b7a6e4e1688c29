// tools/logging.hpp — the log of what runs as a service: a line an event on standard error, as text or as JSON, with
// named fields. Nothing personal and no secret goes into it: endpoints' patterns, not targets; services, not accounts.
#pragma once

#include <string>
#include <string_view>

#include "commands/decision.hpp"

namespace daicho {

enum class LogLevel { debug, info, warning, error };

/// As the options have them: `text` or `json`; `debug`, `info`, `warning` or `error`.
struct LogOptions {
  std::string format = "text", level = "info";
};

/// From here on spdlog's lines, too, are written so: `time` (RFC 3339, UTC, microseconds), `level`, `message`, then the
/// fields; as text `TIME LEVEL: MESSAGE NAME=VALUE…`. Before it, as the terminal has them. Once, before other threads.
void start_log(const LogOptions& options);

bool is_logged(LogLevel level);

/// One line, written when this returns: who reads standard error must keep up. `fields`: an object, none called as one
/// of the three. Any thread. Does not throw.
void log_line(LogLevel level, std::string_view message, const Json& fields = Json::object());

}  // namespace daicho
