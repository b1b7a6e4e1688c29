#include "tests/support/ledger_stored.hpp"

#include <doctest/doctest.h>

namespace daicho::test {

void StoredLedger::change(const std::function<void(Store&)>& with) const {
  const auto store = Store::open("/l", Store::Mode::write, env.get());
  REQUIRE(store);
  with(**store);
}

void StoredLedger::set(Family family, const std::string& key, std::optional<std::string> value) const {
  change([&](Store& store) { REQUIRE(!store.write({{family, key, std::move(value)}}, true)); });
}

void StoredLedger::set_event(Position position, std::optional<std::string> envelope) const {
  set(Family::events, key_of(position), std::move(envelope));
}

std::string StoredLedger::get(Family family, const std::string& key) const {
  std::string value;
  change([&](Store& store) { value = store.get(family, as_bytes(key))->value_or(""); });
  return value;
}

void StoredLedger::rewrite(Position position, const Draft& draft, const Signer& signer,
                           const std::function<void(Place&)>& alter) const {
  const std::string old = event(position);
  const auto read = Event::parse(as_bytes(old));
  REQUIRE(read);
  Place place{position, read->time(), read->account(), read->previous(), read->header().policy_version()};
  if (alter) alter(place);
  set_event(position, encode_event(draft, make_issuer(), place, make_key(3), signer));
}

void StoredLedger::sign_checkpoints(const Seeds& seeds) const {
  change([&](Store& store) {
    Frontier frontier;
    Rows rows;
    const auto error = store.scan(Family::events, {}, [&](ByteView, ByteView envelope) {
      frontier.append(leaf_hash(envelope));
      const std::uint64_t size = frontier.size();
      std::vector<Signer> signers;
      for (const std::uint8_t seed : seeds(size)) signers.push_back(make_signer(seed));
      std::vector<const Signer*> by;
      for (const Signer& signer : signers) by.push_back(&signer);
      rows.push_back(checkpoint_row(size, sign_note(checkpoint_text({origin, size, frontier.root()}), by)));
      return true;
    });
    REQUIRE(!error);
    rows.push_back(frontier_row(frontier));
    REQUIRE(!store.write(rows, true));
  });
}

void StoredLedger::check_finding(FindingKind kind, Position position) const {
  const auto report = audit();
  REQUIRE(report.first_finding);
  INFO("expected " << report.first_finding->expected << ", found " << report.first_finding->found);
  CHECK(std::string(name(report.first_finding->kind)) == name(kind));
  CHECK(report.first_finding->position == position);
  CHECK(!report.first_finding->expected.empty());
  CHECK(!report.first_finding->found.empty());
}

std::string flipped(std::string bytes, std::size_t at) {
  bytes[at] = static_cast<char>(bytes[at] ^ 1);
  return bytes;
}

}  // namespace daicho::test
