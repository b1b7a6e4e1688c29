// tools/service/supervisor.hpp — tells systemd, or whoever started this process, how it is: the protocol of
// sd_notify(3).
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace daicho {

/// `state`: assignments such as `READY=1`, a line each. One datagram to $NOTIFY_SOCKET, a path or, after `@`, an
/// abstract name; nothing when it is not set. Nobody is waited for, and an error is nobody's business. Any thread.
void tell_supervisor(const std::string& state);

/// How often `WATCHDOG=1` is wanted of this process: half of $WATCHDOG_USEC (sd_watchdog_enabled(3)); nullopt: never.
std::optional<std::chrono::milliseconds> watchdog_pause();

}  // namespace daicho
