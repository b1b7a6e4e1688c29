#include "tools/keys/external_signer.hpp"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <deque>
#include <future>
#include <mutex>
#include <thread>

#include "ledger/files.hpp"
#include "tools/failure.hpp"
#include "tools/process.hpp"

namespace daicho {

namespace {

using Answer = Result<Signature, std::string>;

constexpr std::size_t answer_bytes_max = 4'096;
constexpr std::size_t request_bytes_max = 262'144;  // of a line: an event in base64 is less than half of it
constexpr auto ending_time_max = std::chrono::seconds(2);
constexpr std::string_view probe_message{"daicho signer check v1\0", 23};  // no event and no note begins so

Answer parse_answer(std::string_view line) {
  if (line.starts_with("error")) return Unexpected{"the signer says: " + std::string(line)};
  const auto bytes = from_base64(line);
  const auto signature = bytes ? Signature::from(as_bytes(*bytes)) : std::nullopt;
  if (!signature) return Unexpected{std::string("the signer answered with what is no signature")};
  return *signature;
}

/// The helper and the one socket that is its standard input and output. Any thread may ask.
class Helper {
 public:
  Helper(const std::vector<std::string>& command, int answer_seconds)
      : answer_time_max_(answer_seconds), socket_(start(command)) {
    reader_ = std::thread([this] { read_answers(); });
  }
  ~Helper();
  Helper(const Helper&) = delete;
  Helper& operator=(const Helper&) = delete;

  Answer ask(ByteView message);

 private:
  int start(const std::vector<std::string>& command);
  std::optional<std::string> send_line(const std::string& line) const;  ///< why it could not be sent
  std::string within() const { return " within " + std::to_string(answer_time_max_.count()) + " seconds"; }
  void read_answers();
  std::optional<std::promise<Answer>> take_first();
  void fail(const std::string& words);

  const std::chrono::seconds answer_time_max_;
  pid_t process_ = 0;
  const int socket_;
  std::mutex order_mutex_;  // requests go out in the order in which they wait
  std::mutex mutex_;        // guards the rest
  std::deque<std::promise<Answer>> waiting_;
  std::optional<std::string> failed_;
  std::thread reader_;
};

int Helper::start(const std::vector<std::string>& command) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    throw Failure(Exit::unavailable, std::string("cannot make a socket: ") + std::strerror(errno));
  const timeval limit{answer_time_max_.count(), 0};
  ::setsockopt(ends[0], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  try {
    process_ = spawn(command, {.input = ends[1], .output = ends[1], .has_own_group = true});
  } catch (...) {
    ::close(ends[0]);
    ::close(ends[1]);
    throw;
  }
  ::close(ends[1]);
  return ends[0];
}

Helper::~Helper() {
  ::shutdown(socket_, SHUT_RDWR);
  reader_.join();
  ::close(socket_);
  const auto until = std::chrono::steady_clock::now() + ending_time_max;
  while (::waitpid(process_, nullptr, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > until) {
      ::kill(process_, SIGKILL);
      ::waitpid(process_, nullptr, 0);
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

std::optional<std::string> Helper::send_line(const std::string& line) const {
  for (std::size_t sent = 0; sent < line.size();) {
    const ssize_t count = ::send(socket_, line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return "the signer took no message" + within();
    if (count <= 0) return "the signer ended";
    sent += static_cast<std::size_t>(count);
  }
  return std::nullopt;
}

Answer Helper::ask(ByteView message) {
  const std::string line = to_base64(message) + '\n';
  std::future<Answer> answer;
  std::optional<std::string> unsent;
  {
    const std::lock_guard order(order_mutex_);
    {
      const std::lock_guard lock(mutex_);
      if (failed_) return Unexpected{*failed_};
      answer = waiting_.emplace_back().get_future();
    }
    unsent = send_line(line);
  }
  if (unsent) fail(*unsent);
  if (answer.wait_for(answer_time_max_) == std::future_status::timeout) fail("the signer did not answer" + within());
  return answer.get();
}

/// Once: everybody who waits is told, and nobody is answered after.
void Helper::fail(const std::string& words) {
  std::deque<std::promise<Answer>> waiting;
  {
    const std::lock_guard lock(mutex_);
    if (!failed_) failed_ = words;
    waiting.swap(waiting_);
  }
  ::shutdown(socket_, SHUT_RDWR);
  for (auto& each : waiting) each.set_value(Unexpected{words});
}

std::optional<std::promise<Answer>> Helper::take_first() {
  const std::lock_guard lock(mutex_);
  if (waiting_.empty()) return std::nullopt;
  std::optional<std::promise<Answer>> first(std::move(waiting_.front()));
  waiting_.pop_front();
  return first;
}

void Helper::read_answers() {
  std::string pending;
  std::array<char, 65'536> buffer;
  for (;;) {
    const ssize_t got = ::recv(socket_, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return fail("the signer ended");
    pending.append(buffer.data(), static_cast<std::size_t>(got));
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = pending.find('\n', begin)) != std::string::npos; begin = end + 1) {
      auto asked = take_first();
      if (!asked) return fail("the signer answered without being asked");
      asked->set_value(parse_answer(std::string_view(pending).substr(begin, end - begin)));
    }
    pending.erase(0, begin);
    if (pending.size() > answer_bytes_max) return fail("the signer answers with lines that do not end");
  }
}

}  // namespace

Signer start_external_signer(const Verifier& verifier, const std::vector<std::string>& command, int answer_seconds) {
  const auto helper = std::make_shared<Helper>(command, answer_seconds);
  Signer signer(verifier, [helper](ByteView message) { return helper->ask(message); });
  signer.sign(as_bytes(probe_message));
  if (const auto failure = signer.failure()) throw Failure(Exit::unavailable, command.front() + ": " + *failure);
  return signer;
}

namespace {

std::string answer_to(const Signer& signer, std::string_view line) {
  const auto message = from_base64(line);
  if (!message) return "error a message in base64 is wanted\n";
  return to_base64(signer.sign(as_bytes(*message)).view()) + '\n';
}

}  // namespace

void run_signer(const Signer& signer) {
  std::signal(SIGPIPE, SIG_IGN);
  std::string pending, answers;
  std::array<char, 65'536> buffer;
  for (;;) {
    const ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return;
    pending.append(buffer.data(), static_cast<std::size_t>(got));
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = pending.find('\n', begin)) != std::string::npos; begin = end + 1)
      answers += answer_to(signer, std::string_view(pending).substr(begin, end - begin));
    pending.erase(0, begin);
    if (pending.size() > request_bytes_max) throw Failure(Exit::usage, "a message's line does not end");
    if (!write_all(STDOUT_FILENO, answers)) throw Failure(Exit::unavailable, "standard output takes no more answers");
    answers.clear();
  }
}

}  // namespace daicho
