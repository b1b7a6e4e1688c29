#include "commands/passwords.hpp"

#include <sodium.h>
#include <zxcvbn.h>

#include <algorithm>

#include "commands/blocking.hpp"
#include "commands/challenges.hpp"
#include "commands/guesses.hpp"
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

PasswordPool::Load PasswordPool::load() {
  const std::lock_guard lock(mutex_);
  return {running_, waiting_};
}

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

/// Characters are code points. Symbols are the 32 printable ASCII ones that document 002 lists: a space or a letter of
/// another script counts to the length only.
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
    } else if (c > ' ' && c <= '~') {
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

fb::Grade grade(const Account& account, const NewPassword& password, const Context& context) {
  if (password.grade != fb::Grade::none) return password.grade;
  std::vector<std::string> own_names;
  for (const Position position : account.identity.profiles) {
    const auto personal = context.personal(position);
    if (!personal) continue;
    if (!personal->sign_in_name.empty()) own_names.push_back(personal->sign_in_name);
    if (!personal->profile) continue;
    own_names.push_back(personal->profile->surname);
    own_names.push_back(personal->profile->given_name);
  }
  return grade_password(password.text, context.policy, own_names);
}

std::optional<Decision> check_current_password(const Account& account, Verdict verdict, Rule rule,
                                               const Context& context) {
  const Factor factor{rule, "wrong_password", "That is not the current password.", account.identity.wrong_passwords,
                      [&](fb::CodeRejection reason) {
                        return draft(fb::PasswordRejectedT{.reason = reason}, {rule, Rule::chl_5});
                      }};
  return judge(account, factor, context, [&] { return verdict != Verdict::wrong; });
}

namespace {

Decision same_as_current() {
  return refused({Rule::pwd_4, "same_as_current", "The new password equals the current one."});
}

/// The live reset link with this token; null: none.
const Recovery* recovery_of(const Account& account, const std::string& token, const Context& context) {
  for (const Recovery& recovery : account.recoveries.all) {
    if (recovery.link && context.vault.matches(OneTime::link, recovery.link->id, recovery.link->hash, token))
      return &recovery;
  }
  return nullptr;
}

}  // namespace

Decision decide(const Account& account, const ResetPassword& command, const Context& context) {
  fb::PasswordResetT reset;
  std::optional<Position> cause;
  if (command.reset_token) {
    const Recovery* recovery = recovery_of(account, *command.reset_token, context);
    if (!recovery)
      return refused({Rule::rec_8, "reset_link_unknown", "No unused reset link of this account has this token."});
    if (recovery->link->expires_at <= context.now)
      return refused({Rule::rec_8, "reset_link_expired", "The reset link is too old; submit the form again."});
    reset.recovery_id = recovery->id;
    cause = recovery->decided;
  } else {
    reset.challenge_id = command.challenge.value_or(Id{});
    if (auto refusal = check_passed(account, reset.challenge_id, fb::Purpose::reset_password, Rule::pwd_3, context))
      return refused(*std::move(refusal));
    cause = account.challenges.find(reset.challenge_id)->passed;
  }
  if (auto refusal = check_password(command.password, context.policy)) return refused(*std::move(refusal));
  if (command.password.equals_current) return same_as_current();
  reset.grade = grade(account, command.password, context);
  Decision decision = accepted({{"state", "recovered"}, {"grade", name(reset.grade)}});
  const bool is_recovery = !reset.recovery_id.is_zero();
  Draft event =
      draft(std::move(reset), {is_recovery ? Rule::rec_8 : Rule::pwd_3, Rule::pwd_1, Rule::pwd_2, Rule::pwd_4});
  event.personal.password_verifier = command.password.verifier;
  event.caused_by = cause;
  notify_owner(event, account, context, fb::NotificationKind::password_reset_done);
  decision.events.push_back(std::move(event));
  if (is_recovery && account.block.current) {  // R-BLK-2
    decision.events.push_back(draft(
        fb::AccountUnblockedT{.block_id = account.block.current->id, .by = fb::Lifted::by_recovery}, {Rule::blk_2}));
  }
  std::vector<Id> removed;
  for (const Proof& proof : account.proofs.all) {
    if (is_recovery && is_void_after_recovery(proof)) removed.push_back(proof.id);
  }
  describe_survivors(decision, account, {}, removed);
  if (is_recovery) decision.returns["recovery_code_void"] = !account.identity.recovery_code.is_zero();
  if (const auto& window = account.windows.open) {
    decision.returns["open_replacement"] = to_text(window->id);
    // Who was just recovered may have no proof left to stop it with: the opener's token does (R-LOST-5).
    if (is_recovery) decision.returns["replacement_token"] = context.vault.secret(OneTime::opener_token, window->id);
  }
  return decision;
}

Decision decide(const Account& account, const ChangePassword& command, const Context& context) {
  if (auto blocked = check_not_blocked(account)) return refused(*std::move(blocked));
  if (auto refusal = check_password(command.password, context.policy)) return refused(*std::move(refusal));
  if (auto rejection = check_current_password(account, command.verdict, Rule::pwd_4, context))
    return *std::move(rejection);
  if (command.password.equals_current) return same_as_current();
  const fb::Grade grade = daicho::grade(account, command.password, context);
  Draft changed = draft(fb::PasswordChangedT{.grade = grade}, {Rule::pwd_1, Rule::pwd_2, Rule::pwd_4, Rule::acc_7});
  changed.personal.password_verifier = command.password.verifier;
  notify_proofs(changed, account, context, fb::NotificationKind::security_info_changed);
  Decision decision = accepted({{"grade", name(grade)}});
  decision.events.push_back(std::move(changed));
  return decision;
}

}  // namespace daicho
