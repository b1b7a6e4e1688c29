// ledger/tlog_policy.hpp — trust policies (c2sp.org/tlog-policy): which logs, which witnesses, and how many of them a
// checkpoint needs. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ledger/checkpoint.hpp"
#include "ledger/cosignature.hpp"

namespace daicho {

inline constexpr std::size_t policy_logs_max = 32;
inline constexpr std::size_t policy_witnesses_max = 32;
inline constexpr std::size_t policy_groups_max = 32;

struct TlogPolicy {
  struct Log {
    Verifier verifier;  ///< several of one name: the keys of one origin
    std::string url;    ///< empty: none
  };
  struct Witness {
    std::string name;  ///< in this policy; its signature lines have the verifier's
    CosignatureVerifier verifier;
    std::string url;
  };
  struct Member {
    bool is_group = false;
    std::size_t index = 0;  ///< in `groups` or `witnesses`
    auto operator<=>(const Member&) const = default;
  };
  struct Group {
    std::string name;
    std::size_t threshold = 0;    ///< how many members must have witnessed
    std::vector<Member> members;  ///< groups among them stand before this one
  };

  std::vector<Log> logs;
  std::vector<Witness> witnesses;
  std::vector<Group> groups;
  std::optional<Member> quorum;  ///< nullopt: no cosignature is asked for
};

struct TlogPolicyError {
  std::size_t line = 0;  ///< from 1; for what is missing, the last one
  std::string detail;
};
Result<TlogPolicy, TlogPolicyError> parse_tlog_policy(std::string_view text);

struct Cosigned {
  std::size_t witness = 0;  ///< in TlogPolicy::witnesses
  std::uint64_t seconds = 0;
};
/// What a policy says of a checkpoint.
struct PolicyJudgement {
  std::optional<Checkpoint> checkpoint;  ///< when a log of the policy signed it
  std::vector<std::string> log_keys;     ///< the vkeys that signed it
  std::vector<Cosigned> cosigned;
  bool is_met = false;
  std::string words;  ///< one sentence: by whom it is met, or what is missing
};
/// A line that claims to be by a key of the policy and is not spoils the whole note (signed-note).
PolicyJudgement judge(const TlogPolicy& policy, std::string_view note);

}  // namespace daicho
