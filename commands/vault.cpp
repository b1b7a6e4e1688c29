#include "commands/vault.hpp"

#include <array>

namespace daicho {

namespace {

// Crockford's base32 without the letters that look like digits.
constexpr std::string_view recovery_alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::size_t recovery_code_characters = 25;
constexpr std::size_t recovery_group_characters = 5;

constexpr std::array<std::string_view, 6> labels = {"daicho security code v1", "daicho link v1",
                                                    "daicho notice link v1",   "daicho opener token v1",
                                                    "daicho recovery code v1", "daicho service token v1"};
constexpr std::string_view label_of(OneTime kind) { return labels[static_cast<std::size_t>(kind)]; }

std::uint64_t power_of_ten(std::int64_t digits) {
  std::uint64_t power = 1;
  for (std::int64_t i = 0; i < digits; ++i) power *= 10;
  return power;
}

std::string recovery_code(const Tag32& random) {
  std::string code;
  for (std::size_t i = 0; i < recovery_code_characters; ++i) {
    if (i > 0 && i % recovery_group_characters == 0) code.push_back('-');
    code.push_back(recovery_alphabet[random.bytes[i] % recovery_alphabet.size()]);  // 256 is a multiple of 32
  }
  return code;
}

std::string canonical(OneTime kind, std::string_view attempt) {
  if (kind != OneTime::recovery_code) return std::string(attempt);
  std::string canonical;
  for (char c : attempt) {
    if (c == '-' || c == ' ') continue;
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (c == 'O') c = '0';
    if (c == 'I' || c == 'L') c = '1';
    canonical.push_back(c);
  }
  return canonical;
}

}  // namespace

Vault::Vault(const Id& account, const SecretKey& data_key, const SecretKey& code_key)
    : account_(account), tag_key_(derive_key(data_key, "daicho tag key v1", {})), code_key_(code_key.clone()) {}

Tag16 Vault::tag(std::string_view label, std::string_view text) const {
  return keyed_tag(tag_key_, label, {as_bytes(text)});
}

Hash Vault::key_fingerprint() const {
  return *Hash::from(keyed_hash(tag_key_, "daicho key fingerprint v1", {account_.view()}).view());
}

std::string Vault::secret(OneTime kind, const Id& id, std::int64_t digits) const {
  for (std::uint8_t round = 0;; ++round) {
    const std::array<std::uint8_t, 1> counter = {round};
    const Tag32 random = keyed_hash(code_key_, label_of(kind), {account_.view(), id.view(), counter});
    if (kind == OneTime::recovery_code) return recovery_code(random);
    if (kind != OneTime::security_code) return to_base64url(random.view());
    // Uniform: values past the last whole multiple of 10^digits are drawn again.
    const std::uint64_t value = read_big_endian(random.view().first(8)), range = power_of_ten(digits);
    if (value >= UINT64_MAX - UINT64_MAX % range) continue;
    std::string code = std::to_string(value % range);
    code.insert(0, static_cast<std::size_t>(digits) - code.size(), '0');
    return code;
  }
}

Tag16 Vault::hash(OneTime kind, const Id& id, std::string_view secret) const {
  const std::string text = canonical(kind, secret);
  return keyed_tag(code_key_, "daicho one-time hash v1",
                   {as_bytes(label_of(kind)), account_.view(), id.view(), as_bytes(text)});
}

bool Vault::matches(OneTime kind, const Id& id, const Tag16& hash, std::string_view attempt) const {
  return equal_constant_time(this->hash(kind, id, attempt).view(), hash.view());
}

}  // namespace daicho
