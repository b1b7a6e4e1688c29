// daicho — the program: runs one subcommand, ends with an exit code of the catalogue (tools/failure.hpp).
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "tools/command_line.hpp"
#include "tools/master_place.hpp"
#include "tools/system.hpp"

int main(int count, char** values) {
  using namespace daicho;
  spdlog::set_default_logger(spdlog::stderr_logger_mt("daicho"));
  spdlog::set_pattern("daicho: %l: %v");
  protect_process_memory();
  take_master_keys_from_environment();
  return static_cast<int>(run_guarded([&] { return CommandLine().run(count, values); }));
}
