#include "tools/keys/master_place.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "tests/tools/tools_ledger.hpp"
#include "tools/keys/key_files.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

namespace fs = std::filesystem;

constexpr KeyCost cheap{.passes = 1, .memory_kib = 8};

bool same(const std::optional<SecretKey>& a, const SecretKey& b) {
  return a && equal_constant_time(a->view(), b.view());
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

/// A directory of key files.
struct Directory {
  TempDir temp;
  const fs::path path = temp.path();
  fs::path at(const std::string& name) const { return path / name; }
  bool has(const std::string& name) const { return fs::exists(at(name)); }
  void put(const std::string& name, std::uint8_t byte) const { put_master_key(at(name), make_key(byte), std::nullopt); }
  std::string files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(path)) names.push_back(entry.path().filename().string());
    std::ranges::sort(names);
    std::string all;
    for (const std::string& name : names) all += (all.empty() ? "" : " ") + name;
    return all;
  }
  /// Which of the two keys, or `neither`, by what is found.
  std::string found(const SecretKey& old, const SecretKey& next) const {
    const MasterFound found = read_master(path);
    const auto name = [&](const std::optional<SecretKey>& key) -> std::string {
      return !key ? "none" : same(key, old) ? "old" : same(key, next) ? "next" : "neither";
    };
    return name(found.key) + ", " + name(found.next);
  }
};

void set_variable(const char* name, const std::string& value) {
  REQUIRE(::setenv(name, value.c_str(), 1) == 0);
  take_master_keys_from_environment();
}
void unset_variables() { take_master_keys_from_environment(); }

}  // namespace

TEST_CASE("the master key is in one place, and told when it is in none or in more") {
  const Directory directory;
  CHECK(exit_of([&] { read_master(directory.path); }) == Exit::unavailable);
  CHECK(no_master_here(directory.path));
  directory.put("master.key", 1);
  CHECK(find_master(directory.path) == MasterSource::file);
  CHECK(same(read_master(directory.path).key, make_key(1)));
  CHECK(!no_master_here(directory.path));
  for (const char* other : {"master.key.1", "master.key.2", "master.command"}) {
    create_file(directory.at(other), "x\n", 0600);
    CHECK(exit_of([&] { find_master(directory.path); }) == Exit::usage);
    fs::remove(directory.at(other));
  }
  set_variable("DAICHO_MASTER_KEY", to_hex(make_key(2).view()));
  CHECK(exit_of([&] { find_master(directory.path); }) == Exit::usage);
  unset_variables();
  CHECK(find_master(directory.path) == MasterSource::file);
}

TEST_CASE("a key in the environment is taken out of it, and judged when it is wanted") {
  const Directory directory;
  const std::string hex = to_hex(make_key(3).view());
  REQUIRE(::setenv("DAICHO_MASTER_KEY", hex.c_str(), 1) == 0);
  const char* const there = std::getenv("DAICHO_MASTER_KEY");
  take_master_keys_from_environment();
  CHECK(std::getenv("DAICHO_MASTER_KEY") == nullptr);
  CHECK(*there == '\0');
  CHECK(same(read_master(directory.path).key, make_key(3)));
  for (const std::string& wrong : {std::string(), hex.substr(1), hex + "0", "x" + hex.substr(1)}) {
    set_variable("DAICHO_MASTER_KEY", wrong);
    CHECK(find_master(directory.path) == MasterSource::environment);
    CHECK(exit_of([&] { read_master(directory.path); }) == Exit::usage);
  }
  unset_variables();
}

