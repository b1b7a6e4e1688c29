// The machine's own limits: what the figures of bench.cpp are compared with.
#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "ledger/merkle.hpp"
#include "ledger/signing.hpp"
#include "ledger/store.hpp"
#include "tools/bench/bench.hpp"
#include "tools/failure.hpp"
#include "tools/system.hpp"

namespace daicho {

namespace {

constexpr std::size_t bench_event_bytes = 512;

/// Runs `once` for about `milliseconds`; how many a second.
template <class Once>
double rate(unsigned milliseconds, Once once) {
  const Time start = system_time(), end = start + static_cast<Time>(milliseconds) * 1'000;
  std::uint64_t count = 0;
  Time now = start;
  while (now < end) {
    once();
    ++count;
    now = system_time();
  }
  return static_cast<double>(count) * 1e6 / static_cast<double>(now - start);
}

double fdatasync_rate(const std::filesystem::path& directory, unsigned milliseconds) {
  const std::filesystem::path path = directory / "fdatasync.bench";
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) throw Failure(Exit::unavailable, path.string() + ": cannot be written");
  const std::array<char, 4'096> block{};
  const double per_second = rate(milliseconds, [&] {
    if (::write(file, block.data(), block.size()) < 0 || ::fdatasync(file) != 0)
      throw Failure(Exit::unavailable, "fdatasync failed");
  });
  ::close(file);
  std::filesystem::remove(path);
  return per_second;
}

double store_rate(const std::filesystem::path& directory, unsigned milliseconds, std::uint64_t rows_a_write) {
  const std::filesystem::path path = directory / ("store-" + std::to_string(rows_a_write) + ".bench");
  auto store = Store::open(path, Store::Mode::create);
  if (!store) throw Failure(Exit::unavailable, store.error().detail);
  std::uint64_t next = 0;
  const std::string value(bench_event_bytes, 'x');
  const double per_second = rate(milliseconds, [&] {
    Rows rows;
    for (std::uint64_t i = 0; i < rows_a_write; ++i) {
      const auto key = big_endian(next++);
      rows.push_back({Family::events, std::string(as_text(key)), value});
    }
    if ((*store)->write(rows, true)) throw Failure(Exit::unavailable, "the store failed");
  });
  store->reset();
  std::filesystem::remove_all(path);
  return per_second * static_cast<double>(rows_a_write);
}

}  // namespace

Json measure_limits(const std::filesystem::path& directory, unsigned milliseconds) {
  const Signer signer("bench.example", std::array<std::uint8_t, 32>{1});
  const std::string message(bench_event_bytes, 'm');
  const Signature signature = signer.sign(as_bytes(message));
  bool all_verified = true;
  Hash last;
  Json limits = {{"unit", "per second, one core; fdatasync and store writes on the bench's own disk"}};
  limits["fdatasync_4k"] = fdatasync_rate(directory, milliseconds);
  limits["ed25519_sign"] = rate(milliseconds, [&] { signer.sign(as_bytes(message)); });
  limits["ed25519_verify"] =
      rate(milliseconds, [&] { all_verified &= signer.verifier().verify(as_bytes(message), signature); });
  limits["sha256_leaf_512"] = rate(milliseconds, [&] { last = leaf_hash(as_bytes(message)); });
  limits["rocksdb_sync_batch_1"] = store_rate(directory, milliseconds, 1);
  limits["rocksdb_sync_batch_64"] = store_rate(directory, milliseconds, 64);
  if (!all_verified || last != leaf_hash(as_bytes(message)))
    throw Failure(Exit::integrity, "a limit's own check failed");
  for (auto& [name, value] : limits.items()) {
    if (value.is_number()) value = static_cast<std::uint64_t>(value.get<double>());
  }
  return limits;
}

}  // namespace daicho
