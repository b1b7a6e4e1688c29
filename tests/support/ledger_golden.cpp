#include "tests/support/ledger_golden.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "ledger/checkpoint.hpp"
#include "ledger/merkle.hpp"
#include "tests/support/ledger_fixture.hpp"

namespace daicho::test {
namespace {

const std::filesystem::path folder = "tests/data/ledger-v1";

struct Step {
  Id account;
  Draft draft;
};

template <class Payload>
Step step(std::uint64_t account, Payload payload) {
  Step result{account == 0 ? Id{} : account_id(account), {}};
  result.draft.payload.Set(std::move(payload));
  return result;
}

std::vector<Step> founding_steps() {
  std::vector<Step> steps;
  fb::LedgerCreatedT created;
  created.origin = origin;
  created.vkey = make_signer().verifier().vkey();
  created.simulated_clock = true;
  steps.push_back(step(0, std::move(created)));

  fb::PolicyAdoptedT adopted;
  adopted.version = 1;
  for (const char* const name : {"code_digits", "login_ip_countries"}) {
    auto parameter = std::make_unique<fb::PolicyParameterT>();
    parameter->name = name;
    parameter->number = adopted.parameters.empty() ? 6 : 0;
    if (!adopted.parameters.empty()) parameter->texts = {"JP", "FR"};
    adopted.parameters.push_back(std::move(parameter));
  }
  steps.push_back(step(0, std::move(adopted)));
  return steps;
}

void add_registration(std::vector<Step>& steps) {
  fb::AccountRegisteredT registered;
  registered.plan = fb::Plan::paid;
  registered.grade = fb::Grade::strong;
  steps.push_back(step(1, std::move(registered)));
  fb::PersonalT& personal = steps.back().draft.personal;
  personal.sign_in_name = "taro@example.com";
  personal.profile = std::make_unique<fb::ProfileT>();
  personal.profile->surname = "山田";
  personal.profile->given_name = "太郎";
  personal.profile->birth_date = "1980-02-29";
  personal.profile->country = "JP";
  personal.password_verifier = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA";

  fb::ProofAddedT added;
  added.proof_id = account_id(100);
  added.kind = fb::ProofKind::mobile_phone;
  added.address_tag = *Tag16::from(bytes_from(1).view().first(16));
  steps.push_back(step(1, std::move(added)));
  steps.back().draft.personal.address = "+819012345678";
  steps.back().draft.personal.national_digits = "09012345678";

  fb::CodeSentT sent;
  sent.code_id = account_id(101);
  sent.proof_id = account_id(100);
  sent.channel = fb::Channel::sms;
  sent.expires_at = start_time + 10 * minute_us;
  steps.push_back(step(1, std::move(sent)));
  fb::NotificationT& notification = steps.back().draft.notifications.emplace_back();
  notification.id = account_id(102);
  notification.kind = fb::NotificationKind::security_code;
  notification.recipient = fb::Recipient::proof;
  notification.proof_id = account_id(100);
  notification.channel = fb::Channel::sms;
  notification.secret_id = account_id(101);
  steps.back().draft.rules = {301, 302};
}

void add_recovery(std::vector<Step>& steps) {
  fb::ChallengeStartedT started;
  started.challenge_id = account_id(110);
  started.purpose = fb::Purpose::reset_password;
  started.offers = {account_id(100)};
  started.routes = {fb::Route::security_code, fb::Route::recovery_form};
  steps.push_back(step(2, std::move(started)));

  fb::RecoverySubmittedT submitted;
  submitted.recovery_id = account_id(111);
  submitted.reply_due_at = start_time + day_us;
  submitted.answered = 3;
  steps.push_back(step(2, std::move(submitted)));
  fb::PersonalT& personal = steps.back().draft.personal;
  personal.contact_address = "someone@example.com";
  personal.answers.push_back(std::make_unique<fb::RecoveryAnswerT>());
  personal.answers.back()->field = "old_passwords";
  personal.answers.back()->values = {"one", "two"};
  steps.back().draft.caused_by = 5;

  fb::ReplacementCompletedT completed;
  completed.replacement_id = account_id(112);
  completed.effective_at = start_time + 30 * day_us;
  completed.removed = {account_id(100)};
  completed.added = {account_id(113), account_id(114)};
  steps.push_back(step(1, std::move(completed)));

  fb::RecoveryRefusedT refused;
  refused.rule = 604;
  refused.retry_at = start_time + day_us;
  steps.push_back(step(2, std::move(refused)));
  steps.push_back(step(2, fb::RecoveryCodeRejectedT()));
}

GoldenLedger read_files() {
  const auto read = [](const char* name) {
    std::ifstream file(folder / name, std::ios::binary);
    REQUIRE_MESSAGE(file, "run from the root of the repository: " << (folder / name).string());
    return std::string((std::istreambuf_iterator<char>(file)), {});
  };
  GoldenLedger golden{.envelopes = {}, .checkpoint = read("checkpoint"), .vkey = read("vkey")};
  const std::string events = read("events");
  for (std::size_t at = 0; at < events.size();) {
    REQUIRE(at + 2 <= events.size());
    const std::size_t size = static_cast<std::uint8_t>(events[at]) * 256U + static_cast<std::uint8_t>(events[at + 1]);
    REQUIRE(at + 2 + size <= events.size());
    golden.envelopes.push_back(events.substr(at + 2, size));
    at += 2 + size;
  }
  return golden;
}

void write_files(const GoldenLedger& golden) {
  std::filesystem::create_directories(folder);
  const auto write = [](const char* name, const std::string& content) {
    std::ofstream(folder / name, std::ios::binary) << content;
  };
  std::string events;
  for (const std::string& envelope : golden.envelopes) {
    events += static_cast<char>(envelope.size() / 256);
    events += static_cast<char>(envelope.size() % 256);
    events += envelope;
  }
  write("events", events);
  write("checkpoint", golden.checkpoint);
  write("vkey", golden.vkey);
}

}  // namespace

SecretKey golden_data_key() { return make_key(0x40); }

GoldenLedger make_golden() {
  std::vector<Step> steps = founding_steps();
  add_registration(steps);
  add_recovery(steps);
  const Signer signer = make_signer();
  GoldenLedger golden;
  Frontier frontier;
  std::map<Id, AccountHead> heads;
  for (const Step& made : steps) {
    AccountHead& head = heads[made.account];
    const Position position = frontier.size();
    const Place place{position, start_time + static_cast<Time>(position / 2) * second_us, made.account, head, 1};
    golden.envelopes.push_back(encode_event(made.draft, make_issuer(), place, golden_data_key(), signer));
    frontier.append(leaf_hash(as_bytes(golden.envelopes.back())));
    head = {head.version + 1, position, leaf_hash(as_bytes(golden.envelopes.back()))};
  }
  golden.checkpoint = sign_checkpoint({origin, frontier.size(), frontier.root()}, signer);
  golden.vkey = signer.verifier().vkey() + '\n';
  return golden;
}

GoldenLedger read_golden() {
  if (::getenv("DAICHO_REGENERATE_GOLDEN")) write_files(make_golden());
  return read_files();
}

}  // namespace daicho::test
