#include "tests/crash/child.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace daicho::crash {

void check(bool is_good, const std::string& words) {
  if (!is_good) throw Broken(words);
}

Child::Child(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  for (const std::string& each : command) arguments.push_back(const_cast<char*>(each.c_str()));
  arguments.push_back(nullptr);
  int ends[2];
  check(::pipe2(ends, O_CLOEXEC) == 0, "no pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  const int failed = ::posix_spawn(&process_, arguments.front(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  if (failed != 0) ::close(ends[0]);
  check(failed == 0, "cannot start " + command.front());
  reader_ = std::thread([this, pipe = ends[0]] { read(pipe); });
}

Child::~Child() {
  kill();
  wait();
}

void Child::read(int pipe) {
  char buffer[65'536];
  for (ssize_t got = 1; got > 0;) {
    got = ::read(pipe, buffer, sizeof buffer);
    const std::lock_guard lock(mutex_);
    if (got > 0) output_.append(buffer, static_cast<std::size_t>(got));
    is_ended_ = got <= 0;
    grown_.notify_all();
  }
  ::close(pipe);
}

bool Child::wait_for_output(const std::string& text) {
  std::unique_lock lock(mutex_);
  const auto is_there = [&] { return output_.find(text) != std::string::npos; };
  grown_.wait_for(lock, std::chrono::minutes(1), [&] { return is_ended_ || is_there(); });
  return is_there();
}

void Child::kill() {
  if (!is_waited_for_) ::kill(process_, SIGKILL);
}

int Child::wait() {
  if (!is_waited_for_) {
    while (::waitpid(process_, &status_, 0) < 0 && errno == EINTR) {
    }
    is_waited_for_ = true;
    reader_.join();
  }
  return WIFEXITED(status_) ? WEXITSTATUS(status_) : -WTERMSIG(status_);
}

std::string Child::output() {
  const std::lock_guard lock(mutex_);
  return output_;
}

int run(const std::vector<std::string>& command) { return Child(command).wait(); }

}  // namespace daicho::crash
