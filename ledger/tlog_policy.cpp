#include "ledger/tlog_policy.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

namespace daicho {
namespace {

using Words = std::vector<std::string_view>;
using Error = std::optional<std::string>;

/// Separated by spaces and tabs only.
Words split(std::string_view line) {
  Words words;
  while (true) {
    const std::size_t begin = line.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return words;
    const std::size_t end = std::min(line.find_first_of(" \t", begin), line.size());
    words.push_back(line.substr(begin, end - begin));
    line.remove_prefix(end);
  }
}

bool has_control_byte(std::string_view line) {
  return std::ranges::any_of(line, [](char byte) {
    const auto value = static_cast<unsigned char>(byte);
    return (value < 0x20 && value != '\t') || value == 0x7F;
  });
}

std::string quoted(std::string_view word) { return "`" + std::string(word) + "`"; }

class PolicyParser {
 public:
  /// What is wrong with the line.
  Error line(const Words& words) {
    const std::string_view kind = words.front();
    if (kind == "log") return log(words);
    if (kind == "witness") return witness(words);
    if (kind == "group") return group(words);
    if (kind == "quorum") return quorum(words);
    return quoted(kind) + " is none of log, witness, group, quorum";
  }
  bool has_quorum() const { return has_quorum_; }
  TlogPolicy take() { return std::move(policy_); }

 private:
  Error log(const Words& words) {
    if (words.size() < 2 || words.size() > 3) return "a log line is `log <vkey> [<url>]`";
    if (policy_.logs.size() == policy_logs_max) return "more than " + std::to_string(policy_logs_max) + " logs";
    auto verifier = Verifier::parse_vkey(words[1]);
    if (!verifier) return quoted(words[1]) + " is no verifier key of a log (Ed25519, type 01)";
    if (!log_keys_.insert(verifier->key).second) return "this log's key stands in the policy twice";
    policy_.logs.push_back({*std::move(verifier), std::string(words.size() == 3 ? words[2] : "")});
    return std::nullopt;
  }

  Error witness(const Words& words) {
    if (words.size() < 3 || words.size() > 4) return "a witness line is `witness <name> <vkey> [<url>]`";
    if (policy_.witnesses.size() == policy_witnesses_max)
      return "more than " + std::to_string(policy_witnesses_max) + " witnesses";
    auto verifier = CosignatureVerifier::parse_vkey(words[2]);
    if (!verifier) return quoted(words[2]) + " is no verifier key of a witness (Ed25519 cosignature, type 04)";
    if (!witness_keys_.insert(verifier->key).second) return "this witness's key stands in the policy twice";
    if (auto error = define(words[1], {false, policy_.witnesses.size()})) return error;
    policy_.witnesses.push_back(
        {std::string(words[1]), *std::move(verifier), std::string(words.size() == 4 ? words[3] : "")});
    return std::nullopt;
  }

  Error group(const Words& words) {
    if (words.size() < 4) return "a group line is `group <name> all|any|<k> <name>...`, with one member at least";
    if (policy_.groups.size() == policy_groups_max) return "more than " + std::to_string(policy_groups_max) + " groups";
    TlogPolicy::Group group{.name = std::string(words[1])};
    for (const std::string_view name : Words(words.begin() + 3, words.end())) {
      const auto member = names_.find(name);
      if (member == names_.end()) return quoted(name) + " is not defined on a line before";
      if (!grouped_.insert(member->second).second) return quoted(name) + " is a member of a group already";
      group.members.push_back(member->second);
    }
    const auto threshold = threshold_of(words[2], group.members.size());
    if (!threshold) {
      return quoted(words[2]) + " is none of all, any, 1 to " + std::to_string(group.members.size());
    }
    group.threshold = *threshold;
    if (auto error = define(words[1], {true, policy_.groups.size()})) return error;
    policy_.groups.push_back(std::move(group));
    return std::nullopt;
  }

  Error quorum(const Words& words) {
    if (words.size() != 2) return "a quorum line is `quorum <name>|none`";
    if (has_quorum_) return "a second quorum";
    has_quorum_ = true;
    if (words[1] == none) return std::nullopt;
    const auto member = names_.find(words[1]);
    if (member == names_.end()) return quoted(words[1]) + " is not defined on a line before";
    policy_.quorum = member->second;
    return std::nullopt;
  }

  Error define(std::string_view name, const TlogPolicy::Member& member) {
    if (name == none) return "`none` is no name for a witness or group";
    if (!names_.emplace(name, member).second) return quoted(name) + " is defined twice";
    return std::nullopt;
  }

  static std::optional<std::size_t> threshold_of(std::string_view word, std::size_t members) {
    if (word == "all") return members;
    if (word == "any") return 1;
    std::size_t threshold = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), threshold);
    const bool is_decimal = error == std::errc{} && end == word.data() + word.size() && word.front() != '0';
    return is_decimal && threshold <= members ? std::optional(threshold) : std::nullopt;
  }

  static constexpr std::string_view none = "none";

  TlogPolicy policy_;
  bool has_quorum_ = false;
  std::map<std::string, TlogPolicy::Member, std::less<>> names_;
  std::set<TlogPolicy::Member> grouped_;
  std::set<PublicKey> log_keys_, witness_keys_;
};

