// tests/tools/witness_client_test.cpp — witnesses that answer well, badly, late or not at all; what is believed.
#include "tools/witness/client.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "ledger/merkle.hpp"
#include "ledger/witness.hpp"
#include "tests/support/ledger_fixture.hpp"
#include "tests/support/ledger_tree.hpp"
#include "tools/http/server.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

std::vector<Hash> leaves() {
  std::vector<Hash> all;
  for (std::uint8_t i = 0; i < 20; ++i) all.push_back(bytes_from(i));
  return all;
}
Checkpoint checkpoint_of(std::uint64_t size) {
  Frontier frontier;
  for (std::uint64_t i = 0; i < size; ++i) frontier.append(leaves()[i]);
  return {origin, size, frontier.root()};
}
std::optional<std::vector<Hash>> prove(std::uint64_t old_size, std::uint64_t new_size) {
  const auto all = leaves();
  return consistency_proof(old_size, new_size, subtrees_over(all));
}
Cosigner witness_key(std::uint8_t number) { return Cosigner(Signer("w", bytes_from(number).view())); }
HttpAnswer text(unsigned status, const std::string& body) { return {status, note_content_type, body}; }
HttpAnswer size_conflict(const std::string& body) { return {409, tree_size_content_type, body}; }

/// A witness of which each answer can be made up.
struct FakeWitness {
  HttpServer server;
  std::thread thread{[this] { server.run(); }};

  explicit FakeWitness(HttpHandler handler) : server({"127.0.0.1", 0}, {}, std::move(handler)) {}
  ~FakeWitness() {
    server.stop();
    thread.join();
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(server.port()); }
};

constexpr std::uint64_t size = 10;

