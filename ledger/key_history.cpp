// docs/ledger-format.md, section "Rotation".
#include "ledger/key_history.hpp"

#include <algorithm>
#include <cassert>

#include "ledger/log_rows.hpp"

namespace daicho {

const Verifier& KeyHistory::at(Position position) const {
  const auto later = std::ranges::upper_bound(reigns_, position, {}, &Reign::from);
  return std::prev(later)->verifier;  // the first reign begins at 0
}

std::vector<Verifier> KeyHistory::all() const {
  std::vector<Verifier> keys;
  for (const Reign& reign : reigns_) keys.push_back(reign.verifier);
  return keys;
}

std::vector<Position> KeyHistory::rotations() const {
  std::vector<Position> positions;
  for (std::size_t i = 1; i < reigns_.size(); ++i) positions.push_back(reigns_[i].from - 1);
  return positions;
}

Result<Checkpoint, NoteFault> KeyHistory::open(std::string_view note) const {
  const auto parsed = parse_note(note);
  const auto claimed = parsed ? parse_checkpoint_text(parsed->text) : std::nullopt;
  if (!claimed) return open_checkpoint(note, newest());  // it says what is wrong
  const Verifier& before = at(claimed->size == 0 ? 0 : claimed->size - 1);
  const Verifier& after = at(claimed->size);
  auto opened = open_checkpoint(note, before);
  if (opened && after != before) return open_checkpoint(note, after);
  return opened;
}

bool KeyHistory::accepts(const Verifier& next, Position position) const {
  if (next.name != first().name) return false;
  return std::ranges::none_of(
      reigns_, [&](const Reign& reign) { return reign.from <= position && reign.verifier.id == next.id; });
}

std::optional<Verifier> KeyHistory::named_by(const Event& event) const {
  const auto* rotated = event.as<fb::SigningKeyRotated>();
  if (!rotated || !rotated->old_key_id() || !rotated->vkey() || !event.account().is_zero()) return std::nullopt;
  const auto old = KeyId::from({rotated->old_key_id()->data(), rotated->old_key_id()->size()});
  auto next = Verifier::parse_vkey(rotated->vkey()->string_view());
  const bool is_good = old == at(event.position()).id && next && accepts(*next, event.position());
  return is_good ? std::move(next) : std::nullopt;
}

void KeyHistory::rotate(Position position, Verifier next) {
  assert(position >= reigns_.back().from);
  reigns_.push_back({position + 1, std::move(next)});
}

RowChange rotations_row(const KeyHistory& keys) {
  std::string positions;
  for (const Position position : keys.rotations()) append(positions, big_endian(position));
  return {Family::meta, std::string(rotations_key), std::move(positions)};
}

std::optional<StoreError> read_key_history(const LogSource& source, KeyHistory& keys) {
  const auto row = source.get(Family::meta, as_bytes(rotations_key));
  if (!row) return row.error();
  if (!*row) return std::nullopt;
  const auto corrupt = [](std::string words) { return StoreError{StoreFault::corrupt, std::move(words)}; };
  ByteView rest = as_bytes(**row);
  if (rest.empty() || rest.size() % sizeof(Position) != 0) return corrupt("the list of key rotations does not read");
  for (Position from = 0; !rest.empty(); rest = rest.subspan(sizeof(Position))) {
    const Position position = read_big_endian(rest.first(sizeof(Position)));
    const std::string where = "the key rotation listed at " + std::to_string(position);
    if (position < from) return corrupt(where + " is not in order");
    from = position + 1;
    const auto envelope = source.get(Family::events, as_bytes(as_text(big_endian(position))));
    if (!envelope) return envelope.error();
    const auto event =
        *envelope ? Event::parse(as_bytes(**envelope)) : Result<Event, EventFault>(Unexpected{EventFault::malformed});
    const bool is_signed = event && event->position() == position && event->verify(keys.at(position));
    auto next = is_signed ? keys.named_by(*event) : std::nullopt;
    if (!next) return corrupt(where + " is none that " + keys.at(position).vkey() + " signed");
    keys.rotate(position, *std::move(next));
  }
  return std::nullopt;
}

}  // namespace daicho
