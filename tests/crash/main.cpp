// daicho_crash_test — kills a ledger's processes at random moments and checks what is left.
// usage: daicho_crash_test <path of daicho> [--seed N] [--rounds N]; as a child: --writer <directory> <seed> <round>
// <time>
#include <unistd.h>

#include <csignal>
#include <iostream>
#include <random>

#include "tests/crash/check.hpp"
#include "tests/crash/child.hpp"
#include "tests/crash/writer.hpp"
#include "tools/audit/verify.hpp"

namespace daicho::crash {

namespace {

constexpr unsigned audit_every = 10;
constexpr unsigned round_kill_ms_max = 150;
constexpr unsigned init_kills = 12, rebuild_kills = 10;
constexpr Time start = 1'772'334'000 * second_us;
constexpr Duration round_span = 10 * day_us;  // so that windows run out between rounds

struct Options {
  std::string daicho;
  std::uint64_t seed = std::random_device{}();
  unsigned rounds = 50;
};

class CrashTest {
 public:
  explicit CrashTest(const Options& options) : options_(options), dice_(options.seed) {
    std::string made = (std::filesystem::temp_directory_path() / "daicho-crash-XXXXXX").string();
    check(::mkdtemp(made.data()) != nullptr, "no temporary directory");
    directory_ = made;
  }

  /// Returns the exit code.
  int run() {
    try {
      const Json policy = {{"argon2_passes", 1}, {"argon2_memory_kib", 8}};
      init_ledger({.directory = ledger(), .simulated_clock = true, .at = start, .policy = policy});
      kill_inits();
      for (round_ = 0; round_ < options_.rounds; ++round_) kill_writer();
      kill_rebuilds();
      audit();
    } catch (const std::exception& broken) {
      std::cout << "crash: FAILED in round " << round_ << ", seed " << options_.seed << ", ledger " << ledger().string()
                << ": " << broken.what() << '\n';
      return 1;
    }
    std::filesystem::remove_all(directory_);
    std::cout << "crash: " << options_.rounds << " rounds, " << acknowledged_.size()
              << " acknowledged commands, all there once\n";
    return 0;
  }

