#include "commands/passwords.hpp"

#include <sodium.h>
#include <zxcvbn.h>

#include <algorithm>

#include "commands/challenges.hpp"
#include "commands/names.hpp"
#include "commands/text.hpp"

namespace daicho {

/// One place in the pool, held while it lives; `granted` tells whether there was one.
class PasswordPool::Turn {
 public:
  explicit Turn(PasswordPool& pool) : pool_(pool) {
    std::unique_lock lock(pool_.mutex_);
    if (pool_.waiting_ >= pool_.waiting_max_) return;
    ++pool_.waiting_;
    pool_.free_.wait(lock, [&] { return pool_.running_ < pool_.running_max_; });
    --pool_.waiting_;
    ++pool_.running_;
    granted_ = true;
  }
  ~Turn() {
    if (!granted_) return;
    const std::lock_guard lock(pool_.mutex_);
    --pool_.running_;
    pool_.free_.notify_one();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  bool granted() const { return granted_; }

 private:
  PasswordPool& pool_;
  bool granted_ = false;
};

PasswordPool::PasswordPool(unsigned running_max, unsigned waiting_max)
    : running_max_(std::max(1U, running_max)), waiting_max_(waiting_max) {}

std::optional<std::string> PasswordPool::hash(std::string_view password, std::int64_t passes, std::int64_t memory_kib) {
  const Turn turn(*this);
  if (!turn.granted()) return std::nullopt;
  char verifier[crypto_pwhash_argon2id_STRBYTES];
  if (crypto_pwhash_argon2id_str(verifier, password.data(), password.size(), static_cast<unsigned long long>(passes),
                                 static_cast<std::size_t>(memory_kib) * 1'024) != 0) {
    return std::nullopt;
  }
  return std::string(verifier);
}

std::optional<bool> PasswordPool::verify(std::string_view password, const std::string& verifier) {
  const Turn turn(*this);
  if (!turn.granted()) return std::nullopt;
  return crypto_pwhash_argon2id_str_verify(verifier.c_str(), password.data(), password.size()) == 0;
}

namespace {

constexpr double strong_guesses_log10_min = 8;  // zxcvbn's own line between "somewhat" and "safely" guessable
constexpr double weak_guesses_log10_max = 6;

struct Counted {
  std::int64_t characters = 0;
  std::int64_t classes = 0;
};

/// Characters are code points; anything that is no ASCII letter or digit counts as a symbol.
Counted count(std::string_view password) {
  Counted counted;
  bool upper = false, lower = false, digit = false, symbol = false;
  for (const char c : password) {
    if ((static_cast<unsigned char>(c) & 0xc0U) != 0x80U) ++counted.characters;
    if (c >= 'A' && c <= 'Z') {
      upper = true;
    } else if (c >= 'a' && c <= 'z') {
      lower = true;
    } else if (c >= '0' && c <= '9') {
      digit = true;
    } else {
      symbol = true;
    }
  }
  counted.classes = int{upper} + int{lower} + int{digit} + int{symbol};
  return counted;
}

}  // namespace

std::optional<Refusal> check_password(const NewPassword& password, const Policy& policy) {
  if (password.text != password.repeat) return Refusal{Rule::pwd_1, "not_repeated", "The two entries differ."};
  const Counted counted = count(password.text);
  if (counted.characters < policy.password_min || counted.characters > policy.password_max) {
    return Refusal{Rule::pwd_1, "wrong_length",
                   "A password has " + std::to_string(policy.password_min) + " to " +
                       std::to_string(policy.password_max) + " characters."};
  }
  if (counted.classes < policy.password_classes) {
    return Refusal{Rule::pwd_1, "too_few_classes",
                   "A password mixes at least " + std::to_string(policy.password_classes) +
                       " of: upper case, lower case, digits, symbols."};
  }
  return std::nullopt;
}

fb::Grade grade_password(std::string_view password, const Policy& policy, const std::vector<std::string>& own_names) {
  std::vector<const char*> names;
  for (const std::string& own : own_names) {
    if (!own.empty()) names.push_back(own.c_str());
  }
  names.push_back(nullptr);
  std::string text(password);
  const double guesses_log10 = ZxcvbnMatch(text.c_str(), names.data(), nullptr) * 0.301029995664;  // from bits
  wipe(text);
  const Counted counted = count(password);
  if (guesses_log10 < weak_guesses_log10_max) return fb::Grade::weak;
  const bool is_strong = counted.classes >= policy.strong_classes && guesses_log10 >= strong_guesses_log10_min;
  return is_strong ? fb::Grade::strong : fb::Grade::acceptable;
}

fb::Grade grade(const Account& account, const ResetPassword& command, const Context& context) {
  if (command.password.grade != fb::Grade::none) return command.password.grade;
  std::vector<std::string> own_names;
  if (const auto registered = context.personal(account.identity.registered)) {
    own_names = {registered->sign_in_name};
    if (registered->profile) {
      own_names.push_back(registered->profile->surname);
      own_names.push_back(registered->profile->given_name);
    }
  }
  return grade_password(command.password.text, context.policy, own_names);
}

Decision decide(const Account& account, const ResetPassword& command, const Context& context) {
  if (command.reset_token) {
    return refused({Rule::pwd_3, "reset_link_unknown", "No unused reset link of this account has this token."});
  }
  if (const auto why = check_passed(account, command.challenge.value_or(Id{}), fb::Purpose::reset_password, context)) {
    return refused({Rule::pwd_3, why->code, why->detail});
  }
  if (auto refusal = check_password(command.password, context.policy)) return refused(*std::move(refusal));
  if (command.password.equals_current) {
    return refused({Rule::pwd_4, "same_as_current", "The new password equals the current one."});
  }
  const fb::Grade grade = daicho::grade(account, command, context);
  Draft reset = draft(fb::PasswordResetT{.challenge_id = *command.challenge, .grade = grade},
                      {Rule::pwd_3, Rule::pwd_1, Rule::pwd_2, Rule::pwd_4});
  reset.personal.password_verifier = command.password.verifier;
  reset.caused_by = account.challenges.find(*command.challenge)->passed;
  notify_proofs(reset, account, context, fb::NotificationKind::password_reset_done);
  Decision decision = accepted({{"state", "recovered"}, {"grade", name(grade)}});
  decision.events.push_back(std::move(reset));
  return decision;
}

}  // namespace daicho
