#include "commands/names.hpp"

#include <array>

namespace daicho {

std::string_view name(fb::ProofKind value) { return fb::EnumNameProofKind(value); }
std::string_view name(fb::Channel value) { return fb::EnumNameChannel(value); }
std::string_view name(fb::Purpose value) { return fb::EnumNamePurpose(value); }
std::string_view name(fb::Route value) { return fb::EnumNameRoute(value); }
std::string_view name(fb::Grade value) { return fb::EnumNameGrade(value); }
std::string_view name(fb::NotificationKind value) { return fb::EnumNameNotificationKind(value); }
std::string_view name(fb::CodeRejection value) { return fb::EnumNameCodeRejection(value); }
std::string_view name(fb::Canceller value) { return fb::EnumNameCanceller(value); }
std::string_view name(fb::DeliveryResult value) { return fb::EnumNameDeliveryResult(value); }
std::string_view name(fb::Lifted value) { return fb::EnumNameLifted(value); }
std::string_view name(fb::Plan value) { return fb::EnumNamePlan(value); }
std::string_view name(fb::Entry value) { return fb::EnumNameEntry(value); }
std::string_view name(fb::Role value) { return fb::EnumNameRole(value); }
std::string_view name(fb::MailboxReason value) { return fb::EnumNameMailboxReason(value); }
std::string_view name(fb::KeyPurpose value) { return fb::EnumNameKeyPurpose(value); }
std::string_view name(fb::RecoveryField value) { return fb::EnumNameRecoveryField(value); }
std::string_view name(fb::FieldResult value) { return fb::EnumNameFieldResult(value); }

namespace {

template <std::size_t N, class Enum>
std::string_view word(const std::array<std::string_view, N>& words, Enum value) {
  return words.at(static_cast<std::size_t>(value));
}

}  // namespace

std::string_view name(ProofStatus value) {
  static constexpr std::array<std::string_view, 6> words = {"unverified", "verified", "marked_lost",
                                                            "removed",    "proposed", "confirmed"};
  return word(words, value);
}
std::string_view name(WindowOutcome value) {
  static constexpr std::array<std::string_view, 4> words = {"completed", "cancelled", "disputed", "ended"};
  return word(words, value);
}
std::string_view name(RecoveryOutcome value) {
  static constexpr std::array<std::string_view, 3> words = {"pending", "verified", "not_verified"};
  return word(words, value);
}
std::string_view name(EndKind value) {
  static constexpr std::array<std::string_view, 2> words = {"closed", "expired"};
  return word(words, value);
}
std::string_view name(Notice value) {
  static constexpr std::array<std::string_view, 4> words = {"confirm_sign_in_name", "add_security_info",
                                                            "security_info_change_pending", "verify_this_device"};
  return word(words, value);
}

}  // namespace daicho
