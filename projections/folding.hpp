// projections/folding.hpp — text made comparable (Unicode through ICU). Any thread.
#pragma once

#include <string>
#include <string_view>

namespace daicho {

/// NFKC, case folded, outer white space removed, inner white space runs made one space: what two people would call
/// equal.
std::string fold(std::string_view text);
/// An e-mail address or a phone in E.164, as it is sealed, in the form that equality is judged by.
std::string fold_address(std::string_view address);

}  // namespace daicho
