// docs/disclosure.md.
#include "tools/audit/disclosure.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "commands/profile.hpp"
#include "ledger/disclosure.hpp"
#include "ledger/stored_tree.hpp"
#include "tools/answers.hpp"
#include "tools/ledger_files.hpp"
#include "tools/query/event_words.hpp"
#include "tools/routes.hpp"
#include "tools/witness/ask.hpp"

namespace daicho {

namespace {

Failure violated(const DisclosureFault& fault) {
  return {Exit::integrity, std::string(name(fault.check)) + ": " + fault.words};
}

std::set<Position> each_once(const std::vector<Position>& positions) {
  std::set<Position> asked;
  for (const Position position : positions) {
    if (!asked.insert(position).second)
      throw Failure(Exit::usage, "event " + std::to_string(position) + " is named twice");
  }
  return asked;
}

/// The checkpoint that the file is to have. Chosen before anything is recorded: nobody has cosigned what comes after.
std::string choose_checkpoint(const DiscloseOptions& options) {
  const CheckpointReport report = checkpoint_for_auditors(options.directory, options.policy);
  if (report.exit == Exit::done) return report.json["checkpoint"];
  throw Failure(report.exit, "no checkpoint meets the policy: " + report.json["detail"].get<std::string>());
}

/// A ledger, as one disclosure reads it.
class Discloser {
 public:
  explicit Discloser(const DiscloseOptions& options)
      : options_(options),
        asked_(each_once(options.positions)),
        note_(choose_checkpoint(options)),
        ledger_(open_for_writing(options.directory, options.at)),
        keys_(read_verifier(options.directory)) {
    if (auto error = read_key_history(*ledger_.store, keys_)) fail(*error);
    const auto checkpoint = keys_.open(note_);
    if (!checkpoint) throw Failure(Exit::integrity, "the checkpoint is not signed by the key in force");
    size_ = checkpoint->size;
    collect();
  }

  ProofFile disclose() {
    Json recorded = Json::array();
    for (const auto& [account, positions] : sealed_) recorded.push_back(record(account, positions));
    open();
    if (const auto checked = check_disclosure(disclosure_, keys_.first()); !checked) throw violated(checked.error());
    std::size_t opened = 0;
    for (const auto& [account, positions] : sealed_) opened += positions.size();
    return {write_disclosure(disclosure_),
            {{"events", asked_}, {"opened", opened}, {"size", size_}, {"recorded", std::move(recorded)}}};
  }

 private:
  /// Envelopes and paths: of what is asked for, and of the rotations that lead to the key of the checkpoint.
  void collect() {
    std::set<Position> positions = asked_;
    for (const Position rotation : keys_.rotations()) {
      if (rotation < size_) positions.insert(rotation);
    }
    if (positions.size() > disclosure_events_max) {
      throw Failure(Exit::usage, "one file holds at most " + std::to_string(disclosure_events_max) +
                                     " events, the rotations of the signing key among them");
    }
    disclosure_.checkpoint = note_;
    for (const Position position : positions) {
      if (position >= size_)
        throw Failure(Exit::usage, "the checkpoint covers " + std::to_string(size_) + " events: there is no event " +
                                       std::to_string(position) + " to prove");
      auto envelope = value_or_fail(ledger_.store->get(Family::events, ByteView(big_endian(position))));
      auto path = inclusion_proof(position, size_, stored_subtrees(*ledger_.store));
      if (!envelope || !path) throw Failure(Exit::integrity, "event " + std::to_string(position) + " cannot be read");
      disclosure_.events.push_back({.position = position, .envelope = *std::move(envelope), .path = *std::move(path)});
      if (asked_.contains(position)) note_sealed(disclosure_.events.back());
    }
  }

  Event parse(const DisclosedEvent& disclosed) const {
    const auto event = Event::parse(as_bytes(disclosed.envelope));
    if (!event)
      throw Failure(Exit::integrity, "event " + std::to_string(disclosed.position) + " is none of a known format");
    return *event;
  }

  std::optional<SecretKey> data_key(const Event& event) const {
    return ledger_.keys->data_key(*ledger_.store, event.account(), event.sealed_slot());
  }

  void note_sealed(const DisclosedEvent& disclosed) {
    const Event event = parse(disclosed);
    if (!event.is_sealed()) return;
    if (!data_key(event)) {
      throw Failure(Exit::refused, "event " + std::to_string(disclosed.position) +
                                       ": its data key was erased; nobody can open it any more");
    }
    sealed_[event.account()].push_back(disclosed.position);
  }

  /// Before any key is handed out; the number of the event that says so.
  Position record(const Id& account, const std::vector<Position>& positions) {
    Json body = {{"reason", options_.reason}, {"case_number", options_.case_number}, {"positions", positions}};
    if (!options_.investigator.empty()) body["investigator"] = options_.investigator;
    if (options_.with_secrets) body["with_secrets"] = true;
    Defaults defaults{.service = options_.service};
    if (!account.is_zero()) defaults.account = to_text(account);
    const Answer answer = accepted_or_fail(execute_json(ledger_, "disclose-events", body, defaults));
    return answer.body["events"].back()["seq"];
  }

