#include "commands/names.hpp"

#include <doctest/doctest.h>

#include <set>

#include "commands/rules.hpp"

using namespace daicho;

namespace {

template <class Enum>
void check_round_trip(std::size_t count) {
  std::set<std::string> words;
  for (int i = static_cast<int>(Enum::MIN); i <= static_cast<int>(Enum::MAX); ++i) {
    const auto value = static_cast<Enum>(i);
    const std::string word(name(value));
    words.insert(word);
    CAPTURE(word);
    CHECK(!word.empty());
    if (word == "none") {
      CHECK(!parse_name<Enum>(word));
    } else {
      CHECK(parse_name<Enum>(word) == value);
    }
  }
  CHECK(words.size() == count);
  CHECK(!parse_name<Enum>(""));
  CHECK(!parse_name<Enum>("no such word"));
}

}  // namespace

SCENARIO("R-LED-5: every enumerator has its own word, which reads back") {
  CHECK(name(fb::ProofKind::mobile_phone) == "mobile_phone");
  check_round_trip<fb::ProofKind>(9);
  check_round_trip<fb::Channel>(5);
  check_round_trip<fb::Purpose>(9);
  check_round_trip<fb::Route>(6);
  check_round_trip<fb::Grade>(4);
  check_round_trip<fb::NotificationKind>(12);
  check_round_trip<fb::CodeRejection>(5);
  check_round_trip<fb::Canceller>(6);
  check_round_trip<fb::Role>(10);
  check_round_trip<fb::MailboxReason>(4);
  check_round_trip<fb::RecoveryField>(20);
  check_round_trip<fb::DeliveryResult>(4);
  check_round_trip<fb::Lifted>(3);
  check_round_trip<fb::Plan>(2);
  check_round_trip<fb::Entry>(4);
}

SCENARIO("R-LED-5: the words for states of proofs, windows and notices") {
  CHECK(name(ProofStatus::unverified) == "unverified");
  CHECK(name(ProofStatus::verified) == "verified");
  CHECK(name(ProofStatus::marked_lost) == "marked_lost");
  CHECK(name(ProofStatus::removed) == "removed");
  CHECK(name(ProofStatus::proposed) == "proposed");
  CHECK(name(ProofStatus::confirmed) == "confirmed");
  CHECK(name(WindowOutcome::completed) == "completed");
  CHECK(name(WindowOutcome::cancelled) == "cancelled");
  CHECK(name(WindowOutcome::disputed) == "disputed");
  CHECK(name(WindowOutcome::ended) == "ended");
  CHECK(name(Notice::confirm_sign_in_name) == "confirm_sign_in_name");
  CHECK(name(Notice::add_security_info) == "add_security_info");
  CHECK(name(Notice::security_info_change_pending) == "security_info_change_pending");
  CHECK(name(Notice::verify_this_device) == "verify_this_device");
}

SCENARIO("R-LED-1: a rule's stored number is its section and place in the rulebook") {
  const std::vector<std::string> sections = {"",     "",    "ACC", "PRF",  "CHL", "PWD",
                                             "LOST", "REC", "BLK", "LIFE", "HLP", "LED"};
  std::set<std::string> ids;
  for (const RuleText& rule : rules()) {
    const auto number = static_cast<std::uint16_t>(rule.rule);
    CAPTURE(rule.id);
    CHECK(std::string(rule.id) == "R-" + sections.at(number / 100U) + "-" + std::to_string(number % 100U));
    CHECK(parse_rule(rule.id) == rule.rule);
    CHECK(rule_of(number) == rule.rule);
    CHECK(text_of(rule.rule).id == std::string(rule.id));
    CHECK(std::string(rule.title).size() > 10);
    ids.insert(rule.id);
  }
  CHECK(ids.size() == rules().size());
  CHECK(!parse_rule("R-LOST-99"));
  CHECK(!parse_rule("r-lost-4"));
  CHECK(!rule_of(0));
  CHECK(!rule_of(699));
}
