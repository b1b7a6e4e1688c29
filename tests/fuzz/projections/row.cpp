// Stored rows of accounts and of the ledger. The input is what changes in a good row: pairs of a place (u16) and a byte
// that is laid over it. A row that was changed anywhere does not decode; one that was not is itself again.
#include "projections/row_codec.hpp"

#include "tests/fuzz/fuzz.hpp"

namespace {

template <class Decode>
void check(const std::string& good, const std::uint8_t* data, std::size_t size, const Decode& decode) {
  using namespace daicho;
  using daicho::fuzz::must;
  std::string row = good;
  constexpr std::size_t change_bytes = 3;
  for (; size >= change_bytes; data += change_bytes, size -= change_bytes) {
    const std::size_t place = (std::size_t{data[0]} << 8U | data[1]) % (row.size() + 1);
    const auto byte = static_cast<char>(data[2]);
    if (place == row.size()) {
      row.push_back(byte);
    } else {
      row[place] = static_cast<char>(row[place] ^ byte);
    }
  }
  const auto decoded = decode(as_bytes(row));
  must(decoded.has_value() == (row == good), "a row decodes unless it was changed");
  must(!decoded || encode_row(*decoded) == good, "a row is written as it was read");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace daicho;
  static const std::string account = encode_row(Account{}), ledger = encode_row(LedgerState{});
  check(account, data, size, decode_account);
  check(ledger, data, size, decode_ledger);
  daicho::fuzz::must(!decode_account(as_bytes(ledger)) && !decode_ledger(as_bytes(account)), "neither is the other");
  const ByteView bytes(data, size);
  if (const auto read = decode_account(bytes))
    daicho::fuzz::must(encode_row(*read) == as_text(bytes), "a row is written as it was read");
  return 0;
}
