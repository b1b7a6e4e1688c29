#include <doctest/doctest.h>

#include "tests/support/ledger_fixture.hpp"
#include "tools/deliver/signed_job.hpp"
#include "tools/deliver/templates.hpp"
#include "tools/deliver/texts.hpp"

#include "ledger/sha256.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

const Wording wording = {"Example ID", "https://account.example.jp/{kind}?a={account}&p={proof_id}#{token}"};

std::vector<fb::NotificationKind> all_kinds() {
  std::vector<fb::NotificationKind> kinds;
  for (int i = 1; i <= static_cast<int>(fb::NotificationKind::MAX); ++i)
    kinds.push_back(static_cast<fb::NotificationKind>(i));
  return kinds;
}

MessageFacts facts_of(fb::NotificationKind kind, Language language, fb::Channel channel = fb::Channel::email) {
  const bool has_code = kind == fb::NotificationKind::security_code;
  return {.kind = kind,
          .channel = channel,
          .language = language,
          .code = has_code ? "0123456" : "",
          .token = has_code ? "" : "a+b/c",
          .account = "019ca6b1-dc00-7e37-b8df-4fbf6f289fa0",
          .proof_id = "proof",
          .replacement_id = "window",
          .asked_at = *parse_rfc3339("2026-03-31T15:30:00Z"),
          .expires_at = *parse_rfc3339("2026-03-31T15:40:59Z"),
          .reply_due_at = *parse_rfc3339("2026-04-01T15:30:00Z"),
          .effective_at = *parse_rfc3339("2026-04-30T15:30:00Z")};
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("every kind has a subject and a text in both languages, without a variable left over") {
  CHECK(all_kinds().size() == 11);
  for (const fb::NotificationKind kind : all_kinds()) {
    CAPTURE(name(kind));
    const Texts& texts = texts_of(kind);
    CHECK(texts.kind == kind);
    CHECK((texts.japanese.brief == nullptr) == (texts.english.brief == nullptr));
    for (const Language language : {Language::japanese, Language::english}) {
      const Message mail = write_message(facts_of(kind, language), wording);
      CHECK(!mail.subject.empty());
      CHECK(mail.text.size() > 100);
      CHECK(mail.subject.find_first_of("{}\n") == std::string::npos);
      CHECK(mail.text.find_first_of("{}") == std::string::npos);
    }
    CHECK(write_message(facts_of(kind, Language::japanese), wording).text !=
          write_message(facts_of(kind, Language::english), wording).text);
  }
}

TEST_CASE("what reaches a phone has a brief text in both languages, and a call has no link") {
  for (const fb::NotificationKind kind :
       {fb::NotificationKind::security_code, fb::NotificationKind::security_info_changed,
        fb::NotificationKind::replacement_pending, fb::NotificationKind::password_reset_done,
        fb::NotificationKind::account_blocked}) {
    CAPTURE(name(kind));
    REQUIRE(texts_of(kind).japanese.brief);
    for (const Language language : {Language::japanese, Language::english}) {
      const Message sms = write_message(facts_of(kind, language, fb::Channel::sms), wording);
      CHECK(sms.subject.empty());
      CHECK(sms.text.size() < 500);
      const Message call = write_message(facts_of(kind, language, fb::Channel::voice), wording);
      CHECK(!has(call.text, "https://"));
      CHECK(!call.text.empty());
    }
  }
}

TEST_CASE("a code is in its text, spoken digit by digit in a call") {
  using enum Language;
  const auto kind = fb::NotificationKind::security_code;
  CHECK(has(write_message(facts_of(kind, japanese), wording).text, "お客様のコード: 0123456\n"));
  CHECK(has(write_message(facts_of(kind, english), wording).text, "Your code: 0123456\n"));
  CHECK(has(write_message(facts_of(kind, japanese, fb::Channel::voice), wording).text, "0、1、2、3、4、5、6"));
  CHECK(has(write_message(facts_of(kind, english, fb::Channel::voice), wording).text, "0, 1, 2, 3, 4, 5, 6"));
}

TEST_CASE("times are told in Japan's time and in UTC") {
  const auto kind = fb::NotificationKind::security_code;
  CHECK(has(write_message(facts_of(kind, Language::japanese), wording).text, "2026年4月1日 00:40 (日本時間)"));
  CHECK(has(write_message(facts_of(kind, Language::english), wording).text, "31 March 2026, 15:40 UTC"));
}

TEST_CASE("a link is filled in as RFC 6570 has it") {
  const Message mail = write_message(facts_of(fb::NotificationKind::proof_link, Language::english), wording);
  CHECK(has(mail.text,
            "https://account.example.jp/proof_link?a=019ca6b1-dc00-7e37-b8df-4fbf6f289fa0&p=proof#a%2Bb%2Fc\n"));
}

TEST_CASE("a survey's link names no account") {
  MessageFacts facts = facts_of(fb::NotificationKind::recovery_survey, Language::english);
  facts.token.clear();
  CHECK(has(write_message(facts, wording).text, "https://account.example.jp/recovery_survey?a=&p=#\n"));
}

TEST_CASE("a line whose value is not there is left out") {
  MessageFacts facts = facts_of(fb::NotificationKind::replacement_pending, Language::english);
  CHECK(has(write_message(facts, wording).text, "takes effect on 30 April 2026, 15:30 UTC"));
  facts.effective_at.reset();
  CHECK(!has(write_message(facts, wording).text, "takes effect"));
  CHECK(has(write_message(facts, wording).text, "https://"));
}

TEST_CASE("R-ACC-6: a reader whose language nobody knows gets both, Japanese first") {
  const auto kind = fb::NotificationKind::recovery_received;
  const Message both = write_message(facts_of(kind, Language::both), wording);
  const Message japanese = write_message(facts_of(kind, Language::japanese), wording);
  const Message english = write_message(facts_of(kind, Language::english), wording);
  CHECK(both.subject == japanese.subject + " / " + english.subject);
  CHECK(both.text == japanese.text + "\n" + english.text);
}

TEST_CASE("a wording is checked") {
  const auto is_good = [](const std::string& provider, const std::string& link) {
    return !check_wording({provider, link});
  };
  const std::string link = "https://example.jp/{token}";
  CHECK(is_good("Example アカウント", link));
  CHECK(is_good(std::string(provider_bytes_max, 'x'), link));
  CHECK(!is_good(std::string(provider_bytes_max + 1, 'x'), link));
  for (const char* provider : {"", "a\nb", "a\rb", "\x7F", "\xFF"}) CHECK(!is_good(provider, link));
  CHECK(is_good("x", link + std::string(link_bytes_max - link.size(), 'x')));
  CHECK(!is_good("x", link + std::string(link_bytes_max - link.size() + 1, 'x')));
  CHECK(is_good("x", "http://127.0.0.1:8080/{kind}/{token}"));
  for (const char* wrong :
       {"", "http://example.jp/{token}", "javascript:{token}", "https://example.jp/", "https://example.jp/{token",
        "https://example.jp/token}", "https://example.jp/{token}{name}", "https://example.jp/{token} x",
        "https://example.jp/{token}\r\nBcc: x", "https://example.jp/\"{token}", "http://127.0.0.1.example.jp/{token}"})
    CHECK(!is_good("x", wrong));
}

TEST_CASE("a job's signature is over what RFC 9421 says") {
  const Signer signer = make_signer();
  const std::string body = R"({"id":"n"})";
  const auto fields = sign_job(body, "n", 1'772'323'200, signer);
  REQUIRE(fields);
  CHECK(fields->get("Idempotency-Key") == "\"n\"");
  const std::string digest = "sha-256=:" + to_base64(sha256(as_bytes(body)).view()) + ":";
  CHECK(fields->get("Content-Digest") == digest);
  const std::string parameters =
      "(\"content-type\" \"content-digest\" \"idempotency-key\");created=1772323200;keyid=\"" +
      to_hex(signer.verifier().id.view()) + "\";alg=\"ed25519\";tag=\"daicho-job\"";
  CHECK(fields->get("Signature-Input") == "ledger=" + parameters);
  const std::string base = "\"content-type\": application/json\n\"content-digest\": " + digest +
                           "\n\"idempotency-key\": \"n\"\n\"@signature-params\": " + parameters;
  const std::string shown = *fields->get("Signature");
  REQUIRE(shown.starts_with("ledger=:"));
  const auto bytes = from_base64(std::string_view(shown).substr(8, shown.size() - 9));
  REQUIRE(bytes);
  CHECK(signer.verifier().verify(as_bytes(base), *Signature::from(as_bytes(*bytes))));
}
