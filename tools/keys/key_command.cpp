#include "tools/keys/key_command.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <optional>
#include <thread>

#include "ledger/sealing.hpp"
#include "tools/failure.hpp"
#include "tools/keys/key_files.hpp"
#include "tools/process.hpp"

namespace daicho {

namespace {

using Instant = std::chrono::steady_clock::time_point;

/// A started program, and the end of the pipe that its standard output is.
class Program {
 public:
  explicit Program(const std::vector<std::string>& command);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  /// Up to the end of its output, or one byte more than it may say; nullopt when that takes longer.
  std::optional<std::string> read_until(Instant end) const;
  /// Its wait status; nullopt when it does not end in time.
  std::optional<int> wait_until(Instant end);

 private:
  pid_t process_ = 0;
  int output_ = -1;
};

Program::Program(const std::vector<std::string>& command) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    throw Failure(Exit::unavailable, std::string("cannot make a pipe: ") + std::strerror(errno));
  output_ = ends[0];
  try {
    process_ = spawn(command, {.output = ends[1], .has_own_group = true});
  } catch (...) {
    ::close(ends[0]);
    ::close(ends[1]);
    throw;
  }
  ::close(ends[1]);
}

Program::~Program() {
  ::close(output_);
  if (process_ == 0) return;
  ::kill(-process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
}

std::optional<std::string> Program::read_until(Instant end) const {
  std::string text(key_command_bytes_max + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    pollfd ready{output_, POLLIN, 0};
    const int count = left.count() > 0 ? ::poll(&ready, 1, static_cast<int>(left.count())) : 0;
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      wipe(text);
      return std::nullopt;
    }
    const ssize_t got = ::read(output_, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    size += static_cast<std::size_t>(got);
  }
  text.resize(size);
  return text;
}

std::optional<int> Program::wait_until(Instant end) {
  int status = 0;
  while (::waitpid(process_, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > end) return std::nullopt;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  process_ = 0;
  return status;
}

}  // namespace

std::vector<std::string> read_command_file(const std::filesystem::path& path) {
  std::string text = read_file(path).value_or("");
  std::vector<std::string> command;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    command.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  if (command.empty() || command.front().empty())
    throw Failure(Exit::usage,
                  path.string() + ": a program is wanted in the first line, an argument in each further one");
  return command;
}

std::string run_key_command(const std::vector<std::string>& command, int seconds) {
  const Instant end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  Program program(command);
  const auto fail = [&](const std::string& words) {
    return Failure(Exit::unavailable, command.front() + ": " + words + "; no master key is had from it");
  };
  auto text = program.read_until(end);
  if (!text) throw fail("did not answer within " + std::to_string(seconds) + " seconds");
  const bool is_too_long = text->size() > key_command_bytes_max;
  const auto status = is_too_long ? std::nullopt : program.wait_until(end);
  const bool is_good = status && WIFEXITED(*status) && WEXITSTATUS(*status) == 0;
  if (is_good) return *std::move(text);
  wipe(*text);
  if (is_too_long) throw fail("says more than " + std::to_string(key_command_bytes_max) + " bytes");
  if (!status) throw fail("did not end within " + std::to_string(seconds) + " seconds");
  throw fail(WIFEXITED(*status) ? "ended with exit status " + std::to_string(WEXITSTATUS(*status))
                                : "was ended by signal " + std::to_string(WTERMSIG(*status)));
}

}  // namespace daicho
