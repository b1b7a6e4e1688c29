// tools/service/target.hpp — the target of a request taken apart: path segments and parameters, percent-decoded
// (RFC 3986 sections 2.1, 3.3, 3.4). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace daicho {

inline constexpr std::size_t parameters_max = 32;

struct HttpTarget {
  std::vector<std::string> path;  ///< `/v1/log/tile/0/x001/067` has six; none is empty
  std::vector<std::pair<std::string, std::string>> parameters;
};

/// nullopt: no absolute path, an empty segment or one of dots, a malformed or overlong escape, NUL, bytes that are no
/// UTF-8, too many parameters. A slash that is escaped stays within its segment.
std::optional<HttpTarget> parse_target(std::string_view target);

/// What `{name}` of a pattern stands for, in its order; nullopt: the path is not the pattern's. `{name…}` at the end
/// stands for all that is left, one segment or more, with slashes between.
std::optional<std::vector<std::string>> match_path(std::string_view pattern, const std::vector<std::string>& path);

}  // namespace daicho
