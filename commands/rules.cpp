#include "commands/rules.hpp"

#include <algorithm>
#include <array>
#include <cassert>

namespace daicho {

std::span<const RuleText> rules() {
  static constexpr auto table = std::to_array<RuleText>({
      {Rule::acc_1, "R-ACC-1", "Registration needs a free sign-in name, a good password and enough different proofs"},
      {Rule::acc_2, "R-ACC-2", "A sign-in name outside the provider's domains is confirmed by a mailed link"},
      {Rule::acc_5, "R-ACC-5", "Sign-in results are recorded"},
      {Rule::acc_7, "R-ACC-7", "After a change, devices are asked to verify the owner"},
      {Rule::prf_1, "R-PRF-1", "A proof becomes usable when its owner returned the code or followed the link"},
      {Rule::prf_2, "R-PRF-2", "A phone number must be a number of its country, and each destination is stored once"},
      {Rule::prf_3, "R-PRF-3", "Each kind of proof has its own channels"},
      {Rule::prf_4, "R-PRF-4", "Proofs are shown masked"},
      {Rule::prf_5, "R-PRF-5", "Changing proofs needs a passed challenge on an existing one"},
      {Rule::prf_7, "R-PRF-7", "Each change of security information notifies the other proofs"},
      {Rule::prf_8, "R-PRF-8", "An account with too few verified proofs is asked to add some"},
      {Rule::prf_9, "R-PRF-9", "A recovery code is stored as a hash and works once"},
      {Rule::prf_10, "R-PRF-10", "A device is trusted only after a challenge passed on it"},
      {Rule::chl_1, "R-CHL-1", "A public challenge starts with a passed character check and is answered in time"},
      {Rule::chl_2, "R-CHL-2", "Only verified proofs of the account are offered"},
      {Rule::chl_3, "R-CHL-3", "The owner confirms the hidden part of the destination before a code is sent"},
      {Rule::chl_4, "R-CHL-4", "A security code has a fixed number of digits"},
      {Rule::chl_5, "R-CHL-5", "Codes expire, work once, and both guesses and sends are limited"},
      {Rule::chl_6, "R-CHL-6", "Codes are stored only as keyed hashes"},
      {Rule::chl_7, "R-CHL-7", "Delivery results are recorded once"},
      {Rule::chl_9, "R-CHL-9", "Other routes than a code remain open in a fixed order"},
      {Rule::pwd_1, "R-PWD-1", "The password must have the right length and kinds of characters, entered twice alike"},
      {Rule::pwd_2, "R-PWD-2", "A strong password has more kinds of characters and nothing common"},
      {Rule::pwd_3, "R-PWD-3", "A reset needs a passed challenge or an unused reset link"},
      {Rule::pwd_4, "R-PWD-4", "The new password must differ from the current one"},
      {Rule::lost_1, "R-LOST-1", "Only proofs of the account that still count can be marked lost"},
      {Rule::lost_2, "R-LOST-2", "Without a valid recovery code a replacement waits for its window"},
      {Rule::lost_3, "R-LOST-3", "The new proof is given and confirmed in the same process"},
      {Rule::lost_4, "R-LOST-4",
       "A window is open: it neither restarts nor stacks, and nothing but a recovery code shortens it"},
      {Rule::lost_5, "R-LOST-5",
       "Only the holder of the notice, of an old proof or of the opener's token may stop a replacement"},
      {Rule::lost_6, "R-LOST-6", "A replacement takes effect once, at the end of its window"},
      {Rule::lost_7, "R-LOST-7", "Proofs at an instant are as if every window had ended on time"},
      {Rule::rec_2, "R-REC-2", "Recovery needs a working contact address other than the account's own"},
      {Rule::rec_3, "R-REC-3", "Recovery can be submitted only so many times a day"},
      {Rule::rec_4, "R-REC-4", "Too little information: the form is sent back and no attempt is used"},
      {Rule::rec_5, "R-REC-5", "The recovery form has these fields"},
      {Rule::rec_7, "R-REC-7", "Recovery is acknowledged at once and answered in time"},
      {Rule::blk_1, "R-BLK-1", "The account is blocked"},
      {Rule::blk_2, "R-BLK-2", "A block is lifted only by a passed challenge to unblock or a verified recovery"},
      {Rule::blk_3, "R-BLK-3", "Block status and its reasons can be asked for any instant"},
      {Rule::led_1, "R-LED-1", "Every action is an event; refused attempts that matter are recorded or counted"},
      {Rule::led_2, "R-LED-2", "Commands decide from the projections that are queried"},
      {Rule::led_3, "R-LED-3", "Replaying the log gives every projection byte for byte"},
      {Rule::led_4, "R-LED-4", "A policy's values must lie within their bounds"},
      {Rule::led_5, "R-LED-5", "Every event says who asked for it, when and why"},
      {Rule::led_6, "R-LED-6", "No secret is written in clear"},
  });
  return table;
}

const RuleText& text_of(Rule rule) {
  const auto found = std::ranges::find(rules(), rule, &RuleText::rule);
  assert(found != rules().end());
  return *found;
}

std::optional<Rule> parse_rule(std::string_view id) {
  const auto found = std::ranges::find_if(rules(), [&](const RuleText& text) { return id == text.id; });
  return found == rules().end() ? std::nullopt : std::optional(found->rule);
}

std::optional<Rule> rule_of(std::uint16_t number) {
  const auto found = std::ranges::find(rules(), static_cast<Rule>(number), &RuleText::rule);
  return found == rules().end() ? std::nullopt : std::optional(found->rule);
}

}  // namespace daicho
