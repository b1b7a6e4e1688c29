#include "tools/audit/disclosure.hpp"

#include "ledger/disclosure.hpp"
#include "tests/tools/tools_ledger.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

constexpr const char* court = "order of a court";

struct DisclosingLedger : ToolsLedger {
  const std::filesystem::path path = directory.path() / "ledger";
  const Verifier first = read_verifier(path);

  Position sign_in(const std::string& account, const std::string& location) {
    const Json answer = run("record-sign-in", {{"account", account},
                                               {"result", "failed"},
                                               {"reason", "wrong_password"},
                                               {"location", location},
                                               {"source", {{"ip", "192.0.2.7"}}}});
    return answer["events"][0]["seq"];
  }
  std::uint64_t size() const { return open.log->size(); }
  std::string envelope(Position position) const {
    return **open.store->get(Family::events, ByteView(big_endian(position)));
  }

  ProofFile disclose(const std::vector<Position>& positions, bool with_secrets = false) {
    open = {};
    const auto reopen = [&] { open = open_for_writing(path, std::nullopt); };
    try {
      ProofFile file = disclose_events({.directory = path,
                                        .positions = positions,
                                        .reason = court,
                                        .case_number = "C-1042",
                                        .with_secrets = with_secrets});
      reopen();
      return file;
    } catch (...) {
      reopen();
      throw;
    }
  }
  /// Of the failure that it must end in: `1: words`.
  std::string refused(const std::vector<Position>& positions) {
    try {
      disclose(positions);
    } catch (const Failure& failure) {
      return std::to_string(static_cast<int>(failure.exit)) + ": " + failure.what();
    }
    return "disclosed";
  }
};

bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

/// The bytes as they may stand in a text: base64 of each alignment, without the letters that depend on the neighbours.
std::vector<std::string> spellings(ByteView bytes) {
  std::vector<std::string> spelled = {std::string(as_text(bytes)), to_hex(bytes)};
  for (std::size_t before = 0; before < 3; ++before) {
    const std::string text = to_base64(as_bytes(std::string(before, '\0') + std::string(as_text(bytes))));
    spelled.push_back(text.substr(4, text.size() - 8));
  }
  return spelled;
}

}  // namespace

SCENARIO("R-LED-1 R-LED-5: a disclosure is recorded on each account before it opens anything, and checks offline") {
  DisclosingLedger ledger;
  const std::string one = ledger.register_account("one"), other = ledger.register_account("other");
  const Position kyoto = ledger.sign_in(one, "Kyoto"), osaka = ledger.sign_in(other, "Osaka");
  const std::uint64_t size = ledger.size();
  const ProofFile file = ledger.disclose({osaka, 0, kyoto});
  CHECK(ledger.size() == size + 2);
  std::map<std::string, std::string> recorded;  // by account
  for (Position position = size; position < ledger.size(); ++position) {
    const std::string envelope = ledger.envelope(position);
    const auto event = Event::parse(as_bytes(envelope));
    const auto* access = event->as<fb::AccessRecorded>();
    REQUIRE(access);
    REQUIRE(access->fields()->size() == 1);
    recorded[to_text(event->account())] = access->fields()->Get(0)->str();
  }
  CHECK(recorded == std::map<std::string, std::string>{{one, "event:" + std::to_string(kyoto)},
                                                       {other, "event:" + std::to_string(osaka)}});
  CHECK(file.summary["opened"] == 2);
  CHECK(file.summary["size"] == size);
  const Json answer = check_disclosure_file(file.content, ledger.first, std::nullopt);
  CHECK(answer["result"] == "holds");
  REQUIRE(answer["events"].size() == 3);
  CHECK(answer["events"][0]["sealed"] == "none");
  CHECK(answer["events"][1]["personal"] == Json{{"ip", "192.0.2.7"}, {"location", "Kyoto"}});
  CHECK(answer["events"][1]["account"] == one);
  CHECK(answer["events"][2]["personal"]["location"] == "Osaka");
  CHECK(!has(file.content, "Kyoto"));
  CHECK_THROWS_AS(check_disclosure_file(file.content, make_signer().verifier(), std::nullopt), Failure);
}