 private:
  std::filesystem::path ledger() const { return directory_ / "ledger"; }
  Time now() const { return start + round_ * round_span; }
  unsigned roll(unsigned sides) { return static_cast<unsigned>(dice_() % sides); }
  void wait_up_to(unsigned milliseconds) {
    std::this_thread::sleep_for(std::chrono::microseconds(roll(milliseconds * 1'000 + 1)));
  }
  std::vector<std::string> daicho(std::vector<std::string> words, const std::filesystem::path& where) const {
    words.insert(words.begin(), options_.daicho);
    words.insert(words.end(), {"--data", where.string()});
    return words;
  }

  void kill_writer() {
    Child writer({"/proc/self/exe", "--writer", ledger().string(), std::to_string(options_.seed),
                  std::to_string(round_), std::to_string(now())});
    check(writer.wait_for_output("answered "), "the writer does not start: " + writer.output().substr(0, 400));
    if (round_ % audit_every == 1) use_beside_writer();
    wait_up_to(round_kill_ms_max);
    writer.kill();
    check(writer.wait() == -SIGKILL, "the writer ended by itself");
    check_round(parse_said(writer.output()));
    if (round_ % audit_every == audit_every - 1) audit();
  }

  void check_round(const Said& said) {
    WritableLedger open = open_for_writing(ledger(), now());
    const Commands commands = check_ledger(open);
    acknowledged_.insert(said.answered.begin(), said.answered.end());
    check_acknowledged(acknowledged_, commands);
    const auto fresh = check_repeated(open, said, commands);
    acknowledged_.insert(fresh.begin(), fresh.end());
    check_acknowledged(acknowledged_, check_log(*open.store));  // the rows: next round
  }

  /// Readers go on beside the writer; a second writer is told to try later.
  void use_beside_writer() {
    const auto code = [&](std::vector<std::string> words) { return crash::run(daicho(std::move(words), ledger())); };
    check(code({"tick"}) == static_cast<int>(Exit::unavailable), "a second writer is not refused");
    check(code({"replay", "--rebuild"}) == static_cast<int>(Exit::unavailable),
          "a rebuild beside the writer is not refused");
    check(code({"query", "events", "--limit", "10"}) == 0, "a query beside the writer fails");
    check(code({"query", "policy"}) == 0, "a query beside the writer fails");
    Child auditor(daicho({"audit", "verify"}, ledger()));
    check(auditor.wait() == 0, "an audit beside the writer: " + auditor.output());
  }

  void audit() {
    const auto result = audit_verify({.directory = ledger(), .threads = 0, .keys = {}});
    check(result.is_clean && !result.report.contains("warnings"), "audit: " + result.report.dump());
  }

  /// A killed init leaves a ledger that works, or one that nothing takes for a ledger; never a crash.
  void kill_inits() {
    for (unsigned number = 0; number < init_kills; ++number) {
      const auto where = directory_ / ("init-" + std::to_string(number));
      Child init(daicho({"init"}, where));
      wait_up_to(60);
      init.kill();
      init.wait();
      Child query(daicho({"query", "policy"}, where));
      const int queried = query.wait(), audited = crash::run(daicho({"audit", "verify"}, where));
      const bool is_ledger = queried == 0 && audited == 0;
      const bool is_none = (queried == 2 || queried == 3) && (audited == 2 || audited == 3);
      check(is_ledger || is_none,
            "after a killed init: query " + std::to_string(queried) + ", audit " + std::to_string(audited));
      const int ticked = crash::run(daicho({"tick"}, where));
      check(is_ledger ? ticked == 0 : ticked == 2 || ticked == 3,
            "after a killed init: tick " + std::to_string(ticked));
      const bool is_begun = std::filesystem::exists(where / "signing.key");
      check(crash::run(daicho({"init"}, where)) == (is_begun ? 2 : 0), "init over a killed one");
      std::filesystem::remove_all(where);
    }
  }

  void kill_rebuilds() {
    const auto began = std::chrono::steady_clock::now();
    check(crash::run(daicho({"replay", "--rebuild"}, ledger())) == 0, "replay --rebuild");
    const auto whole = std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now() - began).count();
    for (unsigned number = 0; number < rebuild_kills; ++number) {
      Child rebuilder(daicho({"replay", "--rebuild"}, ledger()));
      wait_up_to(static_cast<unsigned>(whole));
      rebuilder.kill();
      const int code = rebuilder.wait();
      check(code == 0 || code == -SIGKILL, "replay --rebuild: " + rebuilder.output());
      check_acknowledged(acknowledged_, check_ledger(open_for_writing(ledger(), now())));
    }
  }

  const Options options_;
  std::mt19937_64 dice_;
  std::filesystem::path directory_;
  unsigned round_ = 0;
  std::map<std::string, Positions> acknowledged_;
};

int usage() {
  std::cout << "usage: daicho_crash_test <path of daicho> [--seed N] [--rounds N]\n";
  return 2;
}

int main_with(const std::vector<std::string>& words) {
  if (words.size() == 5 && words[0] == "--writer") {
    return run_writer({.directory = words[1],
                       .seed = std::stoull(words[2]),
                       .round = static_cast<unsigned>(std::stoul(words[3])),
                       .at = std::stoll(words[4])});
  }
  if (words.empty() || words.size() % 2 == 0) return usage();
  Options options{.daicho = std::filesystem::absolute(words[0]).string()};
  for (std::size_t i = 1; i < words.size(); i += 2) {
    if (words[i] == "--seed")
      options.seed = std::stoull(words[i + 1]);
    else if (words[i] == "--rounds")
      options.rounds = static_cast<unsigned>(std::stoul(words[i + 1]));
    else
      return usage();
  }
  return CrashTest(options).run();
}

}  // namespace
}  // namespace daicho::crash

int main(int count, char** values) { return daicho::crash::main_with({values + 1, values + count}); }
