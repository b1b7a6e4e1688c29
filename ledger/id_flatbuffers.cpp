// ledger/id_flatbuffers.cpp — the schema's fixed-size structs to ours and back (native_type in ledger/event.fbs).
#include "event_generated.h"
#include "ledger/id.hpp"

namespace {

template <class Struct, class Bytes>
Struct packed(const Bytes& value) {
  return Struct(flatbuffers::span<const std::uint8_t, Bytes::size>(value.bytes));
}

template <class Bytes, class Struct>
Bytes unpacked(const Struct& value) {
  static_assert(sizeof(Struct) == Bytes::size);
  Bytes result;
  std::copy_n(value.bytes()->data(), Bytes::size, result.bytes.begin());
  return result;
}

}  // namespace

namespace flatbuffers {

daicho::fb::Id Pack(const daicho::Id& id) { return packed<daicho::fb::Id>(id); }
daicho::Id UnPack(const daicho::fb::Id& id) { return unpacked<daicho::Id>(id); }
daicho::fb::Digest Pack(const daicho::Hash& hash) { return packed<daicho::fb::Digest>(hash); }
daicho::Hash UnPack(const daicho::fb::Digest& hash) { return unpacked<daicho::Hash>(hash); }
daicho::fb::Tag Pack(const daicho::Tag16& tag) { return packed<daicho::fb::Tag>(tag); }
daicho::Tag16 UnPack(const daicho::fb::Tag& tag) { return unpacked<daicho::Tag16>(tag); }

}  // namespace flatbuffers
