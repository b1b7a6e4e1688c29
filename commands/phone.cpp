#include <phonenumbers/phonenumberutil.h>

#include <algorithm>

#include "commands/text.hpp"
#include "ledger/ascii.hpp"

namespace daicho {

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

namespace {

std::string region_of(const PhoneNumberUtil& util, std::string_view country) {
  if (country.starts_with('+')) country.remove_prefix(1);
  const bool is_digits = !country.empty() && country.size() <= 3 && std::ranges::all_of(country, is_digit);
  std::string region(country);
  if (is_digits) {
    util.GetRegionCodeForCountryCode(std::stoi(region), &region);
  } else {
    std::ranges::transform(region, region.begin(),
                           [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  }
  return region;
}

}  // namespace

std::optional<Phone> parse_phone(std::string_view number, std::string_view country) {
  constexpr std::size_t phone_bytes_max = 64;
  if (number.size() > phone_bytes_max || country.size() > 4 || !is_utf8(number)) return std::nullopt;
  const PhoneNumberUtil& util = *PhoneNumberUtil::GetInstance();
  PhoneNumber parsed;
  if (util.Parse(std::string(number), region_of(util, country), &parsed) != PhoneNumberUtil::NO_PARSING_ERROR)
    return std::nullopt;
  if (parsed.has_extension() || !util.IsValidNumber(parsed)) return std::nullopt;
  Phone phone;
  util.Format(parsed, PhoneNumberUtil::E164, &phone.e164);
  std::string national;
  util.Format(parsed, PhoneNumberUtil::NATIONAL, &national);
  std::ranges::copy_if(national, std::back_inserter(phone.national_digits), is_digit);
  return phone;
}

}  // namespace daicho
