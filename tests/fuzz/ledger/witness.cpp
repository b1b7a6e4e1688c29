// A witness's requests. What parses is printed as the same body; only what the golden key signed is cosigned.
#include "ledger/witness.hpp"

#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace daicho;
  using namespace daicho::fuzz;
  static const Cosigner cosigner{Signer("witness.example/w1", as_bytes(std::string(32, '\7')))};
  constexpr std::uint64_t seconds = 1'700'000'000;
  const std::string body = input_text(data, size);
  const auto request = parse_add_checkpoint(body);
  if (request) {
    must(add_checkpoint_body(*request) == body, "a request is printed as it was read");
    must(request->proof.size() <= consistency_hashes_max, "it keeps to its limits");
  }
  const WitnessAnswer answer = answer_add_checkpoint(body, {golden().verifier}, {}, cosigner, seconds);
  const auto is_one_of = [&](auto... statuses) { return ((answer.status == statuses) || ...); };
  must(is_one_of(200U, 400U, 403U, 404U, 409U, 422U), "each answer is one that c2sp.org/tlog-witness knows");
  must(request.has_value() || answer.status == 400, "what is no request is told so");
  must(answer.next.has_value() == (answer.status == 200), "what is cosigned is remembered, and nothing else");
  if (answer.next) {
    must(answer.next->checkpoint == golden().checkpoint, "only the golden checkpoint is cosigned");
    must(read_witnessed(answer.next->note, cosigner.verifier()).has_value(), "what is remembered reads back");
  }
  if (const auto witnessed = read_witnessed(body, cosigner.verifier()))
    must(witnessed->checkpoint == golden().checkpoint, "nothing else was ever cosigned");
  return 0;
}
