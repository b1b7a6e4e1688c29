// daicho bench: measurements (docs/performance.md).
#include "tools/bench/bench.hpp"
#include "tools/cli/command_line.hpp"

namespace daicho {

void add_bench_commands(CommandLine& line) {
  const auto options = std::make_shared<BenchOptions>();
  const char* const example = "daicho bench append --threads 64 --seconds 10";
  auto* bench = line.add(line.app(), "bench", "measure, in a throw-away ledger beside this machine's own limits",
                         example, nullptr);
  bench->require_subcommand(1);
  for (const char* kind : {"append", "verify", "replay", "disclosure"}) {
    auto* sub = line.add(*bench, kind, "see docs/performance.md", example, [&line, options, kind] {
      options->directory = line.data_text();
      print(run_bench(kind, *options), line.format());
      return Exit::done;
    });
    sub->add_option("--threads", options->threads, "callers at once")->check(CLI::Range(1U, 4'096U));
    sub->add_option("--seconds", options->seconds, "how long")->check(CLI::Range(1U, 3'600U));
    sub->add_option("--accounts", options->accounts, "accounts to choose from")->check(CLI::Range(1U, 10'000'000U));
  }
}

}  // namespace daicho
