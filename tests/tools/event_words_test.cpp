#include "tools/query/event_words.hpp"

#include <doctest/doctest.h>

#include <set>

#include "tests/support/ledger_fixture.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

/// A payload of this type with nothing set.
fb::PayloadUnion empty_payload(fb::Payload type) {
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(flatbuffers::Offset<flatbuffers::Table>(builder.EndTable(builder.StartTable())));
  fb::PayloadUnion payload;
  payload.value =
      fb::PayloadUnion::UnPack(flatbuffers::GetRoot<flatbuffers::Table>(builder.GetBufferPointer()), type, nullptr);
  payload.type = type;
  return payload;
}

std::string encoded(fb::PayloadUnion payload) {
  Draft draft;
  draft.payload = std::move(payload);
  draft.rules = {604, 9999};
  const Place place{.position = 7, .time = start_time, .account = account_id(1), .previous = {}, .policy_version = 1};
  return encode_event(draft, make_issuer(), place, make_key(1), make_signer());
}

}  // namespace

TEST_CASE("R-LED-1: every type of event has words of its own, and fields that print") {
  std::set<std::string> sentences;
  for (int type = 1; type <= static_cast<int>(fb::Payload::MAX); ++type) {
    const std::string envelope = encoded(empty_payload(static_cast<fb::Payload>(type)));
    const auto event = Event::parse(as_bytes(envelope));
    REQUIRE(event);
    const EventWords words = describe(*event);
    INFO(event->type_name());
    CHECK(words.sentence != "");
    CHECK(words.sentence.find("does not know") == std::string::npos);
    CHECK(sentences.insert(words.sentence).second);
    CHECK(words.fields.is_object());
    CHECK(words.fields.dump() != "");
  }
  CHECK(sentences.size() == static_cast<std::size_t>(fb::Payload::MAX));
}

TEST_CASE("R-LED-5: the header says who, when, from where and why") {
  const std::string envelope = encoded(empty_payload(fb::Payload::AccountBlocked));
  const Json json = header_json(*Event::parse(as_bytes(envelope)));
  const Issuer issuer = make_issuer();
  CHECK(json["seq"] == 7);
  CHECK(json["type"] == "AccountBlocked");
  CHECK(json["account"] == to_text(account_id(1)));
  CHECK(json["account_version"] == 1);
  CHECK(json["time"] == to_rfc3339(start_time));
  CHECK(json["service"] == issuer.service);
  CHECK(json["command"] == issuer.command);
  CHECK(json["command_id"] == issuer.command_id);
  CHECK(json["policy_version"] == 1);
  CHECK(json["rules"] == Json::array({"R-LOST-4"}));  // a number that is no rule is left out
  CHECK(json["from"]["network"] == issuer.network);
  CHECK(!json.contains("caused_by"));
}

TEST_CASE("events say what happened with their values") {
  fb::PayloadUnion blocked;
  blocked.Set(fb::AccountBlockedT{.block_id = account_id(9), .reason = "suspected_intrusion"});
  const std::string envelope = encoded(std::move(blocked));
  const EventWords words = describe(*Event::parse(as_bytes(envelope)));
  CHECK(words.sentence == "the account was blocked: suspected_intrusion");
  CHECK(words.fields == Json{{"block_id", to_text(account_id(9))}, {"reason", "suspected_intrusion"}});
}

TEST_CASE("R-LED-5: an access says who read what under which case, and one refused whose day was used up") {
  fb::PayloadUnion access;
  access.Set(
      fb::AccessRecordedT{.fields = {"profile", "event:12"}, .case_number = "C-1042", .investigator = "staff-17"});
  const std::string recorded = encoded(std::move(access));
  const EventWords words = describe(*Event::parse(as_bytes(recorded)));
  CHECK(words.sentence == "profile, event:12 read by investigator staff-17 for case C-1042");
  CHECK(words.fields ==
        Json{{"investigator", "staff-17"}, {"case_number", "C-1042"}, {"fields", {"profile", "event:12"}}});
  fb::PayloadUnion refusal;
  refusal.Set(fb::CommandRefusedT{.rule = 1105, .code = "access_limit", .investigator = "staff-17"});
  const std::string refused = encoded(std::move(refusal));
  CHECK(describe(*Event::parse(as_bytes(refused))).sentence ==
        "a command was refused: access_limit, of investigator staff-17");
}
