// tools/service/access_log.hpp — one line of the log a request: what was asked of which endpoint by which service, and
// how it ended. No target, parameter, token, account or address.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "tools/http/message.hpp"

namespace daicho {

struct AccessLine {
  std::string request_id;
  std::string method = "other";   ///< the endpoint's; `other`: it has none such
  std::string endpoint = "none";  ///< its pattern
  std::string service = {};       ///< empty where nobody has to say
  unsigned status = 0;
  std::uint64_t bytes = 0;  ///< of the body; of a stream what it begins with
  std::chrono::nanoseconds took{};
};

inline constexpr std::size_t request_id_chars_max = 64;

/// What the caller sent: `X-Request-Id`, of up to request_id_chars_max letters, digits and `-._`, else the trace id of
/// `traceparent` (W3C Trace Context, section 3.2.2). What is neither is not repeated: 32 random hex digits instead.
std::string request_id_of(const HttpFields& fields);

/// `debug`; a warning of a 500: the fault is here.
void log_access(const AccessLine& line);
/// An error: what went wrong on the way to the answer.
void log_failure(const AccessLine& line, const std::string& words);

}  // namespace daicho
