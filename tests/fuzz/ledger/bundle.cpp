// Entry bundles, frontiers and rows of pending erasures: what reads is written as the same bytes.
#include "ledger/merkle.hpp"
#include "ledger/pending_erasure.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace daicho;
  using namespace daicho::fuzz;
  const ByteView bytes(data, size);
  if (const auto entries = entries_of(bytes)) {
    std::string written;
    for (const ByteView entry : *entries) append_entry(written, entry);
    must(written == as_text(bytes), "a bundle is written as it was read");
  }
  if (const auto frontier = Frontier::decode(bytes)) {
    must(frontier->encode() == as_text(bytes), "a frontier is written as it was read");
    must(frontier->size() != 0 || frontier->root() == empty_root(), "nothing has the empty root");
  }
  if (const auto erasure = parse_pending_row(bytes)) {
    must(pending_row(*erasure).value == as_text(bytes), "a pending erasure is written as it was read");
    must(!is_proven(*erasure, golden().verifier) || golden().has(erasure->envelope), "only golden erasures are proven");
  }
  return 0;
}
