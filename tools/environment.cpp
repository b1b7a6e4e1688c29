#include "tools/environment.hpp"

#include <sodium.h>
#include <unistd.h>

#include <cstdlib>

namespace daicho {

std::optional<std::string> take_from_environment(const char* name) {
  char* const value = std::getenv(name);
  if (!value) return std::nullopt;
  std::string taken(value);
  sodium_memzero(value, taken.size());
  ::unsetenv(name);
  return taken;
}

}  // namespace daicho
