// The log for those who verify it: checkpoint, tiles and entry bundles at the paths of C2SP tlog-tiles v0.1.0 below
// /v1/log/, and proofs of single events.
#include "ledger/checkpoint.hpp"
#include "ledger/event.hpp"
#include "ledger/stored_tree.hpp"
#include "ledger/tlog_proof.hpp"
#include "tools/service/endpoints.hpp"
#include "tools/service/problem.hpp"

namespace daicho {

namespace {

struct Newest {
  std::string note;
  std::uint64_t size = 0;
};

Newest newest(const Store& store) {
  auto last = value_or_fail(store.last(Family::checkpoints));
  if (!last) throw Failure(Exit::integrity, "the log has no checkpoint");
  const auto size = read_big_endian(as_bytes(last->first));
  return {std::move(last->second), size};
}

std::optional<std::uint64_t> number(std::string_view digits, std::size_t length_max) {
  if (digits.empty() || digits.size() > length_max) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

struct TilePart {
  std::uint64_t index = 0;
  unsigned width = tile_hashes;
};

/// `x001/x234/067`, or with `.p/5` behind it.
std::optional<TilePart> parse_part(std::string_view text) {
  TilePart part;
  const std::size_t partial = text.find(".p/");
  if (partial != std::string_view::npos) {
    const auto width = number(text.substr(partial + 3), 3);
    if (!width || *width == 0 || *width >= tile_hashes) return std::nullopt;
    part.width = static_cast<unsigned>(*width);
    text = text.substr(0, partial);
  }
  constexpr std::size_t groups_max = 5;  // 10^15 tiles
  for (std::size_t groups = 0; groups < groups_max; ++groups) {
    const std::size_t slash = text.find('/');
    const bool goes_on = slash != std::string_view::npos;
    std::string_view group = text.substr(0, slash);
    if (goes_on && !group.starts_with('x')) return std::nullopt;
    if (goes_on) group.remove_prefix(1);
    const auto digits = group.size() == 3 ? number(group, 3) : std::nullopt;
    if (!digits) return std::nullopt;
    part.index = part.index * 1'000 + *digits;
    if (!goes_on) return part;
    text.remove_prefix(slash + 1);
  }
  return std::nullopt;
}

HttpAnswer not_there() { return problem(404, "no_such_tile", "The newest checkpoint has no such tile."); }

/// A tile never changes. Who needs a token for it shares it with nobody (RFC 9111 section 3.5).
HttpAnswer immutable(const Call& call, std::string body) {
  HttpAnswer answer{200, bytes_type, std::move(body)};
  answer.fields.add("Cache-Control",
                    std::string(call.is_anybody ? "public" : "private") + ", max-age=31536000, immutable");
  return answer;
}

}  // namespace

HttpAnswer get_checkpoint(LedgerService& service, const Call&) {
  HttpAnswer answer{200, utf8_text_type, newest(*service.ledger().store).note};
  answer.fields.add("Cache-Control", "no-cache");
  return answer;
}

HttpAnswer get_tile(LedgerService& service, const Call& call) {
  const std::string& path = call.named[0];
  const std::size_t slash = path.find('/');
  const auto level = number(std::string_view(path).substr(0, slash), 1);
  if (slash == std::string::npos || !level || *level >= tile_levels_max) return not_there();
  const auto part = parse_part(std::string_view(path).substr(slash + 1));
  if (!part) return not_there();
  const Store& store = *service.ledger().store;
  const TileId tile{static_cast<unsigned>(*level), part->index};
  const bool is_canonical = tile_path(tile, part->width) == "tile/" + path;
  if (!is_canonical || part->width > tile_width(tile, newest(store).size)) return not_there();
  auto hashes = stored_tiles(store)(tile, part->width);
  if (!hashes) throw Failure(Exit::integrity, "tile/" + path + " cannot be read");
  hashes->resize(part->width * Hash::size);
  return immutable(call, *std::move(hashes));
}

HttpAnswer get_bundle(LedgerService& service, const Call& call) {
  const auto part = parse_part(call.named[0]);
  if (!part) return not_there();
  const Store& store = *service.ledger().store;
  const bool is_canonical = bundle_path(part->index, part->width) == "tile/entries/" + call.named[0];
  if (!is_canonical || part->width > tile_width({0, part->index}, newest(store).size)) return not_there();
  auto bundle = value_or_fail(stored_bundle(store, part->index, part->width));
  return immutable(call, std::move(bundle));
}

std::string prove(const Store& store, Position position) {
  const Newest log = newest(store);
  if (position >= log.size)
    throw Failure(Exit::usage, "the newest checkpoint covers " + std::to_string(log.size) + " events");
  auto envelope = value_or_fail(store.get(Family::events, ByteView(big_endian(position))));
  auto path = inclusion_proof(position, log.size, stored_subtrees(store));
  if (!envelope || !path) throw Failure(Exit::integrity, "event " + std::to_string(position) + " cannot be proved");
  TlogProof proof{.index = position, .path = *std::move(path), .checkpoint = log.note};
  proof.envelopes.push_back(*std::move(envelope));
  return write_proof(proof);
}

HttpAnswer get_proof(LedgerService& service, const Call& call) {
  const auto position = number(call.named[0], 19);
  if (!position || *position >= newest(*service.ledger().store).size)
    return problem(404, "no_such_event", "The newest checkpoint covers no such event.");
  return {200, utf8_text_type, prove(*service.ledger().store, *position)};
}

}  // namespace daicho
