// tools/wiped_streams.hpp — standard streams that keep nothing of what went through them: the C library's own buffers
// hold the last lines, passwords and codes among them, until others take their place (R-LED-6).
#pragma once

#include <array>
#include <cstddef>
#include <streambuf>

namespace daicho {

inline constexpr std::size_t stream_buffer_bytes = 65'536;

/// A file that is read from, line by line: while it waits for more, what was taken before is overwritten. One thread.
class WipedInput : public std::streambuf {
 public:
  explicit WipedInput(int file) : file_(file) {}  ///< closes it in the end
  ~WipedInput() override;
  WipedInput(const WipedInput&) = delete;
  WipedInput& operator=(const WipedInput&) = delete;

 protected:
  int_type underflow() override;  ///< one line, or what there is of it; throws when the file cannot be read

 private:
  int file_;
  std::array<char, stream_buffer_bytes> buffer_{};
  std::size_t filled_ = 0;
};

/// Gives standard output a buffer that flush_output() can overwrite. Before anything is printed.
void own_output_buffer();
/// Writes out what was printed and forgets it.
void flush_output();

}  // namespace daicho
