// ledger/exported_log.hpp — a static export of a log (C2SP tlog-tiles v0.1.0): written from a store, and read back as a
// source for audits. A folder with `checkpoint` and `tile/...`; nothing else, no key, no database.
#pragma once

#include <filesystem>
#include <memory>

#include "ledger/store.hpp"

namespace daicho {

struct ExportReport {
  std::uint64_t size = 0;              ///< events that the checkpoint covers
  std::uint64_t size_before = 0;       ///< by the checkpoint that was there
  std::uint64_t files = 0, bytes = 0;  ///< written
};

/// Writes what the folder lacks of the log up to its newest checkpoint. Files are durable before the checkpoint names
/// them, and what an earlier checkpoint needs stays until then: it may be stopped at any instant and run again.
/// `corrupt`: the folder holds another log, or one that is not a prefix of this one; nothing is changed.
Result<ExportReport, StoreError> export_tiles(const Store& store, const std::filesystem::path& folder);

/// Families events, checkpoints and tiles as the files give them, and `meta`/`rotations` as the events do.
class ExportedLog : public LogSource {
 public:
  /// `not_found` when there is no checkpoint file.
  static Result<std::unique_ptr<ExportedLog>, StoreError> open(const std::filesystem::path& folder);
  ~ExportedLog() override;

  Result<std::optional<std::string>, StoreError> get(Family family, ByteView key) const override;
  std::optional<StoreError> scan(Family family, ByteView from, const RowVisitor& row) const override;
  Result<std::optional<std::pair<std::string, std::string>>, StoreError> last(Family family) const override;
  bool is_store() const override { return false; }
  const std::optional<std::string>& published() const override;
  /// Partial tiles and bundles of earlier checkpoints: each must be the beginning of what the newest one covers.
  std::optional<BadFile> verify_files() const override;

 private:
  struct Impl;
  explicit ExportedLog(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace daicho
