#include "projections/folding.hpp"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <cassert>

namespace daicho {

std::string fold(std::string_view text) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* nfkc_casefold = icu::Normalizer2::getNFKCCasefoldInstance(status);
  assert(U_SUCCESS(status));
  const auto source =
      icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<std::int32_t>(text.size())));
  const icu::UnicodeString folded = nfkc_casefold->normalize(source, status);
  icu::UnicodeString result;
  bool space_due = false;
  for (std::int32_t i = 0; i < folded.length(); i = folded.moveIndex32(i, 1)) {
    const UChar32 c = folded.char32At(i);
    if (u_isUWhiteSpace(c)) {
      space_due = !result.isEmpty();
      continue;
    }
    if (space_due) result.append(static_cast<UChar32>(' '));
    space_due = false;
    result.append(c);
  }
  std::string utf8;
  result.toUTF8String(utf8);
  return utf8;
}

std::string fold_address(std::string_view address) {
  const std::size_t at = address.rfind('@');
  if (at == std::string_view::npos) return std::string(address);
  return fold(address.substr(0, at)) + std::string(address.substr(at));  // the domain is in lower case already
}

}  // namespace daicho
