// commands/names.hpp — the catalogue's words for the schema's enumerators, both ways. The words are public: never
// renamed.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "projections/account.hpp"

namespace daicho {

/// The enumerator's own name; the schema's names are the catalogue's.
std::string_view name(fb::ProofKind value);
std::string_view name(fb::Channel value);
std::string_view name(fb::Purpose value);
std::string_view name(fb::Route value);
std::string_view name(fb::Grade value);
std::string_view name(fb::NotificationKind value);
std::string_view name(fb::CodeRejection value);
std::string_view name(fb::Canceller value);
std::string_view name(fb::DeliveryResult value);
std::string_view name(fb::Lifted value);
std::string_view name(fb::Plan value);
std::string_view name(fb::Entry value);
std::string_view name(fb::Role value);
std::string_view name(fb::MailboxReason value);
std::string_view name(fb::KeyPurpose value);
std::string_view name(fb::RecoveryField value);
std::string_view name(fb::FieldResult value);
std::string_view name(RecoveryOutcome value);
std::string_view name(EndKind value);
std::string_view name(ProofStatus value);
std::string_view name(WindowOutcome value);
std::string_view name(Notice value);

/// nullopt: no such word. `none` is not a word.
template <class Enum>
std::optional<Enum> parse_name(std::string_view word) {
  for (int i = static_cast<int>(Enum::MIN); i <= static_cast<int>(Enum::MAX); ++i) {
    const auto value = static_cast<Enum>(i);
    if (name(value) == word && word != "none") return value;
  }
  return std::nullopt;
}

}  // namespace daicho
