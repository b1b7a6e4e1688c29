#include "tools/keys/key_files.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "ledger/files.hpp"
#include "tests/support/ledger_fixture.hpp"
#include "tools/failure.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

unsigned mode_of(const std::filesystem::path& path) {
  struct stat found {};
  REQUIRE(::stat(path.c_str(), &found) == 0);
  return found.st_mode & 07777U;
}

template <class Call>
std::optional<Exit> exit_of(Call&& call) {
  try {
    call();
  } catch (const Failure& failure) {
    CHECK(std::string(failure.what()).size() > 10);
    return failure.exit;
  }
  return std::nullopt;
}

}  // namespace

TEST_CASE("a key file has the mode asked for, whatever the umask") {
  const TempDir directory;
  for (const unsigned umask : {0U, 022U, 0777U}) {
    const auto path = directory.path() / std::to_string(umask);
    const auto before = ::umask(umask);
    create_file(path, "secret\n", 0600);
    ::umask(before);
    CHECK(mode_of(path) == 0600);
    CHECK(read_file(path) == "secret\n");
  }
}

TEST_CASE("a key file is never overwritten, nor a link to elsewhere followed") {
  const TempDir directory;
  const auto path = directory.path() / "key", link = directory.path() / "link";
  create_file(path, "first", 0600);
  CHECK(exit_of([&] { create_file(path, "second", 0600); }) == Exit::usage);
  CHECK(read_file(path) == "first");
  std::filesystem::create_symlink(directory.path() / "elsewhere", link);
  CHECK(exit_of([&] { create_file(link, "second", 0600); }) == Exit::usage);
  CHECK(!std::filesystem::exists(directory.path() / "elsewhere"));
  CHECK(exit_of([&] { create_file(directory.path() / "missing" / "key", "x", 0600); }) == Exit::unavailable);
}

TEST_CASE("a file is replaced whole, or stays as it was") {
  const TempDir directory;
  const auto path = directory.path() / "state", next = directory.path() / "state.tmp";
  CHECK(!replace_file_durably(path, "first", 0644));
  create_file(next, "what a crash left, longer", 0600);
  CHECK(!replace_file_durably(path, "second", 0640));
  CHECK(read_file(path) == "second");
  CHECK(mode_of(path) == 0640);
  CHECK(!std::filesystem::exists(next));
  std::filesystem::create_directory(next);  // nothing can be written there
  CHECK(replace_file_durably(path, "third", 0644));
  CHECK(read_file(path) == "second");
  create_folder(directory.path() / "folder");
  create_folder(directory.path() / "folder");
  CHECK(std::filesystem::is_directory(directory.path() / "folder"));
  CHECK(exit_of([&] { create_folder(directory.path() / "missing" / "folder"); }) == Exit::unavailable);
}

TEST_CASE("files are read up to 64 KiB") {
  const TempDir directory;
  create_file(directory.path() / "at", std::string(65'536, 'x'), 0600);
  create_file(directory.path() / "past", std::string(65'537, 'x'), 0600);
  create_file(directory.path() / "empty", "", 0600);
  CHECK(read_file(directory.path() / "at")->size() == 65'536);
  CHECK(!read_file(directory.path() / "past"));
  CHECK(read_file(directory.path() / "empty") == "");
  CHECK(!read_file(directory.path() / "missing"));
}

TEST_CASE("a master key is 64 hex digits, with or without a newline") {
  const TempDir directory;
  auto read = [&, number = 0](const std::string& content) mutable {
    const auto path = directory.path() / std::to_string(number++);
    create_file(path, content, 0600);
    return exit_of([&] { read_master_key(path); });
  };
  const std::string key(64, 'a');
  CHECK(!read(key));
  CHECK(!read(key + "\n"));
  for (const std::string& wrong :
       {std::string(), key.substr(2), key + "aa", key + "\n\n", key.substr(1) + "g", " " + key.substr(1)}) {
    CHECK(read(wrong) == Exit::usage);
  }
  CHECK(exit_of([&] { read_master_key(directory.path() / "missing"); }) == Exit::unavailable);
}

TEST_CASE("a signing key comes back as it was stored") {
  const TempDir directory;
  const Signer signer = make_signer();
  create_file(directory.path() / "key", signer.secret_text() + "\n", 0600);
  CHECK(read_signing_key(directory.path() / "key").verifier().vkey() == signer.verifier().vkey());
  create_file(directory.path() / "verifier", signer.verifier().vkey() + "\n", 0600);
  CHECK(exit_of([&] { read_signing_key(directory.path() / "verifier"); }) == Exit::usage);
}
