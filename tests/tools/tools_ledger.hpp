// tests/tools/tools_ledger.hpp — a ledger on disk with a simulated clock, and commands given to it as JSON.
#pragma once

#include <doctest/doctest.h>

#include "tests/support/ledger_fixture.hpp"
#include "tools/answers.hpp"
#include "tools/routes.hpp"

namespace daicho::test {

struct ToolsLedger {
  TempDir directory;
  WritableLedger open;

  ToolsLedger() {
    const Json policy = {{"argon2_passes", 1}, {"argon2_memory_kib", 8}};
    const auto path = directory.path() / "ledger";
    init_ledger({.directory = path, .simulated_clock = true, .at = start_time, .policy = policy});
    open = open_for_writing(path, start_time);
  }

  /// The answer, which must be no fault and no refusal.
  Json run(const std::string& name, const Json& body) {
    const auto answer = execute_json(open, name, body, {});
    REQUIRE(answer);
    REQUIRE(!answer->is_refusal);
    return answer->body;
  }

  /// Registered with two mailboxes; its id.
  std::string register_account(const std::string& local = "owner") {
    const Json proofs = {{{"kind", "email"}, {"value", local + "@example.com"}},
                         {{"kind", "email"}, {"value", local + "@example.org"}}};
    return run("register-account", {{"sign_in_name", local + "@outlook.com"},
                                    {"password", "Kaze1234"},
                                    {"password_repeat", "Kaze1234"},
                                    {"proofs", proofs}})["account"];
  }
};

}  // namespace daicho::test
