#include "ledger/pending_erasure.hpp"

#include "ledger/tiles.hpp"

namespace daicho {
namespace {

constexpr std::string_view pending_prefix = "pending erasure/";  // on disk: do not change it

}  // namespace

std::optional<PendingErasure> read_erasure(std::vector<std::string> rotations, std::string envelope) {
  PendingErasure erasure{.rotations = std::move(rotations), .envelope = std::move(envelope)};
  const auto event = Event::parse(as_bytes(erasure.envelope));
  const auto erases = event ? erasing(*event) : std::nullopt;
  if (!erases || !erases->is_all() || event->account().is_zero()) return std::nullopt;  // the ledger's own keys stay
  erasure.account = event->account();
  erasure.position = event->position();
  erasure.fingerprint = erases->fingerprint;
  return erasure;
}

std::optional<KeyHistory> follow_rotations(const Verifier& first, const std::vector<std::string>& rotations) {
  KeyHistory keys(first);
  Position from = 0;
  for (const std::string& envelope : rotations) {
    const auto event = Event::parse(as_bytes(envelope));
    const bool is_signed = event && event->position() >= from && event->verify(keys.at(event->position()));
    auto next = is_signed ? keys.named_by(*event) : std::nullopt;
    if (!next) return std::nullopt;
    from = event->position() + 1;
    keys.rotate(event->position(), *std::move(next));
  }
  return keys;
}

bool is_proven(const PendingErasure& erasure, const Verifier& first) {
  const auto keys = follow_rotations(first, erasure.rotations);
  return keys && erasure.event().verify(keys->at(erasure.position));
}

std::string pending_rows_prefix(const Id& account) {
  std::string prefix(pending_prefix);
  return prefix.append(account.text());
}

RowChange pending_row(const PendingErasure& erasure) {
  std::string key = pending_rows_prefix(erasure.account), value;
  append(key, big_endian(erasure.position));
  for (const std::string& rotation : erasure.rotations) append_entry(value, as_bytes(rotation));
  append_entry(value, as_bytes(erasure.envelope));
  return {Family::meta, std::move(key), std::move(value)};
}

/// The rotations, then the event, as entries of a bundle.
std::optional<PendingErasure> parse_pending_row(ByteView value) {
  const auto entries = entries_of(value);
  if (!entries || entries->empty()) return std::nullopt;
  std::vector<std::string> rotations;
  for (std::size_t i = 0; i + 1 < entries->size(); ++i) rotations.emplace_back(as_text((*entries)[i]));
  return read_erasure(std::move(rotations), std::string(as_text(entries->back())));
}

Result<std::vector<PendingErasure>, StoreError> pending_erasures(const LogSource& source,
                                                                 const std::optional<Id>& account) {
  std::vector<PendingErasure> all;
  const std::string prefix = account ? pending_rows_prefix(*account) : std::string(pending_prefix);
  const auto failed = source.scan(Family::meta, as_bytes(prefix), [&](ByteView key, ByteView value) {
    if (!as_text(key).starts_with(prefix)) return false;
    if (auto erasure = parse_pending_row(value)) all.push_back(*std::move(erasure));
    return true;
  });
  if (failed) return Unexpected{*failed};
  return all;
}

}  // namespace daicho
