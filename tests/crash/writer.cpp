#include "tests/crash/writer.hpp"

#include <sys/prctl.h>
#include <unistd.h>

#include <climits>
#include <csignal>
#include <mutex>
#include <random>
#include <thread>

#include "projections/event_fields.hpp"
#include "projections/history.hpp"
#include "tools/answers.hpp"
#include "tools/deliver/outbox.hpp"
#include "tools/routes.hpp"

namespace daicho::crash {

namespace {

/// An account as the commands of this run know it. All its addresses have one local part.
struct Known {
  std::string account, local = "unknown", replacement;
};

class Writer {
 public:
  Writer(WritableLedger& ledger, const WriterOptions& options) : ledger_(ledger), options_(options) { find_accounts(); }

  void run(unsigned thread) try {
    std::mt19937_64 dice(options_.seed * 1'000'003 + options_.round * 1'009 + thread);
    std::string prefix = "r" + std::to_string(options_.round) + "-t" + std::to_string(thread) + "-";
    for (unsigned number = 0;;) {
      next_key_ = [&] { return prefix + std::to_string(number++); };
      thread == 0 ? deliver(dice) : act(dice);
    }
  } catch (const std::exception& error) {
    say("failed", error.what());
  }

 private:
  using Dice = std::mt19937_64;
  static unsigned roll(Dice& dice, unsigned sides) { return static_cast<unsigned>(dice() % sides); }

  void say(const std::string& what, const std::string& text) {
    const std::string line = what + " " + text + "\n";
    if (line.size() > PIPE_BUF) std::abort();
    if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) std::_Exit(0);
  }

  /// Null when refused or failed.
  Json issue(const std::string& name, const std::string& account, Json body) {
    const std::string key = next_key_();
    if (!account.empty()) body["account"] = account;
    body["service"] = service;
    body["idempotency_key"] = key;
    say("issued", Json{{"name", name}, {"body", body}}.dump());
    const auto answer = execute_json(ledger_, name, body, {});
    if (!answer) {
      say("failed", name + ": " + answer.error().detail);
      return nullptr;
    }
    Json seqs = Json::array();
    for (const Json& event : answer->body.value("events", Json::array())) seqs.push_back(event["seq"]);
    if (!seqs.empty()) say("answered", Json{{"key", key}, {"seqs", seqs}}.dump());
    return answer->is_refusal ? Json() : answer->body;
  }

  void find_accounts() {
    ledger_.store->scan(Family::rows, as_bytes("A"), [&](ByteView key, ByteView) {
      const auto id = key[0] == 'A' ? Id::from(key.subspan(1)) : std::nullopt;
      if (id) known_.push_back({.account = to_text(*id)});
      return id.has_value();
    });
  }

  Known pick(Dice& dice) {
    const std::lock_guard lock(mutex_);
    if (known_.empty()) return {};
    const std::size_t newest = std::min<std::size_t>(known_.size(), 64);
    return roll(dice, 4) == 0 ? known_[dice() % known_.size()] : known_[known_.size() - 1 - dice() % newest];
  }

  void act(Dice& dice) {
    const Known known = pick(dice);
    const unsigned which = known.account.empty() ? 0 : roll(dice, 100);
    if (which < 8) return register_account();
    if (which < 40) return sign_in(known, dice);
    if (which < 60) return challenge(known, dice);
    if (which < 68) return replace(known, dice);
    if (which < 78) return recover(known, dice);
    if (which < 84)
      issue("block-account", known.account, {{"reason", "suspected_intrusion"}});
    else if (which < 90)
      issue("unblock-account", known.account, {{"challenge_id", known.account}});
    else if (which < 92)
      issue("adopt-policy", "", {{"recovery_per_day", 1 + roll(dice, 5)}});
    else if (which < 94)
      issue("record-access", known.account,
            {{"reason", "complaint"},
             {"case_number", "C-1"},
             {"investigator", "staff-" + std::to_string(roll(dice, 3))},
             {"fields", {"proofs"}}});
    else if (which < 97)
      issue("add-proof", known.account, {{"kind", "email"}, {"value", known.local + "@example.edu"}});
    else
      tick();
  }

  void register_account() {
    std::string local = next_key_();
    const Json proofs = {{{"kind", "email"}, {"value", local + "@example.com"}},
                         {{"kind", "email"}, {"value", local + "@example.org"}}};
    const Json answer = issue("register-account", "",
                              {{"sign_in_name", local + "@outlook.com"},
                               {"password", "Kaze1234"},
                               {"password_repeat", "Kaze1234"},
                               {"proofs", proofs}});
    if (answer.is_null()) return;
    const std::lock_guard lock(mutex_);
    known_.push_back({.account = answer["account"], .local = std::move(local)});
  }

