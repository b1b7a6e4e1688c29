// Trust policies. What parses is within the limits and refers to nothing that is not there; what does not names a line.
#include "ledger/tlog_policy.hpp"

#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace daicho;
  using namespace daicho::fuzz;
  const std::string text = input_text(data, size);
  const auto policy = parse_tlog_policy(text);
  if (!policy) {
    const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1;
    must(policy.error().line <= lines, "the line that is wrong is there");
    must(!policy.error().detail.empty(), "words say what is wrong");
    return 0;
  }
  must(policy->logs.size() <= policy_logs_max && policy->witnesses.size() <= policy_witnesses_max &&
           policy->groups.size() <= policy_groups_max,
       "a policy keeps to its limits");
  const auto is_there = [&](const TlogPolicy::Member& member, std::size_t groups) {
    return member.index < (member.is_group ? groups : policy->witnesses.size());
  };
  for (std::size_t i = 0; i < policy->groups.size(); ++i) {
    const TlogPolicy::Group& group = policy->groups[i];
    must(group.threshold >= 1 && group.threshold <= group.members.size(), "a threshold can be met, and asks for one");
    for (const TlogPolicy::Member& member : group.members)
      must(is_there(member, i), "a group is made of witnesses, and of groups before it");
  }
  must(!policy->quorum || is_there(*policy->quorum, policy->groups.size()), "the quorum is there");
  const PolicyJudgement judged = judge(*policy, golden().note);
  must(!judged.words.empty(), "a judgement is a sentence");
  must(!judged.is_met || judged.checkpoint == golden().checkpoint, "what it meets is what was signed");
  must(!judged.is_met || !policy->quorum || !judged.cosigned.empty(), "a quorum is met by nobody's silence");
  return 0;
}
