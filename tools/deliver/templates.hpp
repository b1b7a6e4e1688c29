// tools/deliver/templates.hpp — the words of every notification, in Japanese and English: mail, SMS and calls. Pure.
//
// What they never say: an account's name (R-ACC-6, and R-LOST-3 asks the owner for it), another proof, which answers of
// a recovery matched (R-REC-10 is for the ledger's own people), why an account was blocked.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "commands/names.hpp"

namespace daicho {

inline constexpr std::size_t provider_bytes_max = 60;
inline constexpr std::size_t link_bytes_max = 500;

/// What is the provider's own in the texts.
struct Wording {
  std::string provider;  ///< how it calls itself
  /// Where links lead: a URL with variables in braces, filled in as RFC 6570 section 3.2.2 has it: `kind`, `account`,
  /// `token`, `proof_id`, `replacement_id`.
  std::string link;
};
/// What is wrong with it, in words; nullopt: nothing. The link is https, or http to this machine, and has `{token}`.
std::optional<std::string> check_wording(const Wording& wording);

/// `both`: nobody knows which of the two the reader reads.
enum class Language { both, japanese, english };

/// What one notification is about.
struct MessageFacts {
  fb::NotificationKind kind = fb::NotificationKind::none;
  fb::Channel channel = fb::Channel::none;
  Language language = Language::both;
  std::string code, token;  ///< a security code, or the secret of a link
  std::string account, proof_id, replacement_id;
  Time asked_at = 0;
  std::optional<Time> expires_at;    ///< of the code or link
  std::optional<Time> reply_due_at;  ///< of a recovery
  std::optional<Time> effective_at;  ///< of a replacement, once its new proof is confirmed
};

struct Message {
  std::string subject;  ///< of a mail; else empty
  std::string text;     ///< lines end in \n
};
Message write_message(const MessageFacts& facts, const Wording& wording);

}  // namespace daicho
