#include "tools/failure.hpp"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "ledger/files.hpp"

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

namespace {

/// A child process that runs it, and ends with its exit code; it goes when this process goes.
pid_t start_isolated(const std::function<Exit()>& run) {
  std::fflush(nullptr);  // else the child writes it once more
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) throw Failure(Exit::unavailable, std::string("cannot start a process: ") + std::strerror(errno));
  if (child > 0) return child;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(static_cast<int>(Exit::unavailable));  // it went before the line above
  const Exit code = run_guarded(run);
  std::fflush(nullptr);
  ::_exit(static_cast<int>(code));
}

std::optional<Exit> wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) throw Failure(Exit::unavailable, std::string("cannot wait: ") + std::strerror(errno));
  }
  if (WIFEXITED(status)) return static_cast<Exit>(WEXITSTATUS(status));
  return std::nullopt;
}

std::string read_all(int file) {
  std::string bytes;
  std::array<char, 65'536> part;
  for (ssize_t got = 1; got > 0 || (got < 0 && errno == EINTR);) {
    got = ::read(file, part.data(), part.size());
    if (got > 0) bytes.append(part.data(), static_cast<std::size_t>(got));
  }
  return bytes;
}

}  // namespace

std::optional<Exit> run_isolated(const std::function<Exit()>& run) { return wait_for(start_isolated(run)); }

Isolated run_isolated_telling(const std::function<Exit(const Tell&)>& run) {
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    throw Failure(Exit::unavailable, std::string("cannot make a pipe: ") + std::strerror(errno));
  const pid_t child =
      start_isolated([&] { return run([&](const std::string& line) { (void)write_all(ends[1], line + "\n"); }); });
  ::close(ends[1]);
  std::string told = read_all(ends[0]);
  ::close(ends[0]);
  told.resize(told.rfind('\n') == std::string::npos ? 0 : told.rfind('\n'));  // a part of a line was not told
  return {wait_for(child), told.substr(told.rfind('\n') + 1)};
}

}  // namespace daicho
