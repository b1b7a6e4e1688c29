#include "tools/keys/key_command.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <thread>

#include "tests/support/ledger_fixture.hpp"
#include "tools/failure.hpp"
#include "tools/keys/key_files.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

std::vector<std::string> shell(const std::string& script) { return {"/bin/sh", "-c", script}; }

/// What it says, or the words of its Failure.
std::string run(const std::vector<std::string>& command, int seconds = 20) {
  try {
    return run_key_command(command, seconds);
  } catch (const Failure& failure) {
    CHECK(failure.exit == Exit::unavailable);
    return failure.what();
  }
}

bool has(const std::string& text, const char* words) { return text.find(words) != std::string::npos; }

}  // namespace

TEST_CASE("a key command's standard output is taken as it is, and nothing goes in") {
  CHECK(run(shell("echo key; echo more")) == "key\nmore\n");
  CHECK(run(shell("cat")) == "");
  CHECK(run(shell("echo $1")) == "\n");
}

TEST_CASE("a key command's answer is taken to its limit and not beyond") {
  const std::string bytes = std::to_string(key_command_bytes_max), past = std::to_string(key_command_bytes_max + 1);
  CHECK(run(shell("head -c " + bytes + " /dev/zero | tr '\\0' x")) == std::string(key_command_bytes_max, 'x'));
  CHECK(has(run(shell("head -c " + past + " /dev/zero | tr '\\0' x")), "says more than 4096 bytes"));
  CHECK(has(run(shell("cat /dev/zero")), "says more than"));
}

TEST_CASE("a key command that fails is told, and one that is too slow is ended with all that it started") {
  CHECK(has(run(shell("echo key; exit 7")), "ended with exit status 7"));
  CHECK(has(run(shell("echo key; kill -9 $$")), "was ended by signal 9"));
  CHECK(has(run({"/nonexistent/program"}), "cannot be started"));
  const TempDir directory;
  const auto mark = directory.path() / "mark";
  const auto began = std::chrono::steady_clock::now();
  CHECK(has(run(shell("(sleep 3; touch " + mark.string() + ") & sleep 60"), 1), "did not answer within 1 seconds"));
  CHECK(has(run(shell("exec >&-; sleep 60"), 1), "did not end within 1 seconds"));
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(10));
  std::this_thread::sleep_for(std::chrono::milliseconds(2'500));
  CHECK(!std::filesystem::exists(mark));
}

TEST_CASE("a command file has an argument a line") {
  const TempDir directory;
  create_file(directory.path() / "command", "/bin/prog\n-a b\n\nlast", 0600);
  CHECK(read_command_file(directory.path() / "command") == std::vector<std::string>{"/bin/prog", "-a b", "", "last"});
  create_file(directory.path() / "empty", "\n", 0600);
  CHECK_THROWS_AS(read_command_file(directory.path() / "empty"), Failure);
  CHECK_THROWS_AS(read_command_file(directory.path() / "missing"), Failure);
}
