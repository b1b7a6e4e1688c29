#include "ledger/event.hpp"

#include <doctest/doctest.h>

#include "ledger/merkle.hpp"
#include "tests/support/ledger_fixture.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

constexpr std::size_t prefix_bytes = 72;

Place make_place() {
  return {.position = 12,
          .time = start_time,
          .account = account_id(5),
          .previous = {.version = 3, .position = 9, .leaf = bytes_from(0x30)},
          .policy_version = 4};
}

Draft make_draft() {
  Draft draft;
  fb::ChallengeStartedT started;
  started.challenge_id = account_id(70);
  started.purpose = fb::Purpose::unblock;
  started.offers = {account_id(71), account_id(72)};
  started.routes = {fb::Route::secret_question, fb::Route::mark_lost};
  draft.payload.Set(std::move(started));
  draft.personal.address = "user@example.com";
  draft.personal.profile = std::make_unique<fb::ProfileT>();
  draft.personal.profile->surname = "Yamada";
  fb::NotificationT notification;
  notification.id = account_id(80);
  notification.kind = fb::NotificationKind::security_code;
  notification.recipient = fb::Recipient::proof;
  notification.proof_id = account_id(71);
  notification.channel = fb::Channel::sms;
  notification.secret_id = account_id(81);
  draft.notifications.push_back(notification);
  draft.rules = {301, 302};
  draft.caused_by = 11;
  return draft;
}

std::string encode(const Draft& draft, const Issuer& issuer = make_issuer(), const Place& place = make_place()) {
  return encode_event(draft, issuer, place, make_key(1), make_signer());
}

/// As `encode`, under another slot's key.
std::string encode_under(std::uint32_t slot, Draft draft, const Issuer& issuer) {
  draft.sealed_slot = slot;
  return encode(draft, issuer);
}

bool opens_and_verifies(const std::string& envelope) {
  const auto event = Event::parse(as_bytes(envelope));
  return event && event->verify(make_signer().verifier());
}

EventFault fault_of(const std::string& envelope) {
  const auto event = Event::parse(as_bytes(envelope));
  REQUIRE(!event);
  return event.error();
}

}  // namespace

SCENARIO("an event names the data key that its sealed part is under, and without one that of its tags") {
  const std::string sealed = encode_under(3, make_draft(), make_issuer());
  const auto event = Event::parse(as_bytes(sealed));
  REQUIRE(event);
  CHECK(event->sealed_slot() == 3);
  CHECK(event->open(make_key(1)));
  Draft bare = make_draft();
  bare.personal = {};
  Issuer silent = make_issuer();
  silent.ip = silent.user_agent = silent.request_id = "";
  const std::string open = encode_under(3, std::move(bare), silent);
  const auto unsealed = Event::parse(as_bytes(open));
  REQUIRE(unsealed);
  CHECK(!unsealed->is_sealed());
  CHECK(unsealed->sealed_slot() == 3);
}

SCENARIO("an event reads back as it was encoded: header") {
  const std::string envelope = encode(make_draft());
  const auto event = Event::parse(as_bytes(envelope));
  REQUIRE(event);
  const fb::Header& header = event->header();
  CHECK(header.format_version() == 1);
  CHECK(event->position() == 12);
  CHECK(event->account() == account_id(5));
  CHECK(event->account_version() == 4);
  CHECK(header.previous_position() == 9U);
  CHECK(event->previous() == AccountHead{3, 9, bytes_from(0x30)});
  CHECK(event->time() == start_time);
  CHECK(header.service()->str() == "web");
  CHECK(header.service_key() == nullptr);
  CHECK(header.command()->str() == "sign_in");
  CHECK(header.command_id()->str() == "0001");
  CHECK(flatbuffers::UnPack(*header.command_digest()) == bytes_from(0xd0));
  CHECK(header.caller_signature() == nullptr);
  CHECK(header.caused_by() == 11U);
  CHECK(header.policy_version() == 4);
  REQUIRE(header.rules());
  CHECK(std::vector<std::uint16_t>(header.rules()->begin(), header.rules()->end()) ==
        std::vector<std::uint16_t>{301, 302});
  CHECK(header.source()->network()->str() == "192.0.2.0/24");
  CHECK(header.source()->device_id()->str() == "device-1");
  CHECK(header.source()->entry() == fb::Entry::http);
}

