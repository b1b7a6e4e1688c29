#include <doctest/doctest.h>

#include "tools/deliver/smtp.hpp"
#include "tools/deliver/webhook.hpp"

using namespace daicho;

namespace {

DeliveryJob job_to(const std::string& destination, const std::string& subject) {
  return {.id = "019ca6b1-dc00-7e37-b8df-4fbf6f289fa0",
          .channel = "email",
          .destination = destination,
          .subject = subject,
          .language = "ja",
          .asked_at = *parse_rfc3339("2026-03-01T09:05:07Z")};
}

}  // namespace

TEST_CASE("no destination ends its line: nothing but an address is one") {
  for (const char* good : {"taro@example.jp", "a+b.c_d-e@example.co.jp", "用户@example.jp", "o'neil@example.jp"})
    CHECK(is_plain_address(good));
  for (const char* bad : {"",
                          "@",
                          "a@",
                          "@b",
                          "taro",
                          "a@b@c",
                          "taro@example.jp\r\nBcc: x@example.jp",
                          "taro@example.jp\nX: y",
                          "taro@example.jp\r",
                          "a b@example.jp",
                          "<a@example.jp>",
                          "a@example.jp>",
                          "a@example.jp SIZE=1",
                          "a,b@example.jp",
                          "a;b@example.jp",
                          "\"a\"@example.jp",
                          "a\\@example.jp",
                          "a@[127.0.0.1]",
                          "a\t@example.jp",
                          "a\x7F@example.jp",
                          "\xFF@example.jp"})
    CHECK(!is_plain_address(bad));
  CHECK(!is_plain_address(std::string("a\0b@example.jp", 14)));
  const std::string host = "@example.jp";
  CHECK(is_plain_address(std::string(254 - host.size(), 'a') + host));
  CHECK(!is_plain_address(std::string(255 - host.size(), 'a') + host));
}

TEST_CASE("a mail to what is no address is bounced, and nobody is asked") {
  SmtpSender sender({.url = "smtp://127.0.0.1:1", .is_tls_wanted = false, .mail_from = "id@example.jp"});
  const auto result = sender.send(job_to("a@example.jp\r\nBcc: b@example.jp", "x"), "o", std::chrono::seconds(1));
  CHECK(result.outcome == Delivery::bounced);
}

TEST_CASE("nobody there: later") {
  SmtpSender sender({.url = "smtp://127.0.0.1:1", .is_tls_wanted = false, .mail_from = "id@example.jp"});
  CHECK(sender.send(job_to("a@example.jp", "x"), "o", std::chrono::seconds(5)).outcome == Delivery::later);
}

TEST_CASE("RFC 2047: encoded words of at most 75 characters, cut between characters, with no line's end of the text") {
  CHECK(encode_words("あ") == "=?UTF-8?B?44GC?=");
  std::string longer;
  for (int i = 0; i < 40; ++i) longer += "あ";
  const std::string encoded = encode_words(longer);
  std::size_t lines = 0;
  for (std::size_t at = 0; at < encoded.size(); ++lines) {
    const std::size_t end = std::min(encoded.find("\r\n ", at), encoded.size());
    CHECK(end - at <= 75);
    CHECK(encoded.substr(at, 10) == "=?UTF-8?B?");
    at = end == encoded.size() ? end : end + 3;
  }
  CHECK(lines == 3);
  CHECK(encode_words("a\r\nBcc: x").find_first_of("\r\n") == std::string::npos);
  CHECK(encode_words("").empty());
}

TEST_CASE("the header is the same for every attempt") {
  const SmtpOptions options{.mail_from = "id@example.jp", .from_name = "Example ID"};
  const auto lines = mail_header(job_to("taro@example.jp", "あ"), options, "ledger.example/accounts");
  CHECK(lines == std::vector<std::string>{
                     "Date: Sun, 1 Mar 2026 09:05:07 +0000", "From: \"Example ID\" <id@example.jp>",
                     "To: <taro@example.jp>",
                     "Subject: =?UTF-8?B?44GC?=", "Message-ID: <019ca6b1-dc00-7e37-b8df-4fbf6f289fa0@ledger.example>",
                     "Auto-Submitted: auto-generated", "Content-Language: ja"});
  const SmtpOptions japanese{.mail_from = "id@example.jp", .from_name = "あ"};
  CHECK(mail_header(job_to("taro@example.jp", "あ"), japanese, "\"<").at(1) ==
        "From: =?UTF-8?B?44GC?= <id@example.jp>");
  CHECK(mail_header(job_to("taro@example.jp", "あ"), japanese, "\"<").at(4).ends_with("@daicho.invalid>"));
}

TEST_CASE("a mail server's URL") {
  for (const char* good : {"smtp://mail.example.jp", "smtp://mail.example.jp:587", "smtps://[2001:db8::1]:465"})
    CHECK(!check_smtp_url(good));
  for (const char* bad : {"", "mail.example.jp", "http://mail.example.jp", "smtp://", "smtp://a:b@mail.example.jp",
                          "smtp://mail.example.jp/helo", "smtp://mail.example.jp:", "smtp://mail.example.jp:x",
                          "smtp://mail.example.jp:123456", "smtp://mail example.jp", "smtp://[::1", "smtp://a\r\nb"})
    CHECK(check_smtp_url(bad));
  CHECK(is_smtp_to_this_machine("smtp://localhost:25"));
  CHECK(is_smtp_to_this_machine("smtp://[::1]:25"));
  CHECK(!is_smtp_to_this_machine("smtp://localhost.example.jp"));
}

TEST_CASE("a webhook's answer: what is about the job is final, what is about the peer is not") {
  for (const unsigned status : {200U, 202U, 204U}) CHECK(judge_webhook(status).outcome == Delivery::accepted);
  for (const unsigned status : {400U, 402U, 409U, 410U, 422U}) CHECK(judge_webhook(status).outcome == Delivery::failed);
  for (const unsigned status : {301U, 401U, 403U, 404U, 405U, 407U, 408U, 425U, 429U, 500U, 503U})
    CHECK(judge_webhook(status).outcome == Delivery::later);
}
