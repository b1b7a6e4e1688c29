#include "tools/wiped_streams.hpp"

#include <sodium.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iostream>

#include "tools/failure.hpp"

namespace daicho {

namespace {

std::array<char, stream_buffer_bytes> output_buffer;

}  // namespace

WipedInput::~WipedInput() {
  sodium_memzero(buffer_.data(), buffer_.size());
  ::close(file_);
}

WipedInput::int_type WipedInput::underflow() {
  std::size_t at = 0;
  if (egptr()) {
    sodium_memzero(eback(), static_cast<std::size_t>(egptr() - eback()));
    at = static_cast<std::size_t>(egptr() - buffer_.data());
  }
  if (at == filled_) {
    ssize_t got = -1;
    do got = ::read(file_, buffer_.data(), buffer_.size());
    while (got < 0 && errno == EINTR);
    filled_ = static_cast<std::size_t>(std::max<ssize_t>(got, 0));
    at = 0;
    setg(nullptr, nullptr, nullptr);
    if (got < 0) throw Failure(Exit::usage, std::string("cannot be read: ") + std::strerror(errno));
    if (got == 0) return traits_type::eof();
  }
  char* const begin = buffer_.data() + at;
  const auto* const newline = static_cast<const char*>(std::memchr(begin, '\n', filled_ - at));
  setg(begin, begin, newline ? begin + (newline - begin) + 1 : buffer_.data() + filled_);
  return traits_type::to_int_type(*begin);
}

void own_output_buffer() { std::setvbuf(stdout, output_buffer.data(), _IOFBF, output_buffer.size()); }

void flush_output() {
  std::cout.flush();
  sodium_memzero(output_buffer.data(), output_buffer.size());
}

}  // namespace daicho
