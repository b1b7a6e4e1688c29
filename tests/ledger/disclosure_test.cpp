// tests/ledger/disclosure_test.cpp — disclosures: round trips, and everything in one that may be another's or altered.
#include "ledger/disclosure.hpp"

#include <doctest/doctest.h>

#include "ledger/stored_tree.hpp"
#include "ledger/tlog_proof.hpp"
#include "tests/support/ledger_fixture.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

constexpr std::uint64_t event_count = 20;

/// `holds`, or the check that does not.
std::string judged(const Disclosure& disclosure, const Verifier& first = make_signer().verifier()) {
  const auto checked = check_disclosure(disclosure, first);
  return checked ? "holds" : name(checked.error().check);
}
std::string judged(std::string_view file) {
  const auto read = read_disclosure(file);
  return read ? judged(*read) : name(read.error().check);
}

/// A ledger: event 0 is LedgerCreated, event i is of account i % 3, from 1 on. All but the first have a sealed part.
struct Opened {
  TempDir dir;
  std::unique_ptr<TestLedger> ledger;

  explicit Opened(std::uint64_t events = event_count) : ledger(TestLedger::create(dir.path(), nullptr)) {
    while (ledger->log->size() < events) {
      std::vector<Draft> drafts;
      drafts.push_back(failed_sign_in("wrong_password", "place " + std::to_string(ledger->log->size())));
      REQUIRE(ledger->append(1 + ledger->log->size() % 3, std::move(drafts)));
    }
  }
  std::string envelope(Position position) const {
    return **ledger->store->get(Family::events, as_bytes(key_of(position)));
  }
  DisclosedEvent event(Position position, bool with_key = true) const {
    DisclosedEvent disclosed{.position = position, .envelope = envelope(position)};
    const auto event = Event::parse(as_bytes(disclosed.envelope));
    if (with_key) disclosed.key = event->event_key(*ledger->keys->data_key(*ledger->store, event->account()));
    disclosed.path = *inclusion_proof(position, ledger->log->size(), stored_subtrees(*ledger->store));
    return disclosed;
  }
  Disclosure disclose(const std::vector<Position>& positions) const {
    Disclosure disclosure{{}, ledger->log->checkpoint()};
    for (const Position position : positions) disclosure.events.push_back(event(position, position != 0));
    return disclosure;
  }
};

/// A log of one event that this signer signs as it is.
Disclosure signed_alone(std::string envelope, std::optional<SecretKey> key, const Signer& signer = make_signer()) {
  constexpr std::size_t key_id_at = 4, signature_at = 8, event_at = 72;
  const std::string message = std::string("daicho event v1\0", 16) + envelope.substr(event_at);
  envelope.replace(key_id_at, KeyId::size, signer.verifier().id.text());
  envelope.replace(signature_at, Signature::size, signer.sign(as_bytes(message)).text());
  Disclosure disclosure;
  disclosure.checkpoint = sign_checkpoint({origin, 1, leaf_hash(as_bytes(envelope))}, signer);
  disclosure.events.push_back({.position = 0, .envelope = std::move(envelope), .key = std::move(key)});
  return disclosure;
}

std::string sealed_event(const SecretKey& data_key) {
  return encode_event(failed_sign_in("wrong_password", "Kyoto"), make_issuer(),
                      {.position = 0, .account = account_id(1)}, data_key, make_signer());
}

}  // namespace

TEST_CASE("disclosure: written, read again, it holds, and opens what was asked for and no more") {
  const Opened opened;
  Disclosure disclosure = opened.disclose({0, 4, 7, 19});
  disclosure.events[2].key.reset();
  const std::string file = write_disclosure(disclosure);
  CHECK(is_disclosure(file));
  CHECK(file.starts_with("daicho disclosure v1\nevent 0\nenvelope AQAAA"));
  const auto read = read_disclosure(file);
  REQUIRE(read);
  CHECK(write_disclosure(*read) == file);
  const auto checked = check_disclosure(*read, make_signer().verifier());
  REQUIRE(checked);
  CHECK(checked->checkpoint.size == event_count);
  REQUIRE(checked->events.size() == 4);
  CHECK(!checked->events[0].personal);
  CHECK(checked->events[1].personal->location == "place 4");
  CHECK(checked->events[1].personal->ip == "192.0.2.7");
  CHECK(checked->events[1].event.position() == 4);
  CHECK(!checked->events[2].personal);
  CHECK(checked->events[3].personal->location == "place 19");
}

