#include "tools/failure.hpp"

#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

namespace daicho {

Exit run_guarded(const std::function<Exit()>& run) {
  try {
    return run();
  } catch (const Failure& failure) {
    spdlog::error("{}", failure.what());
    return failure.exit;
  } catch (const std::exception& unexpected) {
    spdlog::error("unexpected: {}", unexpected.what());
    return Exit::unavailable;
  }
}

std::optional<Exit> run_isolated(const std::function<Exit()>& run) {
  std::fflush(nullptr);  // else the child writes it once more
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) throw Failure(Exit::unavailable, std::string("cannot start a process: ") + std::strerror(errno));
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(static_cast<int>(Exit::unavailable));  // it went before the line above
    const Exit code = run_guarded(run);
    std::fflush(nullptr);
    ::_exit(static_cast<int>(code));
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) throw Failure(Exit::unavailable, std::string("cannot wait: ") + std::strerror(errno));
  }
  if (WIFEXITED(status)) return static_cast<Exit>(WEXITSTATUS(status));
  return std::nullopt;
}

}  // namespace daicho
