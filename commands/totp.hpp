// commands/totp.hpp — time-based one-time passwords (RFC 6238: SHA-1, 30 seconds, 6 digits) through liboath.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ledger/time.hpp"

namespace daicho {

inline constexpr unsigned totp_digits = 6;
inline constexpr unsigned totp_step_seconds = 30;
inline constexpr unsigned totp_window_steps = 1;  ///< one step early or late is accepted (RFC 6238 section 5.2)

bool is_totp_secret(std::string_view base32);
/// The secret's bytes in hexadecimal: equal for all spellings of one secret.
std::string totp_secret_digits(const std::string& base32);
/// The time step this code belongs to, within the window; nullopt: it is not right now.
std::optional<std::uint64_t> totp_step(const std::string& base32_secret, std::string_view totp, Time now);

}  // namespace daicho