WitnessReport report_at(const std::string& url) {
  TlogPolicy policy;
  policy.logs.push_back({make_signer().verifier(), ""});
  policy.witnesses.push_back({"W", witness_key(50).verifier(), url});
  const auto note = sign_checkpoint(checkpoint_of(size), make_signer());
  return ask_witnesses(policy, note, checkpoint_of(size), prove, std::chrono::milliseconds(2'000)).at(0);
}
/// Asks one witness that answers so.
WitnessReport report_of(const HttpHandler& handler) {
  const FakeWitness witness(handler);
  return report_at(witness.url());
}
WitnessOutcome outcome_of(const HttpAnswer& answer) {
  return report_of([&](const HttpRequest&) { return answer; }).outcome;
}

}  // namespace

TEST_CASE("a witness that knows nothing, or an older size, cosigns") {
  WitnessState state;
  const auto honest = [&](const HttpRequest& request) -> HttpAnswer {
    auto answer = answer_add_checkpoint(request.body, {make_signer().verifier()}, state, witness_key(50), 7);
    if (answer.next) state.insert_or_assign(origin, *answer.next);
    return {answer.status, answer.content_type, answer.body};
  };
  const auto first = report_of(honest);
  CHECK(first.outcome == WitnessOutcome::cosigned);
  REQUIRE(first.cosignature);
  CHECK(witness_key(50).verifier().verify(checkpoint_text(checkpoint_of(size)), *first.cosignature) == 7);
  for (const std::uint64_t older : {std::uint64_t{1}, std::uint64_t{7}, size}) {
    state.at(origin).checkpoint = checkpoint_of(older);
    CHECK(report_of(honest).outcome == WitnessOutcome::cosigned);
    CHECK(state.at(origin).checkpoint == checkpoint_of(size));
  }
}

TEST_CASE("lies: garbage, another's signature, one of another text, sizes that cannot be") {
  const std::string text_here = checkpoint_text(checkpoint_of(size)), elsewhere = checkpoint_text(checkpoint_of(9));
  const std::string good = signature_line(witness_key(50).cosign(text_here, 7));
  CHECK(outcome_of(text(200, good)) == WitnessOutcome::cosigned);
  CHECK(outcome_of(text(200, signature_line(witness_key(51).cosign(text_here, 7)) + good)) == WitnessOutcome::cosigned);
  for (const std::string& lie :
       {std::string(), std::string("garbage"), good.substr(1), good + "\n", "\n" + good, good + "x",
        signature_line(witness_key(51).cosign(text_here, 7)), signature_line(witness_key(50).cosign(elsewhere, 7)),
        good + signature_line(witness_key(50).cosign(elsewhere, 7)), "x\n\n" + good}) {
    CAPTURE(lie);
    const auto report = report_of([&](const HttpRequest&) { return text(200, lie); });
    CHECK(report.outcome == WitnessOutcome::lied);
    CHECK_FALSE(report.cosignature);
  }
  for (const std::string lie : {"", "0", "0\n", "x\n", "01\n", "4\n4\n", "-1\n", "18446744073709551616\n"}) {
    CAPTURE(lie);
    CHECK(outcome_of(size_conflict(lie)) == WitnessOutcome::lied);
  }
  CHECK(outcome_of(text(409, "4\n")) == WitnessOutcome::lied);
  CHECK(outcome_of(size_conflict("4\n")) == WitnessOutcome::lied);  // again and again
  std::atomic<int> stated = 9;
  const auto shrinking = report_of([&](const HttpRequest&) { return size_conflict(std::to_string(stated--) + "\n"); });
  CHECK(shrinking.outcome == WitnessOutcome::lied);
}

TEST_CASE("a witness that others move on each time is given up after a few rounds") {
  std::atomic<int> stated = 1;
  const auto report = report_of([&](const HttpRequest&) { return size_conflict(std::to_string(stated++) + "\n"); });
  CHECK(report.outcome == WitnessOutcome::silent);
  CHECK(stated == 5);
}

TEST_CASE("refusals and silence are told apart") {
  CHECK(outcome_of(text(404, "")) == WitnessOutcome::refused);
  CHECK(outcome_of(text(403, "")) == WitnessOutcome::refused);
  CHECK(outcome_of(text(422, "")) == WitnessOutcome::refused);
  CHECK(outcome_of(text(400, "")) == WitnessOutcome::refused);
  CHECK(outcome_of(text(301, "")) == WitnessOutcome::refused);
  CHECK(outcome_of(text(503, "")) == WitnessOutcome::silent);
  CHECK(report_at("").outcome == WitnessOutcome::silent);
  CHECK(report_at("https://witness.example").outcome == WitnessOutcome::silent);
  CHECK(report_at("http://127.0.0.1:1").outcome == WitnessOutcome::silent);  // nobody listens there
}

TEST_CASE("a witness that is ahead, or says no to the history, is asked for what it has seen") {
  const std::string larger = checkpoint_text(checkpoint_of(12));
  const std::string note = sign_checkpoint(checkpoint_of(12), make_signer());
  const auto seen_by = [&](std::uint8_t number, const HttpAnswer& no) {
    const std::string held = note + signature_line(witness_key(number).cosign(larger, 7));
    return report_of([&, held](const HttpRequest& request) {
      if (request.method == "POST") return no;
      return request.target == "/" + origin_hash(origin) + "/checkpoint" ? text(200, held) : text(404, "");
    });
  };
  const auto ahead = seen_by(50, size_conflict("12\n"));
  CHECK(ahead.outcome == WitnessOutcome::ahead);
  REQUIRE(ahead.seen);
  CHECK(ahead.seen->starts_with(note));
  CHECK(seen_by(50, text(422, "")).seen);
  CHECK_FALSE(seen_by(51, size_conflict("12\n")).seen);  // not its own cosignature
  CHECK_FALSE(seen_by(50, text(403, "")).seen);
}

TEST_CASE("all are asked at once, each within its own time; who cosigned is not asked again") {
  std::atomic<int> waiting = 0, asked = 0;
  const auto patient = [&](const HttpRequest&) {
    ++waiting;
    while (waiting < 2) std::this_thread::sleep_for(std::chrono::milliseconds(1));  // for the other one
    return text(404, "");
  };
  const FakeWitness first(patient), second(patient), third([&](const HttpRequest&) {
    ++asked;
    return text(404, "");
  });
  TlogPolicy policy;
  policy.logs.push_back({make_signer().verifier(), ""});
  std::uint8_t number = 50;
  for (const std::string& url : {first.url(), second.url(), third.url()}) {
    policy.witnesses.push_back({"W" + std::to_string(number), witness_key(number).verifier(), url});
    ++number;
  }
  const std::string note = sign_checkpoint(checkpoint_of(size), make_signer()) +
                           signature_line(witness_key(52).cosign(checkpoint_text(checkpoint_of(size)), 7));
  const auto reports = ask_witnesses(policy, note, checkpoint_of(size), prove, std::chrono::milliseconds(5'000));
  CHECK(reports[0].outcome == WitnessOutcome::refused);
  CHECK(reports[1].outcome == WitnessOutcome::refused);
  CHECK(reports[2].outcome == WitnessOutcome::cosigned_before);
  CHECK(asked == 0);
}
