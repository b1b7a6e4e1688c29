// Deleted rows leave the files: docs/decisions/0020-erasure.md.
#include <cassert>
#include <map>
#include <set>

#include "ledger/store_impl.hpp"

namespace daicho {

using Handle = rocksdb::ColumnFamilyHandle;

namespace {

constexpr std::size_t purge_ranges_max = 16;  // of one family: beyond, what lies between them is written anew, too

}  // namespace

/// Families of projections that are neither the live ones nor being filled.
Store::Impl::Handles Store::Impl::set_aside() const {
  Handles found = live();
  std::erase_if(found, [&](Handle* handle) {
    return !handle->GetName().starts_with(rows_family_prefix) || handle == rows.load() || handle == shadow;
  });
  return found;
}

rocksdb::Status Store::Impl::empty(Handle* family) {
  return db->DeleteRange(rocksdb::WriteOptions(), family, "", "\xff");  // a row's key begins with a letter
}

namespace {

rocksdb::CompactRangeOptions purging() {
  rocksdb::CompactRangeOptions options;
  options.exclusive_manual_compaction = true;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
  return options;
}

bool is_of_log_or_table(const std::string& name) { return name.ends_with(".log") || name.ends_with(".sst"); }

}  // namespace

/// Its handle stays, for who reads it, and with it its files: they are emptied before.
void Store::Impl::drop(Handle* family) {
  auto status = empty(family);
  if (status.ok()) status = db->Flush(rocksdb::FlushOptions(), family);
  if (status.ok()) status = db->CompactRange(purging(), family, nullptr, nullptr);
  if (status.ok()) status = db->DropColumnFamily(family);
  if (!status.ok()) stopped = true;
  dropped.push_back(family);
}

/// Prefix by prefix; where a family has many, all between them at once; with the empty one all.
rocksdb::Status Store::Impl::compact(const std::vector<RowPrefix>& prefixes) {
  std::map<Family, std::set<std::string>> by_family;
  for (const RowPrefix& each : prefixes) by_family[each.family].insert(each.prefix);
  for (const auto& [family, firsts] : by_family) {
    if (firsts.contains("")) {
      const auto status = db->CompactRange(purging(), this->family(family), nullptr, nullptr);
      if (!status.ok()) return status;
      continue;
    }
    const bool is_many = firsts.size() > purge_ranges_max;
    for (const std::string& prefix : firsts) {
      const std::string end = end_of_prefix(is_many ? *firsts.rbegin() : prefix);
      const rocksdb::Slice from = prefix, to = end;
      const auto status = db->CompactRange(purging(), this->family(family), &from, &to);
      if (!status.ok()) return status;
      if (is_many) break;
    }
  }
  return rocksdb::Status::OK();
}

/// One of these files that is still there and belongs to nothing any more: a reader holds it.
std::optional<std::string> Store::Impl::obsolete_file(const std::vector<std::string>& of) {
  db->DisableFileDeletions().PermitUncheckedError();  // and on again: what is obsolete is removed here and now
  db->EnableFileDeletions(false).PermitUncheckedError();
  rocksdb::VectorLogPtr logs;
  db->GetSortedWalFiles(logs).PermitUncheckedError();  // waits for removals that others began
  std::vector<rocksdb::LiveFileMetaData> tables;
  db->GetLiveFilesMetaData(&tables);
  for (const std::string& name : of) {
    const auto is_it = [&](const rocksdb::LiveFileMetaData& table) { return table.name == "/" + name; };
    const bool is_needed = name.ends_with(".sst") && std::ranges::any_of(tables, is_it);
    std::uint64_t size = 0;
    const bool is_there = env->GetFileSize(db->GetName() + "/" + name, &size).ok() && size > 0;
    if (is_there && !is_needed) return name;
  }
  return std::nullopt;
}

std::optional<StoreError> Store::purge(const std::vector<RowPrefix>& prefixes) {
  assert(is_writer(impl_->mode));
  const std::lock_guard lock(impl_->family_mutex);
  if (impl_->stopped) return StoreError{StoreFault::io, "the store is stopped by an earlier failed write"};
  std::vector<std::string> files;
  auto status = impl_->env->GetChildren(impl_->db->GetName(), &files);
  std::erase_if(files, [](const std::string& name) { return !is_of_log_or_table(name); });
  const auto set_aside = impl_->set_aside();
  for (Handle* family : set_aside) {
    if (status.ok()) status = impl_->empty(family);
  }
  if (status.ok()) status = impl_->db->Flush(rocksdb::FlushOptions(), impl_->live());
  for (Handle* family : set_aside) {
    if (status.ok()) status = impl_->db->CompactRange(purging(), family, nullptr, nullptr);
  }
  if (status.ok()) status = impl_->compact(prefixes);
  if (!status.ok()) return store_error(status);
  const auto left = impl_->obsolete_file(files);
  if (left) return StoreError{StoreFault::io, *left + " is still read by somebody and cannot go yet"};
  return std::nullopt;
}

}  // namespace daicho
