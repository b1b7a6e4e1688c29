// tests/ledger/tlog_policy_test.cpp — trust policies: what reads, each error with its line, limits, and judging.
#include "ledger/tlog_policy.hpp"

#include <doctest/doctest.h>

namespace daicho {
namespace {

Signer key(const std::string& name, unsigned number) {
  std::string seed(32, 's');
  seed[0] = static_cast<char>(number);
  return Signer(name, as_bytes(seed));
}
std::string log_vkey(unsigned number) { return key("log.example", number).verifier().vkey(); }
Cosigner witness(unsigned number) { return Cosigner(key("w" + std::to_string(number), 100 + number)); }
std::string witness_vkey(unsigned number) { return witness(number).verifier().vkey(); }
std::string witness_line(unsigned number) {
  return "witness W" + std::to_string(number) + " " + witness_vkey(number) + "\n";
}
std::string witness_lines(unsigned count) {
  std::string lines;
  for (unsigned i = 1; i <= count; ++i) lines += witness_line(i);
  return lines;
}

TlogPolicy policy_of(const std::string& text) {
  auto policy = parse_tlog_policy(text);
  if (!policy) FAIL("line " << policy.error().line << ": " << policy.error().detail);
  return *std::move(policy);
}
/// `line: words` of the error.
std::string error_of(const std::string& text) {
  const auto policy = parse_tlog_policy(text);
  REQUIRE_FALSE(policy);
  return std::to_string(policy.error().line) + ": " + policy.error().detail;
}
void check_error(const std::string& text, const std::string& expected) {
  CAPTURE(text);
  CHECK(error_of(text).find(expected) == 0);
}

const Checkpoint checkpoint{"log.example", 3, {}};
/// Signed by log key 1, cosigned by these.
std::string note_by(const std::vector<unsigned>& witnesses) {
  const Signer log = key("log.example", 1);
  std::vector<NoteSignature> lines;
  for (const unsigned each : witnesses)
    lines.push_back(witness(each).cosign(checkpoint_text(checkpoint), 1'000 + each));
  return *with_signatures(sign_checkpoint(checkpoint, log), lines);
}

TEST_CASE("policy: logs, witnesses, groups, quorum; comments, blanks, tabs") {
  const auto policy =
      policy_of("# whom we trust\n\n \t\n  # indented\nlog " + log_vkey(1) + "\t https://log.example/ \n" +
                "witness\tW1 \t" + witness_vkey(1) + "\n" + "witness W2 " + witness_vkey(2) +
                " http://127.0.0.1:1/w2\ngroup \xE2\x84\xAA any W1 W2\t\nquorum \xE2\x84\xAA\n# the end\n");
  REQUIRE(policy.logs.size() == 1);
  CHECK(policy.logs[0].verifier.vkey() == log_vkey(1));
  CHECK(policy.logs[0].url == "https://log.example/");
  REQUIRE(policy.witnesses.size() == 2);
  CHECK(policy.witnesses[0].name == "W1");
  CHECK(policy.witnesses[0].url.empty());
  CHECK(policy.witnesses[1].verifier.vkey() == witness_vkey(2));
  CHECK(policy.witnesses[1].url == "http://127.0.0.1:1/w2");
  REQUIRE(policy.groups.size() == 1);
  CHECK(policy.groups[0].threshold == 1);
  CHECK(policy.quorum == TlogPolicy::Member{true, 0});
  CHECK_FALSE(policy_of("quorum none\n").quorum);
  CHECK(policy_of(witness_line(1) + "quorum W1\n").quorum == TlogPolicy::Member{false, 0});
}

TEST_CASE("policy: two keys of one origin may be listed, for a rotation") {
  const auto policy = policy_of("log " + log_vkey(1) + "\nlog " + log_vkey(2) + "\nquorum none\n");
  CHECK(policy.logs.size() == 2);
  CHECK(judge(policy, sign_checkpoint(checkpoint, key("log.example", 2))).is_met);
}

TEST_CASE("policy: each error says its line") {
  const std::string two = witness_lines(2);
  check_error("", "0: no quorum line");
  check_error("# nothing\n", "1: no quorum line");
  check_error("quorum none", "1: the line has no newline");
  check_error("quorum none\r\n", "1: a control byte");
  check_error("quorum\vnone\n", "1: a control byte");
  check_error("quorum none\x7F\n", "1: a control byte");
  check_error("quorum\xC2\xA0none\n", "1: `quorum\xC2\xA0none` is none of log");  // a no-break space separates nothing
  check_error("\nquorom none\n", "2: `quorom` is none of log");
  check_error("quorum none\nquorum none\n", "2: a second quorum");
  check_error("quorum\n", "1: a quorum line is");
  check_error("quorum none none\n", "1: a quorum line is");
  check_error("quorum W1\n" + witness_line(1), "1: `W1` is not defined on a line before");
  check_error("log\n", "1: a log line is");
  check_error("log x\n", "1: `x` is no verifier key of a log");
  check_error("log " + witness_vkey(1) + "\n", "1: `w1+");
  check_error("log " + log_vkey(1) + " u v\n", "1: a log line is");
  check_error("log " + log_vkey(1) + "\nlog " + key("other.example", 1).verifier().vkey() + "\n",
              "2: this log's key stands in the policy twice");
  check_error("witness W1\n", "1: a witness line is");
  check_error("witness W1 " + witness_vkey(1) + " u v\n", "1: a witness line is");
  check_error("witness W1 " + log_vkey(1) + "\n", "1: `log.example+");
  check_error(witness_line(1) + "witness X " + Cosigner(key("other", 101)).verifier().vkey() + "\n",
              "2: this witness's key stands in the policy twice");
  check_error(witness_line(1) + "witness W1 " + witness_vkey(2) + "\n", "2: `W1` is defined twice");
  check_error("witness none " + witness_vkey(1) + "\n", "1: `none` is no name");
  check_error(two + "group W1 any W2\n", "3: `W1` is defined twice");
  check_error(two + "group none any W2\n", "3: `none` is no name");
  check_error(two + "group G any\n", "3: a group line is");
  check_error(two + "group G any W3\n", "3: `W3` is not defined on a line before");
  check_error(two + "group G any G\n", "3: `G` is not defined on a line before");
  check_error(two + "group G any none\n", "3: `none` is not defined");
  check_error(two + "group G any W1 W1\n", "3: `W1` is a member of a group already");
  check_error(two + "group G any W1\ngroup H any W1 W2\n", "4: `W1` is a member of a group already");
  for (const std::string wrong : {"0", "3", "01", "+1", "-1", "1.0", "1e0", "ANY", "99999999999999999999"}) {
    check_error(two + "group G " + wrong + " W1 W2\n", "3: `" + wrong + "` is none of all, any, 1 to 2");
  }
}

TEST_CASE("policy: 32 logs, witnesses and groups read, one more does not") {
  std::string logs, witnesses, groups;
  for (unsigned i = 0; i < policy_logs_max; ++i) logs += "log " + log_vkey(i) + "\n";
  CHECK(policy_of(logs + "quorum none\n").logs.size() == policy_logs_max);
  check_error(logs + "log " + log_vkey(99) + "\n", "33: more than 32 logs");
  witnesses = witness_lines(policy_witnesses_max);
  CHECK(policy_of(witnesses + "quorum none\n").witnesses.size() == policy_witnesses_max);
  check_error(witnesses + witness_line(40), "33: more than 32 witnesses");
  for (unsigned i = 1; i <= policy_groups_max; ++i) {
    groups += "group G" + std::to_string(i) + " all W" + std::to_string(i) + "\n";
  }
  CHECK(policy_of(witnesses + groups + "quorum G1\n").groups.size() == policy_groups_max);
  check_error(witnesses + groups + "group H all G1\n", "65: more than 32 groups");
}

TEST_CASE("policy: who signed, who cosigned, and what is missing") {
  const auto policy = policy_of("log " + log_vkey(1) + "\n" + witness_lines(5) +
                                "group X 2 W1 W2 W3\ngroup Y any W4 W5\ngroup Z all X Y\nquorum Z\n");
  const auto met = judge(policy, note_by({1, 3, 4}));
  CHECK(met.is_met);
  CHECK(met.checkpoint == checkpoint);
  CHECK(met.log_keys == std::vector<std::string>{log_vkey(1)});
  REQUIRE(met.cosigned.size() == 3);
  CHECK(met.cosigned[1].witness == 2);
  CHECK(met.cosigned[1].seconds == 1'003);
  CHECK(met.words == "the policy is met: cosigned by W1, W3, W4");
  CHECK(judge(policy, note_by({5, 3, 2})).is_met);
  CHECK(judge(policy, note_by({1, 2, 3, 4, 5})).is_met);

  const auto one_of_two = judge(policy, note_by({1, 4}));
  CHECK_FALSE(one_of_two.is_met);
  CHECK(one_of_two.words ==
        "the policy is not met: group Z has 1 of the 2 it needs, group X has 1 of the 2 it needs, witness W2 has not "
        "cosigned, witness W3 has not cosigned");
  CHECK_FALSE(judge(policy, note_by({1, 2, 3})).is_met);
  CHECK_FALSE(judge(policy, note_by({4, 5})).is_met);
  CHECK_FALSE(judge(policy, note_by({})).is_met);
  CHECK_FALSE(judge(policy, note_by({6, 7, 8})).is_met);  // strangers
  const auto single = policy_of("log " + log_vkey(1) + "\n" + witness_lines(2) + "quorum W2\n");
  CHECK(judge(single, note_by({2})).is_met);
  CHECK(judge(single, note_by({1})).words == "the policy is not met: witness W2 has not cosigned");
}

TEST_CASE("policy: a line that is not what it claims spoils the note") {
  const auto policy = policy_of("log " + log_vkey(1) + "\n" + witness_lines(2) + "quorum W1\n");
  const std::string elsewhere = checkpoint_text({"log.example", 4, {}});
  const std::string good = note_by({1});
  CHECK(judge(policy, good).is_met);
  const std::string bad_witness = good + signature_line(witness(2).cosign(elsewhere, 7));
  CHECK_FALSE(judge(policy, bad_witness).is_met);
  CHECK(judge(policy, bad_witness).words.ends_with("a signature line that claims to be by witness W2 is not"));
  CHECK_FALSE(judge(policy, good + signature_line(witness(1).cosign(elsewhere, 7))).is_met);  // beside a good one
  CHECK(judge(policy, good + signature_line(witness(3).cosign(elsewhere, 7))).is_met);        // a stranger's
  const auto line = key("log.example", 1).sign(as_bytes(elsewhere));
  CHECK_FALSE(judge(policy, good + signature_line(key("log.example", 1).verifier(), line)).is_met);
  CHECK_FALSE(judge(policy, "").is_met);
  CHECK_FALSE(judge(policy, sign_checkpoint(checkpoint, key("log.example", 2))).is_met);
  CHECK_FALSE(judge(policy_of(witness_line(1) + "quorum W1\n"), good).is_met);  // no log is known
}

TEST_CASE("policy: a log vouches for its own origin only") {
  const auto policy = policy_of("log " + key("other.example", 1).verifier().vkey() + "\nquorum none\n");
  const auto judgement = judge(policy, sign_checkpoint(checkpoint, key("other.example", 1)));
  CHECK_FALSE(judgement.is_met);
  CHECK_FALSE(judgement.checkpoint);
}

}  // namespace
}  // namespace daicho