SCENARIO("an event reads back as it was encoded: payload, notifications, sealed part, signature") {
  const std::string envelope = encode(make_draft());
  const auto event = Event::parse(as_bytes(envelope));
  REQUIRE(event);
  CHECK(event->type() == fb::Payload::ChallengeStarted);
  CHECK(std::string(event->type_name()) == "ChallengeStarted");
  CHECK(event->as<fb::ChallengePassed>() == nullptr);
  const auto* const started = event->as<fb::ChallengeStarted>();
  REQUIRE(started);
  CHECK(flatbuffers::UnPack(*started->challenge_id()) == account_id(70));
  CHECK(started->purpose() == fb::Purpose::unblock);
  CHECK(flatbuffers::UnPack(*started->offers()->Get(1)) == account_id(72));
  REQUIRE(event->body().notifications());
  const auto* const notification = event->body().notifications()->Get(0);
  CHECK(notification->kind() == fb::NotificationKind::security_code);
  CHECK(notification->channel() == fb::Channel::sms);
  CHECK(flatbuffers::UnPack(*notification->secret_id()) == account_id(81));

  CHECK(event->is_sealed());
  CHECK(event->sealed_slot() == 0);
  const auto personal = event->open(make_key(1));
  REQUIRE(personal);
  CHECK(personal->address == "user@example.com");
  CHECK(personal->profile->surname == "Yamada");
  CHECK(personal->ip == "192.0.2.7");
  CHECK(personal->user_agent == "browser");
  CHECK(personal->request_id == "request-1");

  const Verifier verifier = make_signer().verifier();
  CHECK(event->key_id() == verifier.id);
  CHECK(verifier.verify(as_bytes(std::string("daicho event v1\0", 16) + envelope.substr(prefix_bytes)),
                        event->signature()));
  CHECK(event->verify(verifier));
  CHECK(!event->verify(make_signer(0x20).verifier()));
}

SCENARIO("the first event of an account links to none") {
  Place place = make_place();
  place.previous = {};
  Draft draft = failed_sign_in("x");
  const std::string envelope = encode(draft, make_issuer(), place);
  const auto event = Event::parse(as_bytes(envelope));
  REQUIRE(event);
  CHECK(event->account_version() == 1);
  CHECK(!event->header().previous_position());
  CHECK(!event->header().caused_by());
  CHECK(event->previous() == AccountHead{});
}

SCENARIO("nothing personal: no sealed part") {
  Issuer issuer = make_issuer();
  issuer.ip = issuer.user_agent = issuer.request_id = "";
  const std::string envelope = encode(failed_sign_in("x"), issuer);
  const auto event = Event::parse(as_bytes(envelope));
  REQUIRE(event);
  CHECK(!event->is_sealed());
  const auto personal = event->open(make_key(9));
  REQUIRE(personal);
  CHECK(personal->ip.empty());
  issuer.request_id = "r";
  const std::string sealed = encode(failed_sign_in("x"), issuer);
  CHECK(Event::parse(as_bytes(sealed))->is_sealed());
}

SCENARIO("encoding is a function of its input") {
  const std::string first = encode(make_draft());
  encode(failed_sign_in("something else in between", std::string(3000, 'x')));
  CHECK(encode(make_draft()) == first);
  Place place = make_place();
  place.time += 1;
  CHECK(encode(make_draft(), make_issuer(), place) != first);
}

