// daicho — the program: runs one subcommand, ends with an exit code of the catalogue (tools/failure.hpp). Its operator
// delete overwrites what it frees.
#include <malloc.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <cstring>
#include <new>

#include "tools/cli/command_line.hpp"
#include "tools/keys/master_place.hpp"
#include "tools/system.hpp"
#include "tools/wiped_streams.hpp"

// Replaced as [new.delete.single] has it, for this program and every C++ library in it: strings, parsed JSON and opened
// sealed parts come and go in many copies, and none is left in freed memory. The forms for arrays and with sizes end
// here. Not M_PERTURB of mallopt(3): in glibc 2.36 blocks below 1,040 bytes that a thread keeps for itself stay as they
// were.
void* operator new(std::size_t bytes) {
  for (;;) {
    if (void* const memory = std::malloc(bytes > 0 ? bytes : 1)) return memory;
    const std::new_handler make_room = std::get_new_handler();
    if (!make_room) throw std::bad_alloc();
    make_room();
  }
}

void operator delete(void* memory) noexcept {
  if (!memory) return;
  explicit_bzero(memory, malloc_usable_size(memory));
  std::free(memory);
}

void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }

int main(int count, char** values) {
  using namespace daicho;
  spdlog::set_default_logger(spdlog::stderr_logger_mt("daicho"));
  spdlog::set_pattern("daicho: %l: %v");
  protect_process_memory();
  take_master_keys_from_environment();
  own_output_buffer();
  return static_cast<int>(run_guarded([&] { return CommandLine().run(count, values); }));
}