  void open() {
    for (DisclosedEvent& disclosed : disclosure_.events) {
      const Event event = parse(disclosed);
      if (!asked_.contains(disclosed.position) || !event.is_sealed()) continue;
      const auto key = data_key(event);
      if (!key) throw Failure(Exit::integrity, "event " + std::to_string(disclosed.position) + ": its key is gone");
      disclosed.key = event.event_key(*key);
    }
  }

  const DiscloseOptions& options_;
  std::set<Position> asked_;
  std::string note_;
  WritableLedger ledger_;
  KeyHistory keys_;
  std::uint64_t size_ = 0;
  std::map<Id, std::vector<Position>> sealed_;  // those that are to be opened, by account
  Disclosure disclosure_;
};

/// The fields that are there, in the order of the format. What signs somebody in is only said to be there.
Json personal_json(const fb::PersonalT& personal) {
  Json json = Json::object();
  const auto add = [](Json& to, const char* field, const std::string& value) {
    if (!value.empty()) to[field] = value;
  };
  const auto add_secret = [&](const char* field, const std::string& value) {
    if (!value.empty()) json[field] = "(a secret: it is in the file, and is not shown)";
  };
  add(json, "ip", personal.ip);
  add(json, "user_agent", personal.user_agent);
  add(json, "request_id", personal.request_id);
  add(json, "sign_in_name", personal.sign_in_name);
  if (personal.profile) {
    Json& profile = json["profile"] = Json::object();
    for (const ProfileField& each : profile_fields()) add(profile, each.name, (*personal.profile).*each.field);
  }
  add_secret("password_verifier", personal.password_verifier);
  add(json, "address", personal.address);
  add(json, "national_digits", personal.national_digits);
  add(json, "question", personal.question);
  add_secret("answer_verifier", personal.answer_verifier);
  add(json, "device_id", personal.device_id);
  add(json, "location", personal.location);
  add(json, "contact_address", personal.contact_address);
  for (const auto& answer : personal.answers) {
    Json shown = {{"field", answer->field}, {"values", answer->values}};
    if (answer->not_registered) shown["not_registered"] = true;
    json["answers"].push_back(std::move(shown));
  }
  add(json, "detail", personal.detail);
  add_secret("totp_secret", personal.totp_secret);
  return json;
}

Json opened_json(const OpenedEvent& opened) {
  Json row = header_json(opened.event);
  EventWords words = describe(opened.event);
  row["what"] = std::move(words.sentence);
  row["fields"] = std::move(words.fields);
  row["sealed"] = opened.personal ? "opened" : opened.event.is_sealed() ? "closed" : "none";
  if (opened.personal) row["personal"] = personal_json(*opened.personal);
  return row;
}

Json answer_json(const CheckedDisclosure& checked, const std::string& policy_words) {
  const std::string size = std::to_string(checked.checkpoint.size);
  Json proved =
      Json::array({"The log " + checked.checkpoint.origin +
                       ", by the key trusted or one it was rotated to, signed a tree of " + size + " events.",
                   "Each event listed stands in this tree at its number, and is signed by the key in force there."});
  Json events = Json::array();
  bool is_any_opened = false;
  for (const OpenedEvent& opened : checked.events) {
    events.push_back(opened_json(opened));
    is_any_opened = is_any_opened || opened.personal;
  }
  if (is_any_opened)
    proved.push_back(
        "The personal fields shown are what was sealed in their event when it was signed: the event commits "
        "to its key, and nothing else opens under it.");
  if (!policy_words.empty()) proved.push_back("The policy is met: " + policy_words);
  return {{"result", "holds"},
          {"origin", checked.checkpoint.origin},
          {"size", checked.checkpoint.size},
          {"root", to_base64(checked.checkpoint.root.view())},
          {"proved", std::move(proved)},
          {"not_proved",
           Json::array({"That what an event says is true: it is what the service named in it told the ledger.",
                        "Anything of events that are not listed, nor that there are no others."})},
          {"events", std::move(events)}};
}

}  // namespace

ProofFile disclose_events(const DiscloseOptions& options) { return Discloser(options).disclose(); }

Json check_disclosure_file(const std::string& file, const Verifier& first, std::optional<TlogPolicy> policy) {
  if (!is_disclosure(file)) throw Failure(Exit::usage, "not a disclosure: another first line");
  const auto disclosure = read_disclosure(file);
  if (!disclosure) throw violated(disclosure.error());
  const auto checked = check_disclosure(*disclosure, first);
  if (!checked) throw violated(checked.error());
  std::string words;
  if (policy) {
    if (policy->logs.empty()) policy->logs.push_back({checked->keys.newest(), ""});  // for a log known from elsewhere
    const PolicyJudgement judgement = judge(*policy, disclosure->checkpoint);
    if (!judgement.is_met) throw Failure(Exit::integrity, "policy: " + judgement.words);
    words = judgement.words;
  }
  return answer_json(*checked, words);
}

}  // namespace daicho