SCENARIO("no byte of an envelope can be changed unnoticed") {
  const std::string good = encode(failed_sign_in("wrong_password", "Kyoto"));
  REQUIRE(opens_and_verifies(good));
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (const int bit : {0, 3, 7}) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ (1 << bit));
      if (opens_and_verifies(bad)) FAIL("byte " << at << " bit " << bit);
    }
    if (opens_and_verifies(good.substr(0, at))) FAIL("cut to " << at);
  }
  CHECK(!opens_and_verifies(good + '\0'));
}

SCENARIO("parsing random changes never breaks, signature or not") {
  const std::string good = encode(make_draft());
  std::uint64_t state = 1;
  const auto next = [&] { return state = state * 6364136223846793005U + 1442695040888963407U, state >> 33; };
  std::size_t parsed = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string bad = good;
    for (std::uint64_t changes = 1 + next() % 4; changes > 0; --changes) {
      bad[prefix_bytes + next() % (bad.size() - prefix_bytes)] = static_cast<char>(next());
    }
    const auto event = Event::parse(as_bytes(bad));
    if (!event) continue;
    ++parsed;
    fb::HeaderT header;
    event->header().UnPackTo(&header);
    fb::EventT whole;
    event->body().UnPackTo(&whole);
    CHECK(event->verify(make_signer().verifier()) == (bad == good));
    CHECK(event->previous().version + 1 == event->account_version());
  }
  CHECK(parsed > 0);
}

SCENARIO("what parse refuses") {
  const std::string good = encode(make_draft());
  const auto with = [&](std::size_t at, char byte) {
    std::string bad = good;
    bad[at] = byte;
    return bad;
  };
  CHECK(fault_of("") == EventFault::malformed);
  CHECK(fault_of(good.substr(0, prefix_bytes)) == EventFault::malformed);
  CHECK(fault_of(with(0, 0)) == EventFault::unsupported_version);
  CHECK(fault_of(with(0, 2)) == EventFault::unsupported_version);
  CHECK(fault_of(with(1, 1)) == EventFault::malformed);
  CHECK(fault_of(with(3, 1)) == EventFault::malformed);
  CHECK(fault_of(good.substr(0, prefix_bytes) + std::string(64, '\0')) == EventFault::malformed);
  CHECK(fault_of(good.substr(0, prefix_bytes) + std::string(64, '\xff')) == EventFault::malformed);
  CHECK(fault_of(good.substr(0, prefix_bytes) + std::string(envelope_bytes_max, '\0')) == EventFault::malformed);
}

namespace {

/// An envelope around a hand-made event; unsigned.
std::string wrap(fb::EventT event, fb::HeaderT header) {
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(fb::CreateHeader(builder, &header));
  event.header.assign(builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize());
  flatbuffers::FlatBufferBuilder outer;
  const auto payload = event.payload.Pack(outer);
  outer.ForceVectorAlignment(event.header.size(), 1, 8);
  const auto nested = outer.CreateVector(event.header);
  outer.Finish(fb::CreateEvent(outer, nested, event.payload.type, payload));
  std::string envelope(prefix_bytes, '\0');
  envelope[0] = 1;
  append(envelope, ByteView(outer.GetBufferPointer(), outer.GetSize()));
  return envelope;
}

fb::HeaderT complete_header() {
  fb::HeaderT header;
  header.format_version = 1;
  header.account_version = 1;
  header.service = header.command = header.command_id = "x";
  header.source = std::make_unique<fb::SourceT>();
  return header;
}

fb::EventT some_event() {
  fb::EventT event;
  event.payload.Set(fb::RecoveryCodeRejectedT());
  return event;
}

}  // namespace

