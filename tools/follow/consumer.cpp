#include "tools/follow/consumer.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "tools/failure.hpp"

extern char** environ;

namespace daicho {

namespace {

bool write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

pid_t start(const std::vector<std::string>& command, int input) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
  sigset_t defaults;
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  pid_t process = 0;
  const int failed = ::posix_spawnp(&process, arguments[0], &files, &attributes, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (failed == 0) return process;
  const bool is_usage = failed == ENOENT || failed == EACCES || failed == ENOEXEC || failed == ENOTDIR;
  throw Failure(is_usage ? Exit::usage : Exit::unavailable,
                command.front() + ": cannot be started: " + std::strerror(failed));
}

}  // namespace

std::optional<std::string> give_to(const std::vector<std::string>& command, std::string_view batch) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    throw Failure(Exit::unavailable, std::string("cannot make a pipe: ") + std::strerror(errno));
  std::signal(SIGPIPE, SIG_IGN);
  pid_t process = 0;
  try {
    process = start(command, ends[0]);
  } catch (...) {
    ::close(ends[0]);
    ::close(ends[1]);
    throw;
  }
  ::close(ends[0]);
  write_all(ends[1], batch);  // its exit says whether it had enough
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
