// Files that a caller keeps and hands back: cursors of subscriptions, and lists of erasures. What reads is within
// limits; what does not is wrong usage.
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/failures.hpp"
#include "tools/follow/cursor_file.hpp"
#include "tools/query/erasure_list.hpp"

namespace {

/// A file of these bytes that is nowhere.
class MemoryFile {
 public:
  explicit MemoryFile(const std::string& bytes) : file_(::memfd_create("fuzz", 0)) {
    daicho::fuzz::must(file_ >= 0 && ::write(file_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()),
                       "a file in memory");
  }
  ~MemoryFile() { ::close(file_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::string path() const { return "/proc/self/fd/" + std::to_string(file_); }

 private:
  int file_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace daicho;
  using namespace daicho::fuzz;
  const MemoryFile file(input_text(data, size));
  accepts([&] {
    const auto kept = read_cursor(file.path());
    must(kept.has_value(), "a file that is there is a cursor, or is refused");
    must(kept->taken_at >= time_min && kept->taken_at <= time_max, "its time is one");
    const std::string frontier = kept->cursor.frontier.encode();
    must(Frontier::decode(as_bytes(frontier)) == kept->cursor.frontier, "its frontier reads back");
  });
  accepts([&] {
    const ErasureList list = read_erasure_list(file.path(), golden().verifier, 0);
    must(list.known_to <= golden().checkpoint.size, "a list reaches as far as the golden log");
    for (const PendingErasure& erasure : list.erasures)
      must(golden().has(erasure.envelope), "only golden erasures are taken");
  });
  return 0;
}