SCENARIO("what parse refuses in a header") {
  CHECK(Event::parse(as_bytes(wrap(some_event(), complete_header()))));
  fb::HeaderT header = complete_header();
  SUBCASE("format version") {
    header.format_version = 2;
    CHECK(fault_of(wrap(some_event(), header)) == EventFault::unsupported_version);
  }
  SUBCASE("no format version") {
    header.format_version = 0;
    CHECK(fault_of(wrap(some_event(), header)) == EventFault::unsupported_version);
  }
  SUBCASE("account version 0") {
    header.account_version = 0;
    CHECK(fault_of(wrap(some_event(), header)) == EventFault::malformed);
  }
  SUBCASE("a first event with a previous one") {
    header.previous_position = 0;
    CHECK(fault_of(wrap(some_event(), header)) == EventFault::malformed);
  }
  SUBCASE("a second event without a previous one") {
    header.account_version = 2;
    CHECK(fault_of(wrap(some_event(), header)) == EventFault::malformed);
  }
  SUBCASE("no source") {
    header.source = nullptr;
    CHECK(fault_of(wrap(some_event(), header)) == EventFault::malformed);
  }
  SUBCASE("no command") {
    header.command = "";
    CHECK(fault_of(wrap(some_event(), header)) == EventFault::malformed);
  }
  SUBCASE("a payload type that is not known") {
    std::string envelope = wrap(some_event(), header);
    const auto event = Event::parse(as_bytes(envelope));
    REQUIRE(event);
    auto* const table = const_cast<flatbuffers::Table*>(reinterpret_cast<const flatbuffers::Table*>(&event->body()));
    REQUIRE(table->SetField<std::uint8_t>(fb::Event::VT_PAYLOAD_TYPE, 200, 0));
    CHECK(fault_of(envelope) == EventFault::unsupported_version);
    REQUIRE(table->SetField<std::uint8_t>(fb::Event::VT_PAYLOAD_TYPE, 0, 1));
    CHECK(fault_of(envelope) == EventFault::malformed);
  }
}

SCENARIO("a sealed part opens under its own key, position and header only") {
  const std::string envelope = encode(make_draft());
  const auto event = Event::parse(as_bytes(envelope));
  REQUIRE(event);
  CHECK(event->open(make_key(1)));
  CHECK(!event->open(make_key(2)));

  const ByteView sealed{event->body().sealed()->data(), event->body().sealed()->size()};
  const ByteView header{event->body().header()->data(), event->body().header()->size()};
  const auto key_at = [](Position position, const Id& account) {
    return derive_key(make_key(1), "daicho event key v1", {big_endian(position), account.view()});
  };
  CHECK(open_sealed(key_at(12, account_id(5)), sealed, header));
  CHECK(!open_sealed(key_at(13, account_id(5)), sealed, header));
  CHECK(!open_sealed(key_at(12, account_id(6)), sealed, header));
  std::string other(as_text(header));
  other[other.size() / 2] ^= 1;
  CHECK(!open_sealed(key_at(12, account_id(5)), sealed, as_bytes(other)));
}

SCENARIO("the bound on an envelope's size holds") {
  for (const std::size_t size : {0U, 1U, 7U, 100U, 5000U, 60'000U}) {
    CAPTURE(size);
    Draft draft = make_draft();
    Issuer issuer = make_issuer();
    CHECK(encode(draft).size() <= envelope_bytes_bound(draft, issuer));
    draft.personal.detail = std::string(size, 'x');
    CHECK(encode(draft).size() <= envelope_bytes_bound(draft, issuer));
    draft.rules.assign(size / 10, 1);
    draft.notifications.resize(size / 300);
    issuer.service = issuer.command = issuer.command_id = issuer.network = issuer.device_id =
        std::string(size / 7, 'y');
    CHECK(encode(draft, issuer).size() <= envelope_bytes_bound(draft, issuer));
    CHECK(envelope_bytes_bound(draft, issuer) < encode(draft, issuer).size() + 1024);
  }
}

SCENARIO("an event starts at a multiple of 8 in its envelope, and so does its header") {
  for (std::size_t length = 0; length < 16; ++length) {
    const std::string envelope = encode(failed_sign_in(std::string(length, 'r'), std::string(2 * length, 'l')));
    const auto event = Event::parse(as_bytes(envelope));
    REQUIRE(event);
    CHECK((reinterpret_cast<std::uintptr_t>(event->body().header()->data())) % 8 == 0);
  }
}
