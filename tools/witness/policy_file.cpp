#include "tools/witness/policy_file.hpp"

#include "tools/failure.hpp"
#include "tools/keys/key_files.hpp"

namespace daicho {

TlogPolicy read_policy_file(const std::filesystem::path& path) {
  const auto text = read_file(path);
  if (!text) throw Failure(Exit::usage, path.string() + ": no policy file of up to 64 KiB can be read here");
  auto policy = parse_tlog_policy(*text);
  if (policy) return *std::move(policy);
  throw Failure(Exit::usage, path.string() + ":" + std::to_string(policy.error().line) + ": " + policy.error().detail);
}

}  // namespace daicho
