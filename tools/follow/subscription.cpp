// docs/subscription.md.
#include "tools/follow/subscription.hpp"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "tools/follow/consumer.hpp"
#include "tools/follow/cursor_file.hpp"
#include "tools/ledger_files.hpp"
#include "tools/log_files.hpp"

namespace daicho {

namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr auto poll_interval = std::chrono::milliseconds(500);
constexpr auto interrupt_interval = std::chrono::milliseconds(50);

class Subscription {
 public:
  explicit Subscription(const SubscriptionOptions& options);
  Exit run();

 private:
  bool open();
  bool deliver_next();
  bool hand_over(const std::string& batch);
  void check_silence() const;
  void pause() const;
  [[noreturn]] void report(const FollowFinding& found) const;

  const SubscriptionOptions& options_;
  std::unique_ptr<Store> store_;
  std::optional<LogFollower> follower_;
  SteadyClock::time_point last_news_ = SteadyClock::now();
  std::string trouble_;  // why the log could not be opened the last time
};

/// What is not taken at once comes again from the cursor: it begins there, whoever ran before.
Subscription::Subscription(const SubscriptionOptions& options) : options_(options) {
  LogCursor from;
  if (auto kept = options.cursor ? read_cursor(*options.cursor) : std::nullopt) {
    from = std::move(kept->cursor);
    last_news_ -= std::chrono::microseconds(std::max<Time>(0, system_time() - kept->taken_at));
  }
  store_ = value_or_fail(Store::open(options.directory, Store::Mode::read));
  follower_.emplace(first_verifier(options.directory, *store_, options.keys), std::move(from));
  if (!store_->published()) store_.reset();  // open() says so
}

Exit Subscription::run() {
  while (true) {
    while (!options_.is_interrupted() && open() && deliver_next()) {
    }
    if (options_.is_interrupted()) return Exit::done;
    check_silence();
    if (!options_.goes_on) return Exit::done;
    pause();
    store_.reset();
  }
}

/// A view of the log as it is now. One that cannot be had is silence, for the while that it may last.
bool Subscription::open() {
  if (store_) return true;
  auto opened = Store::open(options_.directory, Store::Mode::read);
  if (!opened && opened.error().fault == StoreFault::corrupt) fail(opened.error());
  if (opened && (*opened)->published()) {
    store_ = *std::move(opened);
    trouble_.clear();
    return true;
  }
  const std::string words = opened ? "no checkpoint is published beside the store: what of it is durable is not known"
                                   : opened.error().detail;
  if (opened && !options_.goes_on) throw Failure(Exit::unavailable, words);
  if (trouble_.empty()) spdlog::warn("the log does not answer: {}", words);
  trouble_ = words;
  return false;
}

/// One batch: verified, taken, and only then behind the cursor. False: there is none, or it was not taken.
bool Subscription::deliver_next() {
  std::string batch;
  const FollowLimits limits{.batch_events = options_.batch_events};
  const auto more = follower_->next(*store_, limits, [&](const Event& event) {
    if (options_.is_selected(event)) batch += json_line(options_.row(event));
  });
  if (!more) report(more.error());
  if (!*more) return false;
  last_news_ = SteadyClock::now();
  if (!hand_over(batch)) return false;
  if (options_.cursor) write_cursor(*options_.cursor, {follower_->cursor(), system_time()});
  return true;
}

/// False: interrupted before it was taken.
bool Subscription::hand_over(const std::string& batch) {
  if (batch.empty()) return true;
  if (options_.consumer.empty()) {
    if (const auto words = write_out(batch)) throw Failure(Exit::unavailable, *words);
    return true;
  }
  while (const auto words = give_to(options_.consumer, batch)) {
    if (!options_.goes_on) throw Failure(Exit::unavailable, *words + ": the batch was not taken, and comes again");
    spdlog::warn("{}: the batch comes again", *words);
    pause();
    if (options_.is_interrupted()) return false;
  }
  return true;
}

void Subscription::check_silence() const {
  const auto silence = std::chrono::duration_cast<std::chrono::seconds>(SteadyClock::now() - last_news_);
  if (!options_.max_silence || silence < *options_.max_silence) return;
  throw Failure(Exit::unavailable, "the log is silent: no new checkpoint for " + std::to_string(silence.count()) +
                                       " seconds, since that of " + std::to_string(follower_->size()) + " events" +
                                       (trouble_.empty() ? "" : "; it does not answer: " + trouble_));
}

void Subscription::pause() const {
  const auto until = SteadyClock::now() + poll_interval;
  while (SteadyClock::now() < until && !options_.is_interrupted()) std::this_thread::sleep_for(interrupt_interval);
}

void Subscription::report(const FollowFinding& found) const {
  const Finding& finding = found.finding;
  std::string words = std::string(name(finding.kind)) + " at " + std::to_string(finding.position) + ": " +
                      finding.expected + " expected, " + finding.found + " found; nothing of this batch was shown";
  if (options_.cursor) {
    for (const std::string& file : keep_evidence(*options_.cursor, found.evidence)) words += "; kept: " + file;
  } else {
    for (const std::string& note : found.evidence) words += "\n" + note;
  }
  throw Failure(Exit::integrity, words);
}

/// RocksDB checks some of its files with asserts: damage can end the process that reads them.
void end_as_damaged(int) {
  constexpr std::string_view words = "the store ended its reader: it is damaged\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, words.data(), words.size());
  ::_exit(static_cast<int>(Exit::integrity));
}

}  // namespace

Exit run_subscription(const SubscriptionOptions& options) {
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS}) std::signal(signal, end_as_damaged);
  return Subscription(options).run();
}

}  // namespace daicho
