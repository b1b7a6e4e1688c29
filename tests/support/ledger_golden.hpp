// tests/support/ledger_golden.hpp — the golden ledger of event format version 1 in tests/data/ledger-v1/.
// `events`: each envelope after its u16 big-endian length, as in a tlog-tiles entry bundle; `checkpoint`; `vkey`.
#pragma once

#include "ledger/bytes.hpp"
#include "ledger/sealing.hpp"

#include <string>
#include <vector>

namespace daicho::test {

struct GoldenLedger {
  std::vector<std::string> envelopes;
  std::string checkpoint, vkey;
};

/// With DAICHO_REGENERATE_GOLDEN set, the files are written anew first: only ever for a new format version.
GoldenLedger read_golden();

/// The golden ledger as today's encoder makes it, from the seed 00..1f and account keys 40..5f.
GoldenLedger make_golden();
SecretKey golden_data_key();

}  // namespace daicho::test
