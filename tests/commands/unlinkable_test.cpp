// Two accounts of people with the same addresses, password, question, device, place and past: what stands on the
// disk about the one and about the other, byte by byte (docs/decisions/0027-lookup.md).
#include <doctest/doctest.h>

#include <set>
#include <unordered_set>

#include "projections/history.hpp"
#include "tests/support/commands_ledger.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

constexpr std::size_t window_bytes = 8;
constexpr std::size_t distinct_min = 7;  // of a window: what has fewer is counters, lengths and offsets

/// What one person typed. Another's is of the same lengths.
struct Inputs {
  std::string mailbox, phone, question, answer, device, place, surname, folder, contact;
};
const Inputs equal_inputs{"yamada.hanako@example.com",
                          "090-7654-3210",
                          "First pet of all?",
                          "Mikeneko the 3rd",
                          "device-1234567",
                          "JP-13-shinjuku",
                          "Yamadayama",
                          "letters from abroad",
                          "friend.of.mine@example.org"};
const Inputs other_inputs{"suzuki.ichiro@example.net",
                          "080-1357-2468",
                          "Where born & bred?",
                          "Sapporo-no-hazu-",
                          "gadget-7654321",
                          "JP-27-umeda-st",
                          "Suzukigawa",
                          "papers of the club1",
                          "someone.else1@example.edu"};