TEST_CASE("disclosure: a key is its event's alone, and the event commits to it") {
  const Opened opened;
  const Disclosure good = opened.disclose({1, 4, 7});  // all of one account
  CHECK(judged(good) == "holds");
  for (const DisclosedEvent& one : good.events) {
    for (Position other = 0; other < event_count; ++other) {
      const std::string envelope = opened.envelope(other);
      const auto event = Event::parse(as_bytes(envelope));
      const bool is_it = other == one.position;
      CHECK(event->commits_to(*one.key) == is_it);
      if (event->is_sealed()) CHECK(event->open_with(*one.key).has_value() == is_it);
    }
  }
  Disclosure swapped = opened.disclose({1, 4, 7});
  std::swap(swapped.events[0].key, swapped.events[1].key);
  CHECK(judged(swapped) == "commitment");
  Disclosure wrong = opened.disclose({1, 4, 7});
  std::string bytes(as_text(wrong.events[2].key->view()));
  bytes[31] = static_cast<char>(bytes[31] ^ 1);
  wrong.events[2].key.emplace(as_bytes(bytes));
  CHECK(judged(wrong) == "commitment");
  wrong.events[2].key = opened.ledger->keys->data_key(*opened.ledger->store, account_id(2));  // the data key itself
  CHECK(judged(wrong) == "commitment");
  Disclosure nothing_sealed = opened.disclose({0, 1});
  nothing_sealed.events[0].key = make_key(1);
  CHECK(judged(nothing_sealed) == "commitment");
}

TEST_CASE("disclosure: what the signing key's holder alters behind the seal is told by the seal") {
  const SecretKey data_key = make_key(0x20);
  const std::string envelope = sealed_event(data_key);
  const auto event = Event::parse(as_bytes(envelope));
  const auto key = [&] { return event->event_key(data_key); };
  CHECK(judged(signed_alone(envelope, key())) == "holds");
  const auto altered = [&](const std::uint8_t* at, std::size_t offset) {
    std::string changed = envelope;
    changed[static_cast<std::size_t>(at - as_bytes(envelope).data()) + offset] ^= 1;
    return judged(signed_alone(changed, key()));
  };
  const auto* const sealed = event->body().sealed();
  CHECK(altered(event->header().service()->Data(), 0) == "sealed_part");  // associated data
  CHECK(altered(event->header().command_id()->Data(), 3) == "sealed_part");
  CHECK(altered(sealed->data(), 0) == "sealed_part");  // nonce
  CHECK(altered(sealed->data(), 24) == "commitment");  // first and last byte of the commitment
  CHECK(altered(sealed->data(), 55) == "commitment");
  CHECK(altered(sealed->data(), 56) == "sealed_part");  // ciphertext
  CHECK(altered(sealed->data(), sealed->size() - 1) == "sealed_part");
  CHECK(judged(signed_alone(envelope, make_key(0x21))) == "commitment");
}

TEST_CASE("disclosure: no byte of it can be another one") {
  const Opened opened(9);
  const std::string file = write_disclosure(opened.disclose({1, 5}));
  REQUIRE(judged(file) == "holds");
  std::map<std::string, int> found;
  for (std::size_t at = 0; at < file.size(); ++at) {
    std::string changed = file;
    changed[at] = static_cast<char>(changed[at] ^ (1 << (at % 8)));
    ++found[judged(changed)];
  }
  CHECK(found["holds"] == 0);
  CHECK(found["form"] > 0);
  CHECK(found["event"] + found["signature"] > 0);
  CHECK(found["checkpoint"] > 0);
  CHECK(found["inclusion"] > 0);
  CHECK(found["commitment"] > 0);
  for (std::size_t size = 0; size < file.size(); ++size) CHECK(judged(file.substr(0, size)) == "form");
  for (const char* more : {"x", "\n", "\n\n", "event 9\n"}) CHECK(judged(file + more) == "form");
}

TEST_CASE("disclosure: events stand in order, each once, and each under its own number") {
  const Opened opened;
  CHECK(judged(write_disclosure(opened.disclose({4, 4}))) == "form");
  CHECK(judged(write_disclosure(opened.disclose({7, 4}))) == "form");
  CHECK(judged(write_disclosure(opened.disclose({}))) == "form");
  Disclosure renamed = opened.disclose({4, 7});
  renamed.events[0].position = 5;
  CHECK(judged(renamed) == "event");
  Disclosure exchanged = opened.disclose({4, 7});
  std::swap(exchanged.events[0].envelope, exchanged.events[1].envelope);
  CHECK(judged(exchanged) == "event");
  Disclosure paths = opened.disclose({4, 7});
  std::swap(paths.events[0].path, paths.events[1].path);
  CHECK(judged(paths) == "inclusion");
}