TEST_CASE("a command says the master key; what it says else is told") {
  const Directory directory;
  const std::string hex = to_hex(make_key(4).view());
  const auto command = [&](const std::string& script) {
    fs::remove(directory.at("master.command"));
    create_file(directory.at("master.command"), "/bin/sh\n-c\n" + script + "\n", 0600);
    return exit_of([&] { CHECK(same(read_master(directory.path).key, make_key(4))); });
  };
  CHECK(!command("echo " + hex));
  CHECK(!command("printf " + hex));
  CHECK(command("echo " + hex.substr(1)) == Exit::usage);
  CHECK(command("true") == Exit::usage);
  CHECK(command("echo " + hex + "; exit 3") == Exit::unavailable);
  CHECK(command("echo " + hex + "; kill -9 $$") == Exit::unavailable);
  const std::string runs = directory.at("runs").string();
  CHECK(!command("echo run >> " + runs + "; echo " + hex));
  CHECK(same(read_master(directory.path).key, make_key(4)));
  CHECK(read_file(runs) == "run\n");
  fs::remove(directory.at("master.command"));
  create_file(directory.at("master.command"), "/nonexistent/program\n", 0600);
  CHECK(exit_of([&] { read_master(directory.path); }) == Exit::unavailable);
}

TEST_CASE("two shares give the key together, nothing alone, and each may have its own passphrase") {
  const Directory directory;
  directory.put("master.key", 5);
  split_master(directory.path, make_key(5));
  CHECK(directory.files() == "master.key.1 master.key.2");
  CHECK(same(read_master(directory.path).key, make_key(5)));
  for (const char* share : {"master.key.1", "master.key.2"})
    CHECK(!same(read_master_key(directory.at(share)), make_key(5)));
  const fs::path one = directory.at("one"), two = directory.at("two");
  create_file(one, "first words", 0600);
  create_file(two, "second words", 0600);
  use_passphrases({one});
  CHECK(rewrite_key_file(directory.at("master.key.1"), cheap));
  use_passphrases({two});
  CHECK(rewrite_key_file(directory.at("master.key.2"), cheap));
  CHECK(exit_of([&] { read_master(directory.path); }) == Exit::not_permitted);
  use_passphrases({one});
  CHECK(exit_of([&] { read_master(directory.path); }) == Exit::not_permitted);
  use_passphrases({two, one});
  CHECK(same(read_master(directory.path).key, make_key(5)));
  CHECK(exit_of([&] { passphrase(); }) == Exit::usage);
  fs::rename(directory.at("master.key.1"), directory.at("elsewhere"));
  fs::copy(directory.at("master.key.2"), directory.at("master.key.1"));
  CHECK(exit_of([&] { read_master(directory.path); }) == Exit::usage);  // the same share twice
  fs::remove(directory.at("master.key.1"));
  CHECK(exit_of([&] { read_master(directory.path); }) == Exit::not_permitted);
  fs::rename(directory.at("elsewhere"), directory.at("master.key.1"));
  join_master(directory.path, *read_master(directory.path).key);
  CHECK(directory.files() == "master.key one two");
  CHECK(key_file_guard(directory.at("master.key"))->passphrase == "first words");
  use_passphrases({});
}

TEST_CASE("a key to come is kept as the one in force, and takes its place whatever step a crash leaves") {
  for (const bool is_shared : {false, true}) {
    CAPTURE(is_shared);
    const Directory directory;
    directory.put("master.key", 6);
    const SecretKey old = make_key(6);
    if (is_shared) split_master(directory.path, old);
    const SecretKey next = next_master(directory.path);
    CHECK(directory.found(old, next) == "old, next");
    CHECK(same(next_master(directory.path), next));  // it is there: none is drawn
    // Every state between, as a crash leaves it, one after the other.
    const std::vector<std::array<std::string, 2>> steps =
        is_shared ? std::vector<std::array<std::string, 2>>{{"master.key.2", ""},
                                                            {"master.key.1", ""},
                                                            {"master.key.1.next", "master.key.1"},
                                                            {"master.key.2.next", "master.key.2"}}
                  : std::vector<std::array<std::string, 2>>{{"master.key", ""}, {"master.key.next", "master.key"}};
    for (std::size_t done = 0; done <= steps.size(); ++done) {
      const Directory crashed;
      for (const auto& entry : fs::directory_iterator(directory.path))
        fs::copy(entry.path(), crashed.at(entry.path().filename().string()));
      for (std::size_t i = 0; i < done; ++i) {
        if (steps[i][1].empty()) {
          fs::remove(crashed.at(steps[i][0]));
        } else {
          fs::rename(crashed.at(steps[i][0]), crashed.at(steps[i][1]));
        }
      }
      CAPTURE(done);
      CHECK(crashed.found(old, next) == (done == 0 ? "old, next" : done == steps.size() ? "next, none" : "none, next"));
      put_next_master_in_force(crashed.path);
      CHECK(crashed.found(old, next) == "next, none");
      CHECK(crashed.files() == (is_shared ? "master.key.1 master.key.2" : "master.key"));
    }
    drop_next_master(directory.path);
    CHECK(directory.found(old, next) == "old, none");
  }
}

