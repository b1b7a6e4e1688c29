#include "tools/bench/bench.hpp"

#include <unistd.h>

#include <algorithm>
#include <thread>

#include "projections/replay.hpp"
#include "tools/answers.hpp"
#include "tools/audit/verify.hpp"
#include "tools/bench/disclosure.hpp"
#include "tools/ledger_files.hpp"
#include "tools/output.hpp"

namespace daicho {

namespace {

constexpr unsigned limits_milliseconds = 500;
constexpr std::size_t loading_threads = 64;

/// A directory of this run, removed with it.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "daicho-bench-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw Failure(Exit::unavailable, "no temporary directory");
    path_ = name;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

Issuer issuer_of(const char* command, std::string key) {
  Issuer issuer;
  issuer.service = "bench";
  issuer.command = command;
  issuer.command_id = std::move(key);
  issuer.ip = "192.0.2.17";
  issuer.network = "192.0.2.0/24";
  issuer.user_agent = "bench";
  issuer.entry = fb::Entry::cli;
  return issuer;
}

template <class Work>
void in_threads(std::size_t count, Work work) {
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < count; ++i) threads.emplace_back([&work, i] { work(i); });
}

/// Registers accounts with a ready-made verifier: hashing a hundred thousand passwords would take half an hour.
std::vector<Id> load_accounts(Executor& executor, unsigned count) {
  std::vector<Id> accounts(count);
  Progress progress("accounts");
  in_threads(loading_threads, [&](std::size_t thread) {
    for (std::size_t i = thread; i < count; i += loading_threads) {
      RegisterAccount command;
      command.sign_in_name = "user" + std::to_string(i) + "@outlook.com";
      command.password = {
          .text = "Kaze1234", .repeat = "Kaze1234", .verifier = "$argon2id$bench", .grade = fb::Grade::acceptable};
      command.proofs = {{.kind = fb::ProofKind::secret_question,
                         .question = "first pet",
                         .answer = "pochi",
                         .answer_verifier = "$argon2id$bench"},
                        {.kind = fb::ProofKind::trusted_device, .device_id = "pc-" + std::to_string(i)}};
      Request request{.command = std::move(command)};
      request.issuer = issuer_of("register-account", "register-" + std::to_string(i));
      accounts[i] =
          *parse_id(accepted_or_fail(executor.execute(std::move(request))).body["account"].get<std::string>());
      if (thread == 0) progress.at(i, count);
    }
  });
  return accounts;
}

struct Measured {
  std::uint64_t events = 0;
  double seconds = 0;
  std::vector<std::int64_t> latencies_us;

