#include "tools/process.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

extern char** environ;

namespace daicho {

pid_t spawn(const std::vector<std::string>& command, const SpawnPlan& plan) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  if (plan.input < 0) posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  if (plan.input >= 0) posix_spawn_file_actions_adddup2(&files, plan.input, STDIN_FILENO);
  if (plan.output >= 0) posix_spawn_file_actions_adddup2(&files, plan.output, STDOUT_FILENO);
  sigset_t all, none;
  sigfillset(&all);
  sigemptyset(&none);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setsigmask(&attributes, &none);
  const int group = plan.has_own_group ? POSIX_SPAWN_SETPGROUP : 0;
  posix_spawnattr_setflags(&attributes, static_cast<short>(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | group));
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  pid_t process = 0;
  const int failed = ::posix_spawnp(&process, arguments[0], &files, &attributes, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (failed == 0) return process;
  const bool is_missing = failed == ENOENT || failed == EACCES || failed == ENOEXEC || failed == ENOTDIR;
  throw Failure(is_missing ? plan.missing : Exit::unavailable,
                command.front() + ": cannot be started: " + std::strerror(failed));
}

}  // namespace daicho
