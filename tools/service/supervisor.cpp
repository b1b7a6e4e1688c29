#include "tools/service/supervisor.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace daicho {

namespace {

std::uint64_t number_in_environment(const char* name) {
  const char* const text = std::getenv(name);
  std::uint64_t number = 0;
  if (!text) return 0;
  const char* const end = text + std::strlen(text);
  const auto [stopped, error] = std::from_chars(text, end, number);
  return error == std::errc{} && stopped == end ? number : 0;
}

}  // namespace

void tell_supervisor(const std::string& state) {
  const char* const name = std::getenv("NOTIFY_SOCKET");
  const std::string_view path = name ? name : "";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() < 2 || path.size() >= sizeof(address.sun_path) || (path[0] != '/' && path[0] != '@')) return;
  path.copy(address.sun_path, path.size());
  if (path[0] == '@') address.sun_path[0] = '\0';
  // The end of a path is a zero; that of an abstract name is its length.
  const std::size_t size = offsetof(sockaddr_un, sun_path) + path.size() + (path[0] == '/' ? 1 : 0);
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket < 0) return;
  ::sendto(socket, state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address),
           static_cast<socklen_t>(size));
  ::close(socket);
}

std::optional<std::chrono::milliseconds> watchdog_pause() {
  constexpr std::uint64_t pause_ms_max = 3'600'000;
  const std::uint64_t wanted_us = number_in_environment("WATCHDOG_USEC");
  const bool is_for_us =
      !std::getenv("WATCHDOG_PID") || number_in_environment("WATCHDOG_PID") == static_cast<std::uint64_t>(::getpid());
  if (wanted_us == 0 || !is_for_us) return std::nullopt;
  return std::chrono::milliseconds(std::clamp<std::uint64_t>(wanted_us / 2'000, 1, pause_ms_max));
}

}  // namespace daicho
