// tools/backup/later_erasures.hpp — what was erased after the end of a restored log: collected from whatever still
// knows of it, and erased in the restored store before anybody can open that.
// docs/decisions/0028-restore-and-erasure.md.
#pragma once

#include <filesystem>

#include "ledger/pending_erasure.hpp"
#include "tools/ledger_files.hpp"

namespace daicho {

struct ErasureSource {
  std::filesystem::path path;  ///< a ledger's directory, an export, a folder of backups, or a list of `query erasures`
  std::optional<unsigned> backup = std::nullopt;  ///< of the folder, this one
  bool is_asked_for = true;                       ///< else a failure to read it is told and no more
};

struct LaterErasures {
  std::vector<PendingErasure> found;  ///< each proven
  std::uint64_t known_to = 0;         ///< of the events at positions below, all that erase are known
  Json sources = Json::array();       ///< what each gave, for people
};
/// `store`: RocksDB's folder of the restored ledger. Reads each source in a process of its own: call it while this one
/// has one thread. Failure `usage` for what is no source of this ledger's, `integrity` for one that ends its reader.
LaterErasures collect_erasures(const std::filesystem::path& store, const Verifier& first,
                               const std::vector<ErasureSource>& sources);

/// Those of accounts that the store has and that are not erased in it yet, each once.
std::vector<PendingErasure> not_yet_erased(const Store& store, const std::vector<PendingErasure>& found);

/// Takes the keys, leases and first answers out of the store, and leaves what proves that it had to, all or nothing an
/// account. Durable when it returns; what must be purged from the files then.
std::vector<RowPrefix> withhold(Store& store, const std::vector<PendingErasure>& erasures);

/// Of erasures by account, as a store gives them: each account once.
Json accounts_of(const std::vector<PendingErasure>& erasures);

/// Records each erasure that is pending anew, and completes it. Their accounts.
Json erase_again(WritableLedger& ledger, Position restore);

}  // namespace daicho