  std::int64_t percentile(double share) const {
    if (latencies_us.empty()) return 0;
    return latencies_us[std::min(latencies_us.size() - 1,
                                 static_cast<std::size_t>(share * static_cast<double>(latencies_us.size())))];
  }
};

Measured append_for(Executor& executor, const std::vector<Id>& accounts, const BenchOptions& options) {
  std::vector<std::vector<std::int64_t>> latencies(options.threads);
  const Time start = system_time(), end = start + static_cast<Time>(options.seconds) * second_us;
  in_threads(options.threads, [&](std::size_t thread) {
    std::uint64_t random = (thread + 1) * 0x9e3779b97f4a7c15ULL;
    for (Time before = system_time(); before < end;) {
      random ^= random << 13, random ^= random >> 7, random ^= random << 17;  // xorshift64: which account comes next
      Request request{.command =
                          RecordSignIn{.succeeded = true, .device_id = "pc-1", .location = "JP-13", .reason = ""}};
      request.account = accounts[random % accounts.size()];
      request.issuer =
          issuer_of("record-sign-in", std::to_string(thread) + "-" + std::to_string(latencies[thread].size()));
      accepted_or_fail(executor.execute(std::move(request)));
      const Time after = system_time();
      latencies[thread].push_back(after - before);
      before = after;
    }
  });
  Measured measured;
  measured.seconds = static_cast<double>(system_time() - start) / 1e6;
  for (const auto& each : latencies)
    measured.latencies_us.insert(measured.latencies_us.end(), each.begin(), each.end());
  std::ranges::sort(measured.latencies_us);
  measured.events = measured.latencies_us.size();
  return measured;
}

Json intact_report(const std::filesystem::path& directory, AuditDepth depth = AuditDepth::projections) {
  const auto audit = audit_verify({.directory = directory, .depth = depth});
  if (!audit.is_clean) throw Failure(Exit::integrity, "the bench's own ledger does not verify: " + audit.report.dump());
  return audit.report;
}

std::uint64_t whole(double value) { return static_cast<std::uint64_t>(value); }
double ratio(double a, double b) { return static_cast<double>(whole(a / b * 1'000)) / 1'000; }

Json bench_append(const BenchOptions& options) {
  const TemporaryDirectory directory;
  init_ledger({.directory = directory.path() / "ledger", .origin = "bench.example/ledger"});
  Json json;
  Measured measured;
  std::uint64_t commits = 0;
  {
    WritableLedger ledger = open_for_writing(directory.path() / "ledger", std::nullopt);
    const auto accounts = load_accounts(*ledger.executor, options.accounts);
    const auto count_checkpoints = [&] {
      std::uint64_t count = 0;
      if (auto error = ledger.store->scan(Family::checkpoints, {}, [&](ByteView, ByteView) { return ++count > 0; }))
        fail(*error);
      return count;
    };
    const std::uint64_t before = count_checkpoints();
    measured = append_for(*ledger.executor, accounts, options);
    commits = count_checkpoints() - before;
  }
  const Json report = intact_report(directory.path() / "ledger");
  const Json limits = measure_limits(directory.path(), limits_milliseconds);
  const double per_second = static_cast<double>(measured.events) / measured.seconds;
  json["bench"] = "append: record-sign-in on random accounts, durable, signed, sealed, projected, idempotent";
  json["threads"] = options.threads;
  json["accounts"] = options.accounts;
  json["fsync"] = "one fdatasync a commit group, before any answer";
  json["processors"] = processor_count();
  json["events"] = measured.events;
  json["events_per_second"] = whole(per_second);
  json["events_per_commit"] =
      ratio(static_cast<double>(measured.events), static_cast<double>(std::max<std::uint64_t>(1, commits)));
  json["latency_us"] = {
      {"p50", measured.percentile(0.5)}, {"p99", measured.percentile(0.99)}, {"p999", measured.percentile(0.999)}};
  json["limits"] = limits;
  json["ratio_to_limits"] = {{"fdatasync_4k", ratio(per_second, limits["fdatasync_4k"])},
                             {"ed25519_sign", ratio(per_second, limits["ed25519_sign"])},
                             {"rocksdb_sync_batch_64", ratio(per_second, limits["rocksdb_sync_batch_64"])}};
  json["verified"] = {{"result", report["result"]}, {"events", report["events"]}, {"signatures", report["signatures"]}};
  return json;
}

/// The ledger to read: the caller's, or one made for this run.
void make_ledger(const std::filesystem::path& directory, const BenchOptions& options) {
  init_ledger({.directory = directory, .origin = "bench.example/ledger"});
  WritableLedger ledger = open_for_writing(directory, std::nullopt);
  const auto accounts = load_accounts(*ledger.executor, options.accounts);
  append_for(*ledger.executor, accounts, options);
}

/// Reads it all once; `report` has what was counted.
struct Reading {
  Json report;
  double seconds = 0, per_second = 0;
};
Reading timed(const std::function<Json()>& read) {
  const Time start = system_time();
  Reading reading{read()};
  reading.seconds = static_cast<double>(system_time() - start) / 1e6;
  reading.per_second = reading.report["events"].get<double>() / reading.seconds;
  return reading;
}

Json reading_json(const Reading& reading, const Json& limits) {
  return {{"seconds", ratio(reading.seconds, 1)},
          {"events_per_second", whole(reading.per_second)},
          {"ratio_to_ed25519_verify", ratio(reading.per_second, limits["ed25519_verify"])}};
}

Json bench_reading(const std::string& kind, const BenchOptions& options) {
  const TemporaryDirectory temporary;
  const bool is_own = options.directory.empty();
  const std::filesystem::path directory = is_own ? temporary.path() / "ledger" : options.directory;
  if (is_own) make_ledger(directory, options);
  const Json limits = measure_limits(temporary.path(), limits_milliseconds);
  Json json = {{"processors", processor_count()}};
  if (kind == "replay") {
    const Reading replay = timed([&] { return replay_ledger(directory, false).report; });
    if (replay.report["result"] != "equal")
      throw Failure(Exit::integrity, "the replay differs: " + replay.report.dump());
    json["bench"] = "replay: every event folded, every row compared";
    json.update(reading_json(replay, limits));
    json["events"] = replay.report["events"];
    json["accounts"] = replay.report["accounts"];
  } else {
    json["bench"] = "verify: every byte, at each depth";
    for (const auto depth : {AuditDepth::hashes, AuditDepth::signatures, AuditDepth::projections}) {
      const Reading audit = timed([&] { return intact_report(directory, depth); });
      json["depths"][name(depth)] = reading_json(audit, limits);
      json["events"] = audit.report["events"];
      json["accounts"] = audit.report["accounts"];
    }
  }
  json["limits"] = limits;
  return json;
}

}  // namespace

Json run_bench(const std::string& kind, const BenchOptions& options) {
  if (kind == "disclosure") {
    const TemporaryDirectory directory;
    return bench_disclosure(directory.path() / "ledger", options.seconds);
  }
  return kind == "append" ? bench_append(options) : bench_reading(kind, options);
}

}  // namespace daicho