TEST_CASE("disclosure: another checkpoint, another tree or another ledger is refused") {
  const Opened opened;
  const std::string earlier = **opened.ledger->store->get(Family::checkpoints, as_bytes(key_of(7)));
  Disclosure disclosure = opened.disclose({4, 7});
  disclosure.checkpoint = earlier;
  CHECK(judged(disclosure) == "inclusion");
  disclosure = opened.disclose({7});
  disclosure.checkpoint = earlier;  // covers 0 to 6
  CHECK(judged(disclosure) == "inclusion");
  disclosure = opened.disclose({4});
  disclosure.checkpoint = sign_checkpoint({origin, event_count, Hash{}}, make_signer());
  CHECK(judged(disclosure) == "inclusion");
  disclosure.checkpoint = sign_checkpoint({origin, event_count, Hash{}}, make_signer(0x30));
  CHECK(judged(disclosure) == "checkpoint");
  disclosure.checkpoint =
      sign_checkpoint({"other.example", event_count, Hash{}}, Signer("other.example", bytes_from(0).view()));
  CHECK(judged(disclosure) == "checkpoint");
  CHECK(judged(opened.disclose({4}), make_signer(0x30).verifier()) == "signature");
  const SecretKey data_key = make_key(0x20);
  const Disclosure others = signed_alone(sealed_event(data_key), std::nullopt, make_signer(0x30));
  CHECK(judged(others) == "signature");
  CHECK(judged(others, make_signer(0x30).verifier()) == "holds");
}

TEST_CASE("disclosure: limits, at each and one past it") {
  const Opened opened(disclosure_events_max + 1);
  std::vector<Position> all;
  for (Position position = 0; position < disclosure_events_max; ++position) all.push_back(position);
  CHECK(judged(write_disclosure(opened.disclose(all))) == "holds");
  all.push_back(disclosure_events_max);
  CHECK(judged(write_disclosure(opened.disclose(all))) == "form");
  const auto with = [&](std::size_t hashes, std::size_t envelope_bytes) {
    Disclosure disclosure = opened.disclose({4});
    disclosure.events[0].path.resize(hashes);
    if (envelope_bytes > 0) disclosure.events[0].envelope.resize(envelope_bytes);
    return judged(write_disclosure(disclosure));
  };
  CHECK(with(proof_hashes_max, 0) == "inclusion");
  CHECK(with(proof_hashes_max + 1, 0) == "form");
  CHECK(with(1, envelope_bytes_max) != "form");
  CHECK(with(1, envelope_bytes_max + 1) == "form");
  std::string file = write_disclosure(opened.disclose({4}));
  const auto note = read_disclosure(file)->checkpoint;
  const std::string head = file.substr(0, file.size() - note.size());
  file = head + std::string(disclosure_bytes_max - head.size(), 'x');
  CHECK(judged(file) == "form");
  CHECK(read_disclosure(file).error().words.find("32 MiB") == std::string::npos);
  CHECK(read_disclosure(file + "x").error().words.find("32 MiB") != std::string::npos);
  // The largest that may be is read: its events and its note fit.
  static_assert(disclosure_events_max * (envelope_bytes_max * 4 / 3 + proof_hashes_max * 45 + 128) + note_bytes_max <
                disclosure_bytes_max);
}

TEST_CASE("disclosure: a line that is not as it must be makes it none") {
  const Opened opened;
  const std::string file = write_disclosure(opened.disclose({4, 7}));
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = file;
    const auto at = changed.find(from);
    REQUIRE(at != std::string::npos);
    return judged(changed.replace(at, from.size(), to));
  };
  CHECK(with("v1", "v1") == "holds");
  CHECK(with("v1", "v2") == "form");
  CHECK(with("event 4", "event 04") == "form");
  CHECK(with("event 4", "event -4") == "form");
  CHECK(with("event 4", "event 18446744073709551616") == "form");
  CHECK(with("event 4\n", "event 4\r\n") == "form");
  CHECK(with("event 4\n", "") == "form");
  CHECK(with("envelope ", "Envelope ") == "form");
  CHECK(with("envelope ", "envelope =") == "form");
  CHECK(with("key ", "key  ") == "form");
  CHECK(with("key ", "key AAAA\nkey ") == "form");
  CHECK(with("\n\nevent 7", "\nevent 7") == "form");
  CHECK(with("\n\nevent 7", "\n\n\nevent 7") == "form");
  CHECK(with("\n\ncheckpoint", "\ncheckpoint") == "form");
  CHECK(with("checkpoint\n", "checkpoint \n") == "form");
  CHECK(with("checkpoint\n", "checkpoint\n\n") == "checkpoint");  // a note that begins with an empty line
  CHECK(!is_disclosure("daicho disclosure v1"));
  CHECK(!is_disclosure("c2sp.org/tlog-proof@v1\n"));
}
