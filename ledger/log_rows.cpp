#include "ledger/log_rows.hpp"

namespace daicho {
namespace {

constexpr std::string_view format_text = "1";

std::string number_key(std::uint64_t number) { return std::string(as_text(big_endian(number))); }

Unexpected<StoreError> corrupt(std::string words) { return {StoreError{StoreFault::corrupt, std::move(words)}}; }

std::string number_words(std::uint64_t number) { return std::to_string(number); }

Result<Checkpoint, StoreError> read_last_checkpoint(const Store& store, const KeyHistory& keys, std::string& note) {
  auto row = store.last(Family::checkpoints);
  if (!row) return Unexpected{row.error()};
  if (!*row) return corrupt("no checkpoint: the ledger's creation did not finish");
  note = std::move((*row)->second);
  const auto checkpoint = keys.open(note);
  if (!checkpoint) return corrupt("the last checkpoint is not signed by " + keys.newest().vkey());
  if (number_of(as_bytes((*row)->first)) != checkpoint->size) {
    return corrupt("the last checkpoint, of size " + number_words(checkpoint->size) + ", is stored as another size");
  }
  return *checkpoint;
}

Result<Time, StoreError> read_last_time(const Store& store, const KeyHistory& keys, std::uint64_t size) {
  const auto row = store.last(Family::events);
  if (!row) return Unexpected{row.error()};
  const auto position = *row ? number_of(as_bytes((*row)->first)) : std::nullopt;
  if (!position || *position + 1 != size) {
    return corrupt("the last checkpoint covers " + number_words(size) + " events, the last event stored is " +
                   (position ? "number " + number_words(*position) : "none"));
  }
  const auto event = Event::parse(as_bytes((*row)->second));
  if (!event || event->position() != *position || !event->verify(keys.at(*position))) {
    return corrupt("the last event, number " + number_words(*position) + ", is not as it was signed");
  }
  return event->time();
}

}  // namespace

RowChange event_row(Position position, std::string envelope) {
  return {Family::events, number_key(position), std::move(envelope)};
}

RowChange checkpoint_row(std::uint64_t size, std::string note) {
  return {Family::checkpoints, number_key(size), std::move(note)};
}

RowChange frontier_row(const Frontier& frontier) {
  return {Family::meta, std::string(frontier_key), frontier.encode()};
}

std::string tile_key(const TileId& tile) {
  return std::string(1, static_cast<char>(tile.level)) + number_key(tile.index);
}

RowChange tile_row(const TileId& tile, std::string hashes) {
  return {Family::tiles, tile_key(tile), std::move(hashes)};
}

Rows founding_rows(const Verifier& verifier) {
  return {{Family::meta, std::string(format_key), std::string(format_text)},
          {Family::meta, std::string(verifier_key), verifier.vkey()}};
}

std::optional<std::uint64_t> number_of(ByteView key) {
  return key.size() == 8 ? std::optional(read_big_endian(key)) : std::nullopt;
}

std::optional<std::string> published_disagrees(const LogSource& log, const KeyHistory& keys, const Checkpoint& last) {
  if (!log.published()) return std::nullopt;
  const auto published = keys.open(*log.published());
  if (!published) return std::nullopt;
  if (published->size > last.size) {
    return "the published checkpoint covers " + number_words(published->size) + " events, the store's last one " +
           number_words(last.size);
  }
  if (published->size == last.size && published->root != last.root) {
    return "the published checkpoint has another root for size " + number_words(last.size);
  }
  return std::nullopt;
}

Result<LogEnd, StoreError> read_log_end(const Store& store, KeyHistory& keys) {
  const auto format = store.get(Family::meta, as_bytes(format_key));
  if (!format) return Unexpected{format.error()};
  if (!*format) return corrupt("no format row: the ledger's creation did not finish");
  if (**format != format_text) return corrupt("format " + **format + " is not known here");

  if (auto error = read_key_history(store, keys)) return Unexpected{*std::move(error)};
  LogEnd end;
  const auto last = read_last_checkpoint(store, keys, end.note);
  if (!last) return Unexpected{last.error()};
  const auto row = store.get(Family::meta, as_bytes(frontier_key));
  if (!row) return Unexpected{row.error()};
  auto frontier = *row ? Frontier::decode(as_bytes(**row)) : std::nullopt;
  if (!frontier || frontier->size() != last->size || frontier->root() != last->root) {
    return corrupt("the stored frontier is not that of the last checkpoint, of size " + number_words(last->size));
  }
  end.frontier = std::move(*frontier);
  const auto time = read_last_time(store, keys, last->size);
  if (!time) return Unexpected{time.error()};
  end.last_time = *time;
  if (auto words = published_disagrees(store, keys, *last)) return corrupt(std::move(*words));
  return end;
}

}  // namespace daicho
