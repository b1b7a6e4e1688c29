#include "tools/deliver/smtp.hpp"

#include <algorithm>
#include <array>

#include "commands/text.hpp"
#include "ledger/ascii.hpp"
#include "ledger/bytes.hpp"
#include "tools/failure.hpp"
#include "tools/http/curl.hpp"
#include "tools/http/message.hpp"
#include "tools/output.hpp"

namespace daicho {

namespace {

constexpr std::size_t reply_bytes_max = 300;

/// RFC 5322 section 3.3, in UTC.
std::string mail_date(Time time) {
  using namespace std::chrono;
  static constexpr std::array days_of_week = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto at = floor<seconds>(sys_time<microseconds>(microseconds(time)));
  const auto day = floor<days>(at);
  const year_month_day date(day);
  const hh_mm_ss clock(at - day);
  const auto two = [](auto number) { return (number < 10 ? "0" : "") + std::to_string(number); };
  return std::string(days_of_week.at(weekday(day).c_encoding())) + ", " +
         std::to_string(static_cast<unsigned>(date.day())) + " " + months.at(static_cast<unsigned>(date.month()) - 1) +
         " " + std::to_string(static_cast<int>(date.year())) + " " + two(clock.hours().count()) + ":" +
         two(clock.minutes().count()) + ":" + two(clock.seconds().count()) + " +0000";
}

/// The host an origin begins with: what may stand behind the `@` of a message id.
std::string host_of(std::string_view origin) {
  std::string host(origin.substr(0, origin.find_first_of("/:")));
  const bool is_host = !host.empty() && std::ranges::all_of(host, [](char c) {
    return is_letter(c) || is_digit(c) || c == '-' || c == '.';
  });
  return is_host ? host : "daicho.invalid";
}

/// What was said in one transaction: which command was the last before QUIT, and the server's reply to it.
struct Talk {
  std::string command, reply;
  bool is_over = false;
};

std::size_t keep_reply(char* line, std::size_t, std::size_t bytes, void* talk) {
  auto& [command, reply, is_over] = *static_cast<Talk*>(talk);
  if (is_over) return bytes;
  reply.assign(line, std::min(bytes, reply_bytes_max));
  while (!reply.empty() && (reply.back() == '\n' || reply.back() == '\r')) reply.pop_back();
  return bytes;
}

/// Keeps a verb that is known and nothing else: a line that begins with none is an answer to AUTH, and secret.
int keep_command(CURL*, curl_infotype type, char* data, std::size_t bytes, void* talk) {
  static constexpr std::array verbs = {"EHLO", "HELO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA"};
  if (type != CURLINFO_HEADER_OUT) return 0;
  std::string_view line(data, bytes);
  line = line.substr(0, line.find_first_of(" \r\n:"));
  auto& told = *static_cast<Talk*>(talk);
  if (std::ranges::find(verbs, line) != verbs.end()) told.command = line;
  if (line == "QUIT") told.is_over = true;
  return 0;
}

/// Of a text, as they are before base64 (RFC 2045 section 6.8).
std::string with_line_ends(std::string_view text) {
  std::string lines;
  for (const char c : text) lines += c == '\n' ? "\r\n" : std::string(1, c);
  return lines;
}

DeliveryResult judge(CURLcode done, long code, const Talk& talk) {
  std::string words = is_utf8(talk.reply) ? printable(talk.reply) : std::to_string(code);
  if (done == CURLE_OK) return {Delivery::accepted, std::move(words)};
  if (code < 400 || code > 599) return {Delivery::later, curl_easy_strerror(done)};
  const bool is_final = code >= 500;
  if (is_final && talk.command == "RCPT") return {Delivery::bounced, std::move(words)};
  // libcurl sends the text and its end without naming a command: DATA is the last that was.
  if (is_final && talk.command == "DATA") return {Delivery::failed, std::move(words)};
  const std::string what = talk.command.empty() ? "the connection" : talk.command;
  return {Delivery::later, what + " was answered with " + std::to_string(code)};
}

}  // namespace

std::optional<std::string> check_smtp_url(std::string_view url) {
  if (parse_smtp_url(url)) return std::nullopt;
  return "smtp://host:port or smtps://host:port is wanted";
}

bool is_smtp_to_this_machine(std::string_view url) {
  const auto parsed = parse_smtp_url(url);
  return parsed && is_this_machine(parsed->host);
}

bool is_plain_address(std::string_view address) {
  const std::size_t at = address.find('@');
  if (at == 0 || at == std::string_view::npos || at + 1 == address.size()) return false;
  if (address.size() > email_bytes_max || address.find('@', at + 1) != std::string_view::npos) return false;
  return is_utf8(address) && std::ranges::all_of(address, [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return byte > 0x20 && byte != 0x7F && std::string_view("<>()[],;:\\\"").find(c) == std::string_view::npos;
         });
}

std::string encode_words(std::string_view text) {
  constexpr std::size_t chunk_bytes_max = 45;  // 60 of base64, 12 around them
  std::string encoded;
  while (!text.empty()) {
    std::size_t end = std::min(chunk_bytes_max, text.size());
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;  // whole characters
    encoded += (encoded.empty() ? "" : "\r\n ") + ("=?UTF-8?B?" + to_base64(as_bytes(text.substr(0, end)))) + "?=";
    text.remove_prefix(end);
  }
  return encoded;
}

std::vector<std::string> mail_header(const DeliveryJob& job, const SmtpOptions& options, const std::string& origin) {
  const auto is_quotable = [](char c) { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; };
  const std::string from = std::ranges::all_of(options.from_name, is_quotable) ? '"' + options.from_name + '"'
                                                                               : encode_words(options.from_name);
  std::vector<std::string> lines = {"Date: " + mail_date(job.asked_at),
                                    "From: " + from + " <" + options.mail_from + ">",
                                    "To: <" + job.destination + ">",
                                    "Subject: " + encode_words(job.subject),
                                    "Message-ID: <" + job.id + "@" + host_of(origin) + ">",
                                    "Auto-Submitted: auto-generated"};  // RFC 3834: nobody's holiday answers it
  if (job.language == "ja" || job.language == "en") lines.push_back("Content-Language: " + job.language);
  return lines;
}

struct SmtpSender::Connection {
  Curl curl;
};

SmtpSender::SmtpSender(SmtpOptions options) : options_(std::move(options)), connection_(new Connection) {
  if (is_curl_ready()) connection_->curl.reset(curl_easy_init());
  if (!connection_->curl) throw Failure(Exit::unavailable, "libcurl does not start");
}

SmtpSender::~SmtpSender() = default;

DeliveryResult SmtpSender::send(const DeliveryJob& job, const std::string& origin, std::chrono::milliseconds time) {
  if (!is_plain_address(job.destination)) return {Delivery::bounced, "this is no address that mail can be sent to"};
  CURL* const curl = connection_->curl.get();
  curl_easy_reset(curl);  // keeps the connection
  Talk talk;
  const std::string from = "<" + options_.mail_from + ">";
  CurlLines header, recipients;
  for (const std::string& line : mail_header(job, options_, origin)) add_line(header, line);
  add_line(recipients, "<" + job.destination + ">");
  const CurlMime mime(curl_mime_init(curl));
  curl_mimepart* const part = mime ? curl_mime_addpart(mime.get()) : nullptr;
  if (!part) throw std::bad_alloc();
  const std::string text = with_line_ends(job.text);
  curl_mime_data(part, text.data(), text.size());
  curl_mime_type(part, "text/plain; charset=utf-8");
  curl_mime_encoder(part, "base64");

  curl_easy_setopt(curl, CURLOPT_URL, options_.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  set_common(curl, options_.ca_file);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(time.count()));
  curl_easy_setopt(curl, CURLOPT_USE_SSL, static_cast<long>(options_.is_tls_wanted ? CURLUSESSL_ALL : CURLUSESSL_NONE));
  if (!options_.user.empty()) {
    curl_easy_setopt(curl, CURLOPT_USERNAME, options_.user.c_str());
    curl_easy_setopt(curl, CURLOPT_PASSWORD, options_.password.c_str());
  }
  curl_easy_setopt(curl, CURLOPT_MAIL_FROM, from.c_str());
  curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, recipients.get());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, header.get());
  curl_easy_setopt(curl, CURLOPT_MIMEPOST, mime.get());
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, keep_reply);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &talk);
  curl_easy_setopt(curl, CURLOPT_DEBUGFUNCTION, keep_command);
  curl_easy_setopt(curl, CURLOPT_DEBUGDATA, &talk);
  curl_easy_setopt(curl, CURLOPT_VERBOSE, 1L);
  const CURLcode done = curl_easy_perform(curl);
  long code = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
  DeliveryResult result = judge(done, code, talk);
  curl_easy_reset(curl);  // nothing points to what goes now
  return result;
}

}  // namespace daicho
