#include "tools/follow/consumer.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "ledger/files.hpp"
#include "tools/failure.hpp"
#include "tools/process.hpp"

namespace daicho {

std::optional<std::string> give_to(const std::vector<std::string>& command, std::string_view batch) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    throw Failure(Exit::unavailable, std::string("cannot make a pipe: ") + std::strerror(errno));
  std::signal(SIGPIPE, SIG_IGN);
  pid_t process = 0;
  try {
    process = spawn(command, {.input = ends[0], .missing = Exit::usage});
  } catch (...) {
    ::close(ends[0]);
    ::close(ends[1]);
    throw;
  }
  ::close(ends[0]);
  (void)write_all(ends[1], batch);  // its exit says whether it had enough
  ::close(ends[1]);
  int status = 0;
  while (::waitpid(process, &status, 0) < 0) {
    if (errno != EINTR) throw Failure(Exit::unavailable, std::string("cannot wait: ") + std::strerror(errno));
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return std::nullopt;
  if (WIFEXITED(status)) return command.front() + " ended with exit code " + std::to_string(WEXITSTATUS(status));
  return command.front() + " was ended by signal " + std::to_string(WTERMSIG(status));
}

std::optional<std::string> write_out(std::string_view batch) {
  std::signal(SIGPIPE, SIG_IGN);
  if (write_all(STDOUT_FILENO, batch)) return std::nullopt;
  return std::string("standard output: ") + std::strerror(errno);
}

}  // namespace daicho
