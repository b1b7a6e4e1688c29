// projections/event_fields.hpp — reading the schema's structs and lists as our value types.
#pragma once

#include <span>

#include "ledger/event.hpp"

namespace daicho {

inline Id id_of(const fb::Id* id) { return id ? flatbuffers::UnPack(*id) : Id{}; }
inline Hash hash_of(const fb::Digest* hash) { return hash ? flatbuffers::UnPack(*hash) : Hash{}; }
inline Tag16 tag_of(const fb::Tag* tag) { return tag ? flatbuffers::UnPack(*tag) : Tag16{}; }
inline std::string text_of(const flatbuffers::String* text) { return text ? text->str() : std::string{}; }

/// A list that may be absent, as one that may be empty.
template <class T>
std::span<const T> list_of(const flatbuffers::Vector<T>* list) {
  return list ? std::span<const T>(list->data(), list->size()) : std::span<const T>{};
}

inline std::vector<Id> ids_of(const flatbuffers::Vector<const fb::Id*>* ids) {
  std::vector<Id> result;
  if (ids) {
    for (const fb::Id* id : *ids) result.push_back(id_of(id));
  }
  return result;
}

}  // namespace daicho
