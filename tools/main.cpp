// daicho — the program: runs one subcommand, ends with an exit code of the catalogue (tools/failure.hpp). Its operator
// delete overwrites what it frees.
#include <malloc.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <cstring>
#include <new>

#include "tools/cli/command_line.hpp"
#include "tools/keys/master_place.hpp"
#include "tools/output.hpp"
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

namespace {

/// What a file, or a service, had a part in must not speak to the terminal.
class PrintableMessage : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& out) override {
    const std::string text = daicho::printable({message.payload.data(), message.payload.size()});
    out.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<PrintableMessage>(); }
};

}  // namespace

int main(int count, char** values) {
  using namespace daicho;
  spdlog::set_default_logger(spdlog::stderr_logger_mt("daicho"));
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<PrintableMessage>('*').set_pattern("daicho: %l: %*");
  spdlog::set_formatter(std::move(formatter));
  ::unsetenv("SSLKEYLOGFILE");  // libcurl would write the keys of its connections there
  protect_process_memory();
  take_master_keys_from_environment();
  own_output_buffer();
  return static_cast<int>(run_guarded([&] { return CommandLine().run(count, values); }));
}
