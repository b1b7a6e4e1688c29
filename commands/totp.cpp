#include "commands/totp.hpp"

#include <liboath/oath.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "commands/proofs.hpp"

namespace daicho {

namespace {

/// The decoded secret, wiped when it goes; empty when it is not base32.
std::string decode(const std::string& base32) {
  char* bytes = nullptr;
  std::size_t length = 0;
  if (oath_base32_decode(base32.data(), base32.size(), &bytes, &length) != OATH_OK) return {};
  std::string secret(bytes, length);
  std::fill_n(bytes, length, '\0');
  std::free(bytes);
  return secret;
}

}  // namespace

bool is_totp_secret(std::string_view base32) {
  if (base32.size() < totp_secret_bytes_min || base32.size() > totp_secret_bytes_max) return false;
  std::string secret = decode(std::string(base32));
  const bool is_base32 = !secret.empty();
  wipe(secret);
  return is_base32;
}

std::string totp_secret_digits(const std::string& base32) {
  std::string secret = decode(base32);
  std::string digits = to_hex(as_bytes(secret));
  wipe(secret);
  return digits;
}

std::optional<std::uint64_t> totp_step(const std::string& base32_secret, std::string_view totp, Time now) {
  std::string secret = decode(base32_secret);
  const auto current = static_cast<std::uint64_t>(now / (totp_step_seconds * second_us));
  std::optional<std::uint64_t> matched;
  for (std::uint64_t step = current < totp_window_steps ? 0 : current - totp_window_steps;
       step <= current + totp_window_steps; ++step) {
    char expected[totp_digits + 1] = {};
    const int made = oath_totp_generate(secret.data(), secret.size(), static_cast<time_t>(step * totp_step_seconds),
                                        totp_step_seconds, OATH_TOTP_DEFAULT_START_TIME, totp_digits, expected);
    const bool is_it = made == OATH_OK && equal_constant_time(as_bytes(std::string_view(expected)), as_bytes(totp));
    if (is_it) matched = step;
  }
  wipe(secret);
  return matched;
}

}  // namespace daicho
