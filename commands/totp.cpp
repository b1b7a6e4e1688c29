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

bool totp_matches(const std::string& base32_secret, std::string_view totp, Time now) {
  std::string secret = decode(base32_secret);
  const std::string attempt(totp);
  const int step = oath_totp_validate(secret.data(), secret.size(), now / second_us, OATH_TOTP_DEFAULT_TIME_STEP_SIZE,
                                      OATH_TOTP_DEFAULT_START_TIME, totp_window_steps, attempt.c_str());
  wipe(secret);
  return step >= 0 && attempt.size() == 6;
}

}  // namespace daicho
