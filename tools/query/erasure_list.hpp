// tools/query/erasure_list.hpp — `daicho query erasures`: what was erased, each with the signed event that proves it,
// to be kept apart from the ledger and its backups; and such a list read back (docs/ledger-format.md, section "Erasure
// list").
#pragma once

#include <filesystem>

#include "ledger/pending_erasure.hpp"
#include "tools/query/queries.hpp"

namespace daicho {

/// Rows of `erasures`: every rotation of the signing key, every erasure from a position on, and where the list ends.
/// All of them at once: a list that was cut would look whole.
Json query_erasures(const LedgerView& ledger, const QueryOptions& options);

struct ErasureList {
  std::vector<PendingErasure> erasures;
  std::uint64_t known_to = 0;  ///< behind `from` without a gap, as the list says: nobody signed that it is whole
};
/// One list, or several behind each other, as NDJSON. Failure `usage` with the line that is not as it was written, is
/// not proven by the log's keys, or is missing at the end.
ErasureList read_erasure_list(const std::filesystem::path& file, const Verifier& first, Position from);

}  // namespace daicho
