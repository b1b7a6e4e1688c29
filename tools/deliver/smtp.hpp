// tools/deliver/smtp.hpp — one mail after another to one SMTP server (RFC 5321) through libcurl, over a connection that
// is kept. One thread at a time.
#pragma once

#include <chrono>
#include <memory>

#include "tools/deliver/dispatcher.hpp"

namespace daicho {

struct SmtpOptions {
  std::string url;            ///< smtp://host[:port] or smtps://host[:port]
  bool is_tls_wanted = true;  ///< STARTTLS, or nothing is sent; smtps:// encrypts anyhow
  std::string user, password;
  std::string ca_file;    ///< whom its certificate is signed by; empty: the system's
  std::string mail_from;  ///< envelope and From
  std::string from_name;
};

/// What is wrong with the URL, in words. It has a host and no user, password, path or parameters.
std::optional<std::string> check_smtp_url(std::string_view url);
bool is_smtp_to_this_machine(std::string_view url);

/// Whether it may stand in an envelope and a header field: one `@`, no control characters, spaces, brackets, quotes,
/// commas or whatever else has a meaning there.
bool is_plain_address(std::string_view address);

/// UTF-8 as encoded words of at most 75 characters, one a line (RFC 2047 section 2). Nothing in it ends the field.
std::string encode_words(std::string_view text);

/// The header's lines but those of MIME. The same for every attempt: Message-ID is `<id@host of origin>`, Date the time
/// it was asked for.
std::vector<std::string> mail_header(const DeliveryJob& job, const SmtpOptions& options, const std::string& origin);

class SmtpSender {
 public:
  explicit SmtpSender(SmtpOptions options);
  ~SmtpSender();
  SmtpSender(const SmtpSender&) = delete;

  /// `bounced`: the server knows no such recipient; `failed`: it will not have this mail; all else comes later, a wrong
  /// password and a refused sender, too.
  DeliveryResult send(const DeliveryJob& job, const std::string& origin, std::chrono::milliseconds time);

 private:
  struct Connection;
  SmtpOptions options_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace daicho
