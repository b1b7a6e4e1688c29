// Proof files. What reads is written as the same bytes; what proves under the golden key holds golden events.
#include "ledger/tlog_proof.hpp"

#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace daicho;
  using namespace daicho::fuzz;
  const std::string file = input_text(data, size);
  const auto proof = read_proof(file);
  if (!proof) return 0;
  must(write_proof(*proof) == file, "a proof is written as it was read");
  must(!proof->envelopes.empty() && proof->path.size() <= proof_hashes_max, "it keeps to its limits");
  const auto refuted = refute(*proof, golden().checkpoint, {golden().verifier});
  if (refuted) {
    must(!refuted->empty(), "words say what is wrong");
    return 0;
  }
  for (const std::string& envelope : proof->envelopes) must(golden().has(envelope), "only golden events are proved");
  must(proof->envelopes.back() == golden().envelopes.at(proof->index), "at the position where they are");
  return 0;
}
