// commands/challenges.hpp — proving who one is: what is offered, and sending a code (R-CHL-1…9). The ways to answer are
// in challenge_answers.hpp.
#pragma once

#include "commands/decision.hpp"

namespace daicho {

struct CharacterCheck {
  std::string shown, typed;
};
struct StartChallenge {
  fb::Purpose purpose;
  std::optional<std::string> device_id;
  std::optional<CharacterCheck> character_check;
};
struct SendCode {
  Id challenge;
  Id proof;
  fb::Channel channel;
  std::string confirmation;  ///< left of the @, or the last four digits
};

Decision decide(const Account& account, const StartChallenge& command, const Context& context);
Decision decide(const Account& account, const SendCode& command, const Context& context);

bool is_public(fb::Purpose purpose);  ///< anybody may start it: it begins with a character check (R-CHL-1)
bool is_passed(const CharacterCheck& check);
/// Whether the policy leaves this way of proving open (R-CHL-9).
bool is_route_open(fb::Route route, const Policy& policy);
/// Whether a proof can answer a challenge of this purpose: to verify a proof, those not verified yet (R-CHL-2).
bool is_offered(const Proof& proof, fb::Purpose purpose, const Policy& policy);

/// The challenge, open and not yet passed; else the refusal.
Result<const Challenge*, Refusal> open_challenge(const Account& account, const Id& id, const Context& context);

/// The refusal, by `rule`, of what needs a challenge passed for this purpose; nullopt: it is, and fresh enough to use.
std::optional<Refusal> check_passed(const Account& account, const Id& challenge, fb::Purpose purpose, Rule rule,
                                    const Context& context);

/// Whether one more code or link may go to this proof now; else the refusal (R-CHL-5).
std::optional<Refusal> check_send_quota(const Account& account, const std::vector<Time>& sends_to_proof,
                                        const Context& context);
/// Likewise for a proof that is not added yet: what its destination was sent before counts.
/// To proofs proposed in a window the account has a quota of its own: anybody may open one, and must not use up codes.
std::optional<Refusal> check_send_quota(const Account& account, const Tag16& address_tag, bool in_window,
                                        const Context& context);

/// CodeSent with its notification to the proof.
Draft send_code_to(const Id& proof, const Id& challenge, fb::Channel channel, const Context& context,
                   const Id& replacement = {});
/// LinkSent likewise.
Draft send_link_to(const Id& proof, const Context& context, const Id& replacement = {});

/// The tags of a device and of a place, all zero when none is named.
Tag16 device_tag(std::string_view device_id, const Context& context);
Tag16 location_tag(std::string_view location, const Context& context);

}  // namespace daicho