  void sign_in(const Known& known, Dice& dice) {
    const char* result = roll(dice, 3) == 0 ? "failed" : "succeeded";
    issue("record-sign-in", known.account, {{"result", result}, {"device_id", "pc-" + std::to_string(roll(dice, 3))}});
  }

  void challenge(const Known& known, Dice& dice) {
    const char* purpose = roll(dice, 2) == 0 ? "unblock" : "reset_password";
    const char* typed = roll(dice, 10) == 0 ? "wrong" : "xvms";
    const Json answer = issue("start-challenge", known.account,
                              {{"purpose", purpose}, {"character_check", {{"shown", "XVMS"}, {"typed", typed}}}});
    if (answer.is_null() || !answer.contains("offers")) return;
    const Json& offers = answer["offers"];
    issue("send-code", known.account,
          {{"challenge_id", answer["challenge_id"]},
           {"proof_id", offers[roll(dice, static_cast<unsigned>(offers.size()))]["proof_id"]},
           {"channel", "email"},
           {"confirmation", known.local}});
  }

  void replace(const Known& known, Dice& dice) {
    if (!known.replacement.empty() && roll(dice, 3) > 0) {
      issue("propose-replacement-proof", known.account,
            {{"replacement_id", known.replacement}, {"kind", "email"}, {"value", known.local + "@new.example"}});
      return;
    }
    const Json answer = issue("mark-proofs-lost", known.account, Json::object());
    if (answer.is_null()) return;
    const std::lock_guard lock(mutex_);
    for (Known& each : known_) {
      if (each.account == known.account) each.replacement = answer.value("replacement_id", "");
    }
  }

  void recover(const Known& known, Dice& dice) {
    Json answers = {{"surname", "山田"}, {"postal_code", "150-0001"}};
    if (roll(dice, 4) > 0) answers["mail_folders"] = "not_registered";
    issue("submit-recovery", known.account, {{"contact_address", "friend@example.com"}, {"answers", answers}});
  }

  void tick() {
    const auto done = ledger_.executor->tick();
    if (!done) say("failed", "tick: " + done.error().detail);
  }

  /// What was sent comes back: links are followed, codes typed, and passed challenges used.
  void deliver(Dice& dice) {
    const Json leased =
        lease_notifications(ledger_, {.holder = "crash", .count_max = 4, .seconds = 1, .account = {}}).value().body;
    for (const Json& notification : leased["notifications"]) {
      const std::string account = notification["account"];
      if (roll(dice, 4) > 0) return_secret(notification, account, dice);
      issue("record-delivery", account, {{"notification_id", notification["notification_id"]}, {"result", "accepted"}});
    }
    if (leased["notifications"].empty()) act(dice);
  }

  void return_secret(const Json& notification, const std::string& account, Dice& dice) {
    const auto envelope = read_event(*ledger_.store, notification["seq"]);
    const auto event = Event::parse(as_bytes(**envelope));
    const auto* link = event->as<fb::LinkSent>();
    const auto* code = event->as<fb::CodeSent>();
    if (code && !id_of(code->challenge_id()).is_zero()) {
      const std::string challenge = to_text(id_of(code->challenge_id()));
      issue("submit-code", account, {{"challenge_id", challenge}, {"code", notification["code"]}});
      if (roll(dice, 2) == 0)
        issue("unblock-account", account, {{"challenge_id", challenge}});
      else
        issue("reset-password", account,
              {{"challenge_id", challenge}, {"new_password", "Sora5678"}, {"new_password_repeat", "Sora5678"}});
      return;
    }
    if (!link) return;
    const auto first = read_event(*ledger_.store, event->header().caused_by().value_or(event->position()));
    const auto cause = Event::parse(as_bytes(**first));
    if (const auto* proposed = cause->as<fb::ReplacementProofProposed>()) {
      issue("confirm-replacement-proof", account,
            {{"replacement_id", to_text(id_of(proposed->replacement_id()))},
             {"link_token", notification["token"]},
             {"account_named", account}});
    } else {
      issue("verify-proof", account,
            {{"proof_id", to_text(id_of(link->proof_id()))}, {"link_token", notification["token"]}});
    }
  }

  WritableLedger& ledger_;
  const WriterOptions options_;
  std::mutex mutex_;  // guards known_
  std::vector<Known> known_;
  static inline thread_local std::function<std::string()> next_key_;
};

}  // namespace

int run_writer(const WriterOptions& options) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  WritableLedger ledger = open_for_writing(options.directory, options.at);
  Writer writer(ledger, options);
  std::vector<std::thread> threads;
  for (unsigned thread = 0; thread < options.threads; ++thread)
    threads.emplace_back([&, thread] { writer.run(thread); });
  for (std::thread& thread : threads) thread.join();
  return 0;
}

}  // namespace daicho::crash
