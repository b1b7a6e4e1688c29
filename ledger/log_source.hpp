// ledger/log_source.hpp — where a log is read from: a Store, or an export of one (ledger/exported_log.hpp). Rows are
// those of docs/ledger-format.md, section "Store". Any thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "ledger/bytes.hpp"
#include "ledger/result.hpp"

namespace daicho {

/// Column families. Names are on disk: do not change them (docs/ledger-format.md, section "Store").
enum class Family {
  events,       ///< u64 big-endian position -> envelope
  checkpoints,  ///< u64 big-endian size -> signed note
  keys,         ///< account id, u32 big-endian slot -> wrapped data key
  answers,      ///< service, 00, idempotency key -> fingerprint and sealed first answer
  leases,       ///< notification id -> who holds it until when; not part of any proof
  meta,         ///< a few named rows
  tiles,        ///< u8 level, u64 big-endian index -> hashes of a tile
  rows,         ///< projections: everything that can be folded again from the events
};
inline constexpr std::size_t family_count = 8;

enum class StoreFault {
  not_found,  ///< no ledger in this directory
  exists,     ///< creation found one
  locked,     ///< another process writes it
  corrupt,    ///< stored bytes do not read back as written
  behind,     ///< it holds less than the published checkpoint covers
  io,         ///< the operating system said no: disk full, permissions, a failed sync
};
struct StoreError {
  StoreFault fault;
  std::string detail;
};

/// A file that is not as it was written.
struct BadFile {
  std::string words;
  std::optional<std::uint64_t> position = std::nullopt;  ///< of the first event it concerns, where that is known
  bool is_tile = false;                                  ///< it holds hashes, not events
};

class LogSource {
 public:
  virtual ~LogSource() = default;

  virtual Result<std::optional<std::string>, StoreError> get(Family family, ByteView key) const = 0;
  /// Calls `row` in key order from `from` on while it returns true. Checks checksums, where there are any.
  using RowVisitor = std::function<bool(ByteView key, ByteView value)>;
  virtual std::optional<StoreError> scan(Family family, ByteView from, const RowVisitor& row) const = 0;
  /// The last row of a family.
  virtual Result<std::optional<std::pair<std::string, std::string>>, StoreError> last(Family family) const = 0;

  /// Whether it is a writer's own: then it has the frontier, and checkpoints of all commits.
  virtual bool is_store() const = 0;
  /// What was published beside the store before it was opened; nullopt when there is none.
  virtual const std::optional<std::string>& published() const = 0;
  /// The first file that is not as it was written, among those whose bytes an audit of the rows does not read. The rows
  /// must have been audited.
  virtual std::optional<BadFile> verify_files() const = 0;
};

}  // namespace daicho
