#include "commands/passwords.hpp"

#include <doctest/doctest.h>

#include <thread>

#include "tests/support/commands_subject.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

std::string judged(const std::string& text) {
  const auto refusal = check_password({text, text}, Policy());
  return refusal ? refusal->code : "good";
}

fb::Grade graded(const std::string& text, const std::vector<std::string>& names = {}) {
  return grade_password(text, Policy(), names);
}

ResetPassword reset(std::uint64_t challenge, const std::string& text) {
  return {.challenge = numbered(challenge), .password = {text, text, "$argon2id$new"}};
}

}  // namespace

SCENARIO("R-PWD-1: 8 to 16 characters of any script, of at least two classes") {
  CHECK(judged("") == "wrong_length");
  CHECK(judged("abcdef7") == "wrong_length");
  CHECK(judged("abcdefg8") == "good");
  CHECK(judged("abcdefghijklmno6") == "good");
  CHECK(judged("abcdefghijklmnop7") == "wrong_length");
  CHECK(judged("パスワード七a") == "wrong_length");
  CHECK(judged("パスワード七a8") == "good");
  CHECK(judged("パスワード七八九十一二三四五a6") == "good");
  CHECK(judged("パスワード七八九十一二三四五六a7") == "wrong_length");
  CHECK(judged("\U0001F600\U0001F600\U0001F600\U0001F600\U0001F600\U0001F600a8") == "good");
  CHECK(judged("abcdefgh") == "too_few_classes");
  CHECK(judged("ABCDEFGH") == "too_few_classes");
  CHECK(judged("12345678") == "too_few_classes");
  CHECK(judged("!\"#$%&'(") == "too_few_classes");
  CHECK(judged("パスワード七八九") == "too_few_classes");
  CHECK(judged("abcdEFGH") == "good");
  CHECK(check_password({"abcdefg8", "abcdefg9"}, Policy())->code == "not_repeated");
}

SCENARIO("R-PWD-2: the symbols are the 32 printable ASCII ones; a space, kana or an accent is of no class") {
  const std::string symbols = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
  CHECK(symbols.size() == 32);
  for (const char symbol : symbols) CHECK(judged(std::string("abcdefg") + symbol) == "good");
  for (const char* other : {"abcd efgh", "パスワード七八8", "abcdefg七", "abcdefgé", "abcdefg\x7f", "abcdefg\t",
                            "abcdefg\u3000", "abcdefg\U0001F600"}) {
    CAPTURE(std::string(other));
    CHECK(judged(other) == "too_few_classes");
  }
}

SCENARIO("R-PWD-1: the limits are the policy's") {
  Policy policy;
  policy.password_min = 10;
  policy.password_max = 12;
  policy.password_classes = 3;
  const auto code = [&](const std::string& text) {
    return check_password({text, text}, policy).value_or(Refusal{Rule::pwd_1, "good", ""}).code;
  };
  CHECK(code("abcdeF7xx") == "wrong_length");
  CHECK(code("abcdeF7xxx") == "good");
  CHECK(code("abcdeF7xxxxx") == "good");
  CHECK(code("abcdeF7xxxxxx") == "wrong_length");
  CHECK(code("abcdef7xxx") == "too_few_classes");
  policy.password_classes = 4;
  CHECK(code("abcdeF7xxx") == "too_few_classes");
  CHECK(code("abcdeF7xx!") == "good");
}

SCENARIO("R-PWD-2: a strong password has three classes and nothing common or of the owner's own") {
  CHECK(graded("password1") == fb::Grade::weak);
  CHECK(graded("Qwerty12") == fb::Grade::weak);
  CHECK(graded("k7#Vq!2zW$9p") == fb::Grade::strong);
  CHECK(graded("kvqzwpxjrtbn7042") == fb::Grade::acceptable);  // two classes
  CHECK(graded("Michael19") != fb::Grade::strong);
  CHECK(graded("Xylophagus7", {}) > graded("Xylophagus7", {"xylophagus"}));
  CHECK(graded("", {""}) == fb::Grade::weak);
  Policy policy;
  policy.strong_classes = 2;
  CHECK(grade_password("kvqzwpxjrtbn7042", policy, {}) == fb::Grade::strong);
}

SCENARIO("R-PWD-3: a reset ends every challenge and its code, notifies every proof, and seals the verifier") {
  Subject subject = owner();
  started(fb::Purpose::sensitive_page, 70)(subject);
  passed(fb::Purpose::unblock, 71)(subject);
  passed(fb::Purpose::reset_password, 72)(subject);
  subject.happened(send_code_to(subject.proof(0).id, numbered(70), fb::Channel::email, subject.context()));
  const std::string code = subject.secret_of(0);
  const Decision decision = subject.run(reset(72, "k7#Vq!2zW$9p"));
  const Draft& event = decision.events.front();
  CHECK(decision.returns["state"] == "recovered");
  CHECK(decision.returns["grade"] == "strong");
  CHECK(event.personal.password_verifier == "$argon2id$new");
  CHECK(event.notifications.size() == 2);
  CHECK(event.caused_by.has_value());
  CHECK(subject.account().challenges.open.empty());
  CHECK(outcome(subject.when(SubmitCode{numbered(70), code})) == "R-CHL-1 challenge_unknown");
  CHECK(!subject.proof(0).code);
}

SCENARIO("R-PWD-2: the account's own names make a password weak") {
  Subject subject = owner();
  passed(fb::Purpose::reset_password, 72)(subject);
  const auto grade = [&](const std::string& text) { return subject.when(reset(72, text)).returns["grade"]; };
  CHECK(grade("Hanako-Yamada1") == "weak");
  CHECK(grade("Zweig-Kontext1") != "weak");
}

SCENARIO("R-PWD-4: verifiers are Argon2id with the policy's cost, salted, and verify their own password only") {
  PasswordPool pool(2);
  const auto verifier = pool.hash("Old-pass1", 1, 8);
  REQUIRE(verifier);
  CHECK(verifier->starts_with("$argon2id$v=19$m=8,t=1,p=1$"));
  CHECK(pool.verify("Old-pass1", *verifier) == true);
  CHECK(pool.verify("Old-pass2", *verifier) == false);
  CHECK(pool.verify("", *verifier) == false);
  CHECK(pool.hash("Old-pass1", 1, 8) != verifier);
}

SCENARIO("R-PWD-4: a pool without room says so instead of waiting") {
  PasswordPool full(1, 0);
  CHECK(!full.hash("Old-pass1", 1, 8));
  CHECK(!full.verify("Old-pass1", "anything"));
}

SCENARIO("R-PWD-4: many threads share a small pool and every one is served") {
  PasswordPool pool(2);
  std::atomic<int> right = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      const std::string password = "Password-" + std::to_string(i);
      const auto verifier = pool.hash(password, 1, 8);
      if (verifier && pool.verify(password, *verifier) == true) ++right;
    });
  }
  threads.clear();
  CHECK(right == 8);
}
