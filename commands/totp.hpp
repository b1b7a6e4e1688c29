// commands/totp.hpp — time-based one-time passwords (RFC 6238: SHA-1, 30 seconds, 6 digits) through liboath.
#pragma once

#include <string>
#include <string_view>

#include "ledger/time.hpp"

namespace daicho {

inline constexpr int totp_window_steps = 1;  ///< one step early or late is accepted (RFC 6238 section 5.2)

bool is_totp_secret(std::string_view base32);
bool totp_matches(const std::string& base32_secret, std::string_view totp, Time now);

}  // namespace daicho
