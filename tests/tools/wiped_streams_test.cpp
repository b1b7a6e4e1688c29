#include "tools/wiped_streams.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <istream>
#include <string>

using namespace daicho;

namespace {

struct Pipe {
  Pipe() { REQUIRE(::pipe(ends.data()) == 0); }
  void write(const std::string& text) const {
    REQUIRE(::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  std::array<int, 2> ends;
};

struct Seen : WipedInput {
  using WipedInput::WipedInput;
  const char* line() const { return eback(); }
};

}  // namespace

TEST_CASE("R-LED-6: a line that was taken is overwritten before the next one is waited for") {
  const Pipe pipe;
  pipe.write("the first secret\nthe second, cut");
  Seen source(pipe.ends[0]);
  std::istream lines(&source);
  std::string text;
  REQUIRE(std::getline(lines, text));
  CHECK(text == "the first secret");
  const char* const first = source.line();
  CHECK(std::string(first, 16) == "the first secret");
  CHECK(lines.peek() == 't');
  CHECK(std::string(first, 17) == std::string(17, '\0'));
  pipe.write(" in two\n");
  REQUIRE(std::getline(lines, text));
  CHECK(text == "the second, cut in two");
  ::close(pipe.ends[1]);
  CHECK_FALSE(std::getline(lines, text));
  CHECK(lines.eof());
  CHECK_FALSE(lines.bad());
  CHECK(std::string(first, 32).find("sec") == std::string::npos);
}

TEST_CASE("lines longer than the buffer, empty ones, a last one without its end") {
  const Pipe pipe;
  const std::string text = std::string(stream_buffer_bytes - 3, 'a') + "\n\n";
  pipe.write(text);
  WipedInput source(pipe.ends[0]);
  std::istream lines(&source);
  std::string read;
  REQUIRE(std::getline(lines, read));
  CHECK(read.size() == stream_buffer_bytes - 3);
  REQUIRE(std::getline(lines, read));
  CHECK(read.empty());
  pipe.write(std::string(10, 'b'));
  ::close(pipe.ends[1]);
  REQUIRE(std::getline(lines, read));
  CHECK(read == std::string(10, 'b'));
  CHECK_FALSE(std::getline(lines, read));
}

TEST_CASE("what cannot be read is bad, not at its end") {
  WipedInput source(::open("/", O_RDONLY | O_CLOEXEC));
  std::istream lines(&source);
  std::string read;
  CHECK_FALSE(std::getline(lines, read));
  CHECK(lines.bad());
}