SCENARIO(
    "R-LED-6: a disclosed key opens its event and nothing else: no other event, first answer, wrapped key or tag") {
  DisclosingLedger ledger;
  const std::string account = ledger.register_account("owner");
  const Id id = *parse_id(account);
  ledger.sign_in(account, "Kyoto");
  const Position disclosed = ledger.sign_in(account, "Kyoto");  // the same fields once more: the same plaintext
  ledger.sign_in(account, "Kyoto");
  const ProofFile file = ledger.disclose({disclosed});
  const auto read = read_disclosure(file.content);
  REQUIRE(read);
  const SecretKey& key = *read->events[0].key;
  const Store& store = *ledger.open.store;

  std::size_t opened = 0, sealed = 0;
  for (Position position = 0; position < ledger.size(); ++position) {
    const std::string envelope = ledger.envelope(position);
    const auto event = Event::parse(as_bytes(envelope));
    if (!event->is_sealed()) continue;
    ++sealed;
    opened += event->open_with(key) ? 1 : 0;
    CHECK(event->commits_to(key) == (position == disclosed));
    CHECK(!event->open(key));  // as a data key
    CHECK(!event->commits_to(derive_key(key, "daicho event key v1", {big_endian(position), id.view()})));
  }
  CHECK(opened == 1);
  CHECK(sealed > 4);

  const auto commitment = keyed_hash(key, "daicho commitment v1", {});
  const auto answer_key_commitment =
      keyed_hash(derive_key(key, "daicho answer key v1", {}), "daicho commitment v1", {});
  std::size_t rows = 0, found = 0;
  for (std::size_t family = 0; family < family_count; ++family) {
    CHECK(!store.scan(static_cast<Family>(family), {}, [&](ByteView, ByteView value) {
      ++rows;
      found += has(as_text(value), commitment.text()) ? 1 : 0;
      CHECK(!has(as_text(value), answer_key_commitment.text()));
      return true;
    }));
  }
  CHECK(rows > 20);
  CHECK(found == 1);  // the event itself

  const auto data_key = ledger.open.keys->data_key(store, id);
  const auto mailbox_key = ledger.open.keys->data_key(store, id, first_destination_slot);  // of the first proof
  REQUIRE((data_key && mailbox_key));
  const auto tag = [](const SecretKey& from) {
    return keyed_tag(derive_key(from, "daicho tag key v1", {}), "address", {as_bytes("owner@example.com")});
  };
  std::string log;
  for (Position position = 0; position < ledger.size(); ++position) log += ledger.envelope(position);
  CHECK(has(log, tag(*mailbox_key).text()));  // so who has the mailbox's data key can test a guess
  CHECK(!has(log, tag(*data_key).text()));
  CHECK(!has(log, tag(key).text()));
  for (const SecretKey* secret :
       {&*data_key, &*mailbox_key, &ledger.open.keys->lookup_key(), &ledger.open.keys->code_key()}) {
    for (const std::string& spelled : spellings(secret->view())) {
      CHECK(!has(file.content, spelled));
      CHECK(!has(read->events[0].envelope, spelled));
    }
  }
  CHECK(has(file.content, spellings(key.view())[2]));  // the search would find it
}

SCENARIO("R-LIFE-1 R-LED-6: a disclosure that is refused for one event writes nothing and records nothing") {
  DisclosingLedger ledger;
  const std::string open = ledger.register_account("open"), closed = ledger.register_account("closed");
  const Position registered = 2, kyoto = ledger.sign_in(open, "Kyoto"), osaka = ledger.sign_in(closed, "Osaka");
  ledger.run("close-account", {{"account", closed}, {"password", "Kaze1234"}, {"confirm", true}});
  const std::uint64_t size = ledger.size();
  const std::string number = std::to_string(osaka);
  CHECK(ledger.refused({kyoto, osaka}) ==
        "1: event " + number + ": its data key was erased; nobody can open it any more");
  CHECK(has(ledger.refused({kyoto, registered}), "1: R-LED-6 secrets_included: "));
  CHECK(has(ledger.refused({kyoto, size}), "2: "));
  CHECK(ledger.refused({kyoto, kyoto}) == "2: event " + std::to_string(kyoto) + " is named twice");
  CHECK(ledger.size() == size);
  const ProofFile file = ledger.disclose({registered}, true);
  const Json personal = check_disclosure_file(file.content, ledger.first, std::nullopt)["events"][0]["personal"];
  CHECK(personal["sign_in_name"] == "open@outlook.com");
  CHECK(personal["password_verifier"] == "(a secret: it is in the file, and is not shown)");
  CHECK(ledger.size() == size + 1);
  THEN("an event with nothing sealed needs no record, of a closed account, too") {
    const ProofFile unsealed = ledger.disclose({0, size - 1});
    CHECK(unsealed.summary["opened"] == 0);
    CHECK(ledger.size() == size + 1);
    CHECK(check_disclosure_file(unsealed.content, ledger.first, std::nullopt)["events"].size() == 2);
  }
}

SCENARIO("R-LED-5: a disclosure leads from the log's first key over its rotations to the key that signed") {
  DisclosingLedger ledger;
  const std::string account = ledger.register_account("owner");
  const Position before = ledger.sign_in(account, "Kyoto"), first_rotation = ledger.size();
  ledger.run("rotate-signing-key", Json::object());
  const Position between = ledger.sign_in(account, "Osaka"), second_rotation = ledger.size();
  ledger.run("rotate-signing-key", {{"source", {{"ip", "192.0.2.9"}}}});
  const ProofFile at_rotation = ledger.disclose({before});  // the checkpoint has two signatures
  const Position after = ledger.sign_in(account, "Nara");
  for (const ProofFile& file : {at_rotation, ledger.disclose({before, between, after})})
    CHECK(check_disclosure_file(file.content, ledger.first, std::nullopt)["result"] == "holds");
  const ProofFile file = ledger.disclose({between, after});
  auto read = read_disclosure(file.content);
  REQUIRE(read);
  REQUIRE(read->events.size() == 4);
  CHECK(read->events[0].position == first_rotation);
  CHECK(read->events[2].position == second_rotation);
  const auto checked = check_disclosure(*read, ledger.first);
  REQUIRE(checked);
  CHECK(checked->keys.rotations() == std::vector<Position>{first_rotation, second_rotation});
  CHECK(checked->events[2].event.is_sealed());
  CHECK(!checked->events[2].personal);  // the administrator's address was not asked for
  THEN("a later key is trusted only so") {
    CHECK(!check_disclosure(*read, ledger.open.log->verifier()));
    read->events.erase(read->events.begin() + 2);
    CHECK(check_disclosure(*read, ledger.first).error().check == DisclosureCheck::signature);
    read->events.pop_back();
    CHECK(check_disclosure(*read, ledger.first).error().check == DisclosureCheck::checkpoint);
  }
}