/// Judges a member and says, for one that has not witnessed, what is missing.
class QuorumWords {
 public:
  QuorumWords(const TlogPolicy& policy, const std::vector<Cosigned>& cosigned)
      : policy_(policy), has_cosigned_(policy.witnesses.size()) {
    for (const Cosigned& each : cosigned) has_cosigned_[each.witness] = true;
  }

  bool has_witnessed(const TlogPolicy::Member& member) const {
    if (!member.is_group) return has_cosigned_[member.index];
    const TlogPolicy::Group& group = policy_.groups[member.index];
    return count(group) >= group.threshold;
  }

  std::string missing(const TlogPolicy::Member& member) const {
    if (!member.is_group) return "witness " + policy_.witnesses[member.index].name + " has not cosigned";
    const TlogPolicy::Group& group = policy_.groups[member.index];
    std::string words = "group " + group.name + " has " + std::to_string(count(group)) + " of the " +
                        std::to_string(group.threshold) + " it needs";
    for (const TlogPolicy::Member& each : group.members) {
      if (!has_witnessed(each)) words += ", " + missing(each);
    }
    return words;
  }

 private:
  std::size_t count(const TlogPolicy::Group& group) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(group.members, [&](const TlogPolicy::Member& member) { return has_witnessed(member); }));
  }

  const TlogPolicy& policy_;
  std::vector<bool> has_cosigned_;
};

/// By which keys of the policy the note is signed; words when a line is not what it claims.
Error read_log_signatures(const TlogPolicy& policy, std::string_view note, PolicyJudgement& judgement) {
  std::vector<Verifier> verifiers;
  for (const TlogPolicy::Log& log : policy.logs) verifiers.push_back(log.verifier);
  const auto text = open_note(note, verifiers);
  if (!text) {
    switch (text.error()) {
      case NoteFault::malformed:
        return "it is no signed note";
      case NoteFault::unknown_key:
        return "no log of the policy signed it";
      case NoteFault::bad_signature:
        return "a signature line that claims to be by a log of the policy is not";
    }
  }
  const auto checkpoint = parse_checkpoint_text(*text);
  if (!checkpoint) return "it is no checkpoint";
  const auto parsed = parse_note(note);
  for (const Verifier& verifier : verifiers) {
    const auto is_its = [&](const NoteSignature& line) { return line.name == verifier.name && line.id == verifier.id; };
    if (verifier.name == checkpoint->origin && std::ranges::any_of(parsed->signatures, is_its)) {
      judgement.log_keys.push_back(verifier.vkey());
    }
  }
  if (judgement.log_keys.empty()) return "it is signed by a log of another origin than " + quoted(checkpoint->origin);
  judgement.checkpoint = checkpoint;
  return std::nullopt;
}

Error read_cosignatures(const TlogPolicy& policy, std::string_view note, PolicyJudgement& judgement) {
  const auto parsed = parse_note(note);
  for (std::size_t i = 0; i < policy.witnesses.size(); ++i) {
    const TlogPolicy::Witness& witness = policy.witnesses[i];
    for (const NoteSignature& line : parsed->signatures) {
      if (!witness.verifier.is_claimed_by(line)) continue;
      const auto seconds = witness.verifier.verify(parsed->text, line);
      if (!seconds) return "a signature line that claims to be by witness " + witness.name + " is not";
      const bool is_first = judgement.cosigned.empty() || judgement.cosigned.back().witness != i;
      if (is_first) judgement.cosigned.push_back({i, *seconds});
    }
  }
  return std::nullopt;
}

std::string cosigner_names(const TlogPolicy& policy, const std::vector<Cosigned>& cosigned) {
  std::string names;
  for (const Cosigned& each : cosigned) names += (names.empty() ? "" : ", ") + policy.witnesses[each.witness].name;
  return names;
}

}  // namespace

Result<TlogPolicy, TlogPolicyError> parse_tlog_policy(std::string_view text) {
  PolicyParser parser;
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    ++number;
    if (end == std::string_view::npos) return Unexpected{TlogPolicyError{number, "the line has no newline"}};
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (has_control_byte(line)) {
      return Unexpected{TlogPolicyError{number, "a control byte; only spaces and tabs separate"}};
    }
    const Words words = split(line);
    if (words.empty() || words.front().starts_with('#')) continue;
    if (auto error = parser.line(words)) return Unexpected{TlogPolicyError{number, *std::move(error)}};
  }
  if (!parser.has_quorum()) return Unexpected{TlogPolicyError{number, "no quorum line"}};
  return parser.take();
}

PolicyJudgement judge(const TlogPolicy& policy, std::string_view note) {
  PolicyJudgement judgement;
  auto error = read_log_signatures(policy, note, judgement);
  if (!error) error = read_cosignatures(policy, note, judgement);
  if (error) {
    judgement.words = "the policy is not met: " + *error;
    return judgement;
  }
  if (!policy.quorum) {
    judgement.is_met = true;
    judgement.words = "the policy is met: it asks for no cosignature";
    return judgement;
  }
  const QuorumWords quorum(policy, judgement.cosigned);
  judgement.is_met = quorum.has_witnessed(*policy.quorum);
  judgement.words = judgement.is_met ? "the policy is met: cosigned by " + cosigner_names(policy, judgement.cosigned)
                                     : "the policy is not met: " + quorum.missing(*policy.quorum);
  return judgement;
}

}  // namespace daicho