TEST_CASE("of two shares to come the first alone is not begun") {
  const Directory directory;
  directory.put("master.key", 7);
  const SecretKey old = make_key(7);
  split_master(directory.path, old);
  directory.put("master.key.1.next", 8);
  CHECK(directory.found(old, old) == "old, none");
  const SecretKey next = next_master(directory.path);
  CHECK(directory.found(old, next) == "old, next");
}

TEST_CASE("a key to come that is given moves the master key to where it was given") {
  const Directory directory;
  directory.put("master.key", 9);
  const std::string hex = to_hex(make_key(10).view());
  SUBCASE("a command") {
    create_file(directory.at("master.command.next"), "/bin/echo\n" + hex + "\n", 0600);
    CHECK(same(next_master(directory.path), make_key(10)));
    put_next_master_in_force(directory.path);
    CHECK(directory.files() == "master.command");
    CHECK(same(read_master(directory.path).key, make_key(10)));
    CHECK(exit_of([&] { next_master(directory.path); }) == Exit::usage);  // elsewhere: it must be given
  }
  SUBCASE("the environment") {
    set_variable("DAICHO_MASTER_KEY_NEXT", hex);
    CHECK(same(next_master(directory.path), make_key(10)));
    put_next_master_in_force(directory.path);
    CHECK(directory.files().empty());
    CHECK(same(read_master(directory.path).next, make_key(10)));
    set_variable("DAICHO_MASTER_KEY", hex);
    CHECK(same(read_master(directory.path).key, make_key(10)));
    CHECK(exit_of([&] { next_master(directory.path); }) == Exit::usage);
    unset_variables();
  }
  SUBCASE("both") {
    create_file(directory.at("master.command.next"), "/bin/echo\n" + hex + "\n", 0600);
    set_variable("DAICHO_MASTER_KEY_NEXT", hex);
    CHECK(exit_of([&] { next_master(directory.path); }) == Exit::usage);
    unset_variables();
  }
}

TEST_CASE("drafts that a killed run left go; nothing else does") {
  const Directory directory;
  for (const char* name : {"signing.key.new", "master.key.new", "master.key.1.next.new"})
    create_file(directory.at(name), "secret", 0600);
  for (const char* name : {"signing.key", "master.key", "master.key.next", "other.new"})
    create_file(directory.at(name), "secret", 0600);
  remove_key_drafts(directory.path);
  CHECK(directory.files() == "master.key master.key.next other.new signing.key");
}

TEST_CASE("a writer's opening removes drafts, and a query tells a wrong master key by exit code 5") {
  ToolsLedger ledger;
  const fs::path path = ledger.directory.path() / "ledger";
  ledger.open = {};
  create_file(path / "master.key.new", "secret", 0600);
  ledger.open = open_for_writing(path, std::nullopt);
  CHECK(!fs::exists(path / "master.key.new"));
  ledger.open = {};
  put_master_key(path / "master.key", make_key(1), std::nullopt);
  CHECK(exit_of([&] { open_for_writing(path, std::nullopt); }) == Exit::not_permitted);
  CHECK(exit_of([&] { open_for_reading(path); }) == Exit::not_permitted);
  fs::remove(path / "master.key");
  CHECK(exit_of([&] { open_for_writing(path, std::nullopt); }) == Exit::unavailable);
  CHECK(open_for_reading(path).keys == nullptr);
}