/// Under an idempotency key of one length.
Answer run(MemoryLedger& ledger, Command command, const std::optional<Id>& account = std::nullopt) {
  return ledger.run(std::move(command), account, {.key = "k" + std::to_string(100'000 + ledger.log().size())});
}

Id live(MemoryLedger& ledger, const std::string& name, const Inputs& in) {
  ledger.wait(77 * minute_us + 123'457);  // else ids and times would be alike
  RegisterAccount command = registration(name);
  command.profile.surname = in.surname;
  command.device_id = in.device;
  command.proofs = {new_mailbox(in.mailbox), new_phone(in.phone), new_question(in.question, in.answer)};
  command.proofs.push_back({.kind = fb::ProofKind::trusted_device, .device_id = in.device});
  const Answer registered = run(ledger, command);
  REQUIRE(!registered.is_refusal);
  const Id id = id_in(registered, "account");
  const Mail link = ledger.newest_mail(id, fb::NotificationKind::proof_link);
  REQUIRE(!run(ledger, VerifyProof{.proof = link.proof, .link_token = link.secret}, id).is_refusal);
  const Mail code = ledger.newest_mail(id, fb::NotificationKind::security_code);
  REQUIRE(!run(ledger, VerifyProof{.proof = code.proof, .code = code.secret}, id).is_refusal);
  run(ledger, RecordSignIn{.succeeded = true, .device_id = in.device, .location = in.place}, id);
  run(ledger, RecordEvidence{{{"mail_folders", in.folder}, {"mail_subjects", in.folder}}}, id);
  SubmitRecovery form = recovery_form(in.contact);
  form.device_id = in.device;
  form.location = in.place;
  run(ledger, form, id);
  return id;
}

/// All that the store keeps of an account, the export's bytes among it: they are its envelopes.
std::vector<std::string> records_of(const MemoryLedger& ledger, const Id& id, const std::string& name) {
  std::vector<std::string> records;
  for (const std::string& envelope : ledger.envelopes()) {
    if (Event::parse(as_bytes(envelope))->account() == id) records.push_back(envelope);
  }
  const std::string of_name = sign_in_name_row_key(sign_in_name_tag(ledger.keys(), name));
  for (const Family family : {Family::rows, Family::keys, Family::answers, Family::leases}) {
    for (const auto& [key, value] : ledger.rows(family)) {
      const bool is_its = key.find(id.text()) != std::string::npos || value.find(id.text()) != std::string::npos;
      if (is_its || key == of_name) records.push_back(key + value);
    }
  }
  return records;
}

using Windows = std::unordered_set<std::string>;

Windows windows_of(const std::vector<std::string>& records) {
  Windows windows;
  for (const std::string& record : records) {
    for (std::size_t at = 0; at + window_bytes <= record.size(); ++at) {
      std::string window = record.substr(at, window_bytes);
      if (std::set(window.begin(), window.end()).size() >= distinct_min) windows.insert(std::move(window));
    }
  }
  return windows;
}

/// What two accounts have in common and others not, in hexadecimal.
std::string common(const Windows& one, const Windows& two, const Windows& others) {
  std::string shared;
  for (const std::string& window : one) {
    if (two.contains(window) && !others.contains(window)) shared += to_hex(as_bytes(window)) + " ";
  }
  return shared;
}

/// Of two people with nothing in common but the lengths of what they typed: what any two accounts share.
Windows windows_of_others(MemoryLedger& ledger, const std::vector<std::pair<Id, std::string>>& others) {
  std::vector<std::string> records;
  for (const auto& [id, name] : others) {
    for (std::string& record : records_of(ledger, id, name)) records.push_back(std::move(record));
  }
  return windows_of(records);
}

}  // namespace

SCENARIO("R-LED-6 R-ACC-6: nothing that stands on the disk about two accounts shows that their addresses are equal") {
  MemoryLedger ledger;
  const Id one = live(ledger, "number-one@outlook.jp", equal_inputs);
  const Id third = live(ledger, "number-alt@outlook.jp", other_inputs);
  const Id fourth = live(ledger, "number-bis@outlook.jp", other_inputs);
  const Id two = live(ledger, "number-two@outlook.jp", equal_inputs);
  const auto found = find_proof_address(ledger.store(), ledger.keys(), equal_inputs.mailbox, 10);
  REQUIRE(found);
  CHECK(found->size() == 2);  // who has the key sees it
  ledger.wait(3 * day_us);
  ledger.tick();

  auto of_one = records_of(ledger, one, "number-one@outlook.jp"),
       of_two = records_of(ledger, two, "number-two@outlook.jp");
  const Windows of_others =
      windows_of_others(ledger, {{third, "number-alt@outlook.jp"}, {fourth, "number-bis@outlook.jp"}});
  CHECK(of_one.size() > 20);
  CHECK(common(windows_of(of_one), windows_of(of_two), of_others) == "");

  // The same search finds one value of eight bytes that both would have.
  const std::string tag(
      keyed_tag(ledger.keys().lookup_key(), "any", {as_bytes(equal_inputs.mailbox)}).text().substr(0, 8));
  of_one.front() += tag;
  of_two.back() += tag;
  CHECK(common(windows_of(of_one), windows_of(of_two), of_others) == to_hex(as_bytes(tag)) + " ");
}

SCENARIO("R-LIFE-1: two accounts that had one sign-in name after the other have nothing in common") {
  MemoryLedger ledger(Json{{"sign_in_name_reuse", "after_closing"}});
  const std::string name = "passed-on@outlook.jp";
  const Id first = live(ledger, name, equal_inputs);
  const std::string row = sign_in_name_row_key(sign_in_name_tag(ledger.keys(), name));
  const std::string held_by_first = ledger.rows(Family::rows).at(row);
  auto of_first = records_of(ledger, first, "nobody@outlook.jp");  // the row of the name is not its own for ever
  of_first.push_back(held_by_first);
  REQUIRE(!run(ledger, CloseAccount{.password = "Old-pass1", .confirm = true}, first).is_refusal);
  CHECK(ledger.rows(Family::rows).at(row) == held_by_first);
  for (std::string& record : records_of(ledger, first, "nobody@outlook.jp")) of_first.push_back(std::move(record));
  const Id third = live(ledger, "number-alt@outlook.jp", other_inputs);
  const Id fourth = live(ledger, "number-bis@outlook.jp", other_inputs);
  const Id second = live(ledger, name, equal_inputs);
  CHECK(ledger.rows(Family::rows).at(row) != held_by_first);
  CHECK(**find_sign_in_name(ledger.store(), ledger.keys(), name) == second);
  const Windows of_others =
      windows_of_others(ledger, {{third, "number-alt@outlook.jp"}, {fourth, "number-bis@outlook.jp"}});
  CHECK(common(windows_of(of_first), windows_of(records_of(ledger, second, name)), of_others) == "");
}
