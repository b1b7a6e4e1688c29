// A Signer whose key is elsewhere, and the log when it fails.
#include <doctest/doctest.h>

#include <thread>

#include "tests/support/ledger_fixture.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

/// Signs until it has signed so often, then fails in one way.
struct Elsewhere {
  enum class Way { says_why, lies };

  const Signer key = make_signer();
  std::atomic<int> left;
  const Way way;
  Elsewhere(int signatures, Way fails) : left(signatures), way(fails) {}

  Signer signer() {
    return {key.verifier(), [this](ByteView message) -> Result<Signature, std::string> {
              if (left-- > 0) return key.sign(message);
              if (way == Way::lies) return make_signer(9).sign(message);
              return Unexpected{std::string("the token was pulled out")};
            }};
  }
};

}  // namespace

SCENARIO("a signer elsewhere signs as one that holds the key, and once it failed it never signs again") {
  for (const auto way : {Elsewhere::Way::says_why, Elsewhere::Way::lies}) {
    Elsewhere elsewhere(1, way);
    const Signer signer = elsewhere.signer();
    CHECK(!signer.holds_key());
    CHECK(signer.sign(as_bytes("m")) == make_signer().sign(as_bytes("m")));
    CHECK(!signer.failure());
    CHECK(signer.sign(as_bytes("m")) == Signature{});
    const auto failure = signer.failure();
    REQUIRE(failure);
    const char* const words = way == Elsewhere::Way::lies ? "not by daicho.example/ledger+" : "pulled out";
    CHECK(failure->find(words) != std::string::npos);
    elsewhere.left = 100;
    CHECK(signer.sign(as_bytes("m")) == Signature{});
    CHECK(elsewhere.left == 100);
  }
  CHECK(make_signer().holds_key());
  CHECK(!make_signer().failure());
}

SCENARIO("when the signer fails the log stops: nobody is left waiting, and nothing unsigned is stored") {
  for (const auto way : {Elsewhere::Way::says_why, Elsewhere::Way::lies}) {
    for (int signatures = 0; signatures < 24; ++signatures) {
      const std::unique_ptr<rocksdb::Env> env(rocksdb::NewMemEnv(rocksdb::Env::Default()));
      auto ledger = TestLedger::create("/l", env.get());
      Elsewhere elsewhere(signatures, way);
      ledger->log = *Log::open(*ledger->store, elsewhere.signer(), [] { return start_time; });
      std::atomic<std::uint64_t> done = 0;
      std::vector<std::thread> threads;
      for (std::uint64_t thread = 0; thread < 4; ++thread) {
        threads.emplace_back([&, thread] {
          for (int i = 0; i < 8; ++i) {
            const auto places = ledger->append(thread);
            if (places) ++done;
            if (!places) CHECK(places.error().fault == LogFault::stopped);
          }
        });
      }
      for (std::thread& thread : threads) thread.join();
      CHECK(done < 4 * 8);
      CHECK(ledger->append(1).error().fault == LogFault::stopped);
      const auto report = audit_log(*ledger->store, make_signer().verifier(), {.threads = 1});
      CHECK(!report.first_finding);
      CHECK(report.events == 1 + done);
    }
  }
}
