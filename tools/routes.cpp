#include "tools/routes.hpp"

#include <algorithm>

#include "commands/text.hpp"

namespace daicho {

namespace {

NewPassword read_password(Fields& fields, const std::string& name) {
  return {.text = fields.text(name), .repeat = fields.text_or_empty(name + "_repeat")};
}

NewProof read_proof(Fields& fields) {
  NewProof proof;
  proof.kind = fields.word<fb::ProofKind>("kind");
  proof.value = fields.text_or_empty("value");
  proof.country = fields.text_or_empty("country");
  proof.question = fields.text_or_empty("question");
  proof.answer = fields.text_or_empty("answer");
  proof.totp_secret = fields.text_or_empty("totp_secret");
  proof.device_id = fields.text_or_empty("device_id");
  if (proof.question.size() > question_bytes_max) fields.wrong("question", "at most 512 bytes");
  return proof;
}

Command read_registration(Fields& fields) {
  RegisterAccount command;
  command.sign_in_name = fields.text("sign_in_name");
  command.password = read_password(fields, "password");
  if (const Json* object = fields.optional_object("profile")) {
    Fields profile(*object, "profile.");
    const auto read = [&](const char* name) {
      auto text = profile.text_or_empty(name);
      if (text.size() > profile_field_bytes_max) profile.wrong(name, "at most 256 bytes");
      return text;
    };
    command.profile.surname = read("surname");
    command.profile.given_name = read("given_name");
    command.profile.birth_date = read("birth_date");
    command.profile.country = read("country");
    command.profile.region = read("region");
    command.profile.postal_code = read("postal_code");
    profile.done();
  }
  if (const Json* array = fields.optional_array("proofs")) {
    if (array->size() > proofs_per_account_max) fields.wrong("proofs", "at most 20 proofs");
    for (std::size_t i = 0; i < array->size(); ++i) {
      Fields proof(array->at(i), "proofs[" + std::to_string(i) + "].");
      command.proofs.push_back(read_proof(proof));
      proof.done();
    }
  }
  if (fields.has("plan")) command.plan = fields.word<fb::Plan>("plan");
  command.device_id = fields.optional_text("device_id");
  return command;
}

Command read_start_challenge(Fields& fields) {
  StartChallenge command{.purpose = fields.word<fb::Purpose>("purpose"),
                         .device_id = fields.optional_text("device_id")};
  if (const Json* object = fields.optional_object("character_check")) {
    Fields check(*object, "character_check.");
    command.character_check = CharacterCheck{check.text("shown"), check.text_or_empty("typed")};
    check.done();
  }
  return command;
}

Command read_confirmation(Fields& fields) {
  ConfirmReplacementProof command{.replacement = fields.id("replacement_id"),
                                  .code = fields.optional_text("code"),
                                  .link_token = fields.optional_text("link_token"),
                                  .account_named = fields.optional_text("account_named")};
  if (command.code.has_value() == command.link_token.has_value())
    fields.wrong("code", "either code, or link_token with account_named,");
  if (command.link_token && !command.account_named) fields.wrong("account_named", "the account being changed");
  return command;
}

template <class Stop>
Command read_stop(Fields& fields) {
  Stop command;
  command.replacement = fields.id("replacement_id");
  command.link_token = fields.optional_text("link_token");
  command.challenge = fields.optional_id("challenge_id");
  command.replacement_token = fields.optional_text("replacement_token");
  const int given = int{command.link_token.has_value()} + int{command.challenge.has_value()} +
                    int{command.replacement_token.has_value()};
  if (given != 1) fields.wrong("link_token", "exactly one of link_token, challenge_id, replacement_token");
  return command;
}

RecoveryAnswer read_answer(Fields& answers, const std::string& field, const Json& value) {
  RecoveryAnswer answer{.field = field, .values = {}};
  const auto fields = recovery_fields();
  if (std::ranges::find(fields, field) == fields.end())
    throw Failure(Exit::usage, "field `answers." + field + "` is not known here");
  const auto add = [&](const Json& item) {
    const auto* text = item.get_ptr<const std::string*>();
    if (!text || text->size() > answer_value_bytes_max || text->find('\0') != std::string::npos) {
      answers.wrong(field, "a text of at most 256 bytes, a list of at most 10 such, or \"not_registered\"");
    }
    answer.values.push_back(*text);
  };
  if (value == "not_registered") {
    answer.not_registered = true;
  } else if (value.is_array()) {
    if (value.size() > answer_values_max) answers.wrong(field, "at most 10 values");
    for (const Json& item : value) add(item);
  } else if (!value.is_null()) {
    add(value);
  }
  return answer;
}

Command read_recovery(Fields& fields) {
  SubmitRecovery command;
  command.contact_address = fields.text_or_empty("contact_address");
  if (const Json* object = fields.optional_object("answers")) {
    Fields answers(*object, "answers.");
    for (const auto& [field, value] : object->items()) command.answers.push_back(read_answer(answers, field, value));
  }
  command.device_id = fields.optional_text("device_id");
  command.location = fields.optional_text("location");
  return command;
}

Command read_sign_in(Fields& fields) {
  RecordSignIn command;
  const std::string result = fields.text("result");
  if (result != "succeeded" && result != "failed") fields.wrong("result", "succeeded or failed");
  command.succeeded = result == "succeeded";
  command.device_id = fields.text_or_empty("device_id");
  command.location = fields.text_or_empty("location");
  command.reason = fields.text_or_empty("reason");
  if (command.reason.size() > block_reason_bytes_max) fields.wrong("reason", "at most 64 bytes");
  return command;
}

Command read_policy(Fields& fields) {
  AdoptPolicy command;
  for (const auto& [name, value] : fields.rest().items()) {
    command.parameters[name] = value;
    fields.mark_read(name);
  }
  if (command.parameters.empty()) throw Failure(Exit::usage, "adopt-policy names at least one parameter");
  return command;
}

Command read_reset(Fields& fields) {
  ResetPassword command{.challenge = fields.optional_id("challenge_id"),
                        .reset_token = fields.optional_text("reset_token"),
                        .password = read_password(fields, "new_password")};
  if (command.challenge.has_value() == command.reset_token.has_value())
    fields.wrong("challenge_id", "either challenge_id or reset_token");
  return command;
}

Command read_verification(Fields& fields) {
  VerifyProof command{.proof = fields.id("proof_id"),
                      .code = fields.optional_text("code"),
                      .link_token = fields.optional_text("link_token"),
                      .totp = fields.optional_text("totp")};
  const int given = int{command.code.has_value()} + int{command.link_token.has_value()} + int{command.totp.has_value()};
  if (given != 1) fields.wrong("code", "exactly one of code, link_token, totp");
  return command;
}

constexpr auto route_table = std::to_array<Route>({
    {"register-account", "front_end", "a new account with its first proofs",
     R"({"sign_in_name":"taro@outlook.com","password":"Kaze1234","password_repeat":"Kaze1234",)"
     R"("profile":{"surname":"山田"},"proofs":[{"kind":"email","value":"taro@example.com"},)"
     R"({"kind":"mobile_phone","value":"090-9876-5432","country":"JP"}]})",
     read_registration, false},
    {"confirm-sign-in-name", "front_end", "the mailed link of a foreign sign-in name was followed",
     R"({"link_token":"…"})", [](Fields& f) -> Command { return ConfirmSignInName{f.text("link_token")}; }},
    {"add-proof", "front_end", "one more proof, unverified until its code or link comes back",
     R"({"challenge_id":"…","kind":"email","value":"taro@example.com"})",
     [](Fields& f) -> Command { return AddProof{.challenge = f.optional_id("challenge_id"), .proof = read_proof(f)}; }},
    {"verify-proof", "front_end", "what was sent to a new proof came back", R"({"proof_id":"…","code":"0123456"})",
     read_verification},
    {"issue-recovery-code", "front_end", "a new recovery code, shown once", R"({"challenge_id":"…"})",
     [](Fields& f) -> Command { return IssueRecoveryCode{f.id("challenge_id")}; }},
    {"start-challenge", "front_end", "the owner is asked to prove who they are",
     R"({"purpose":"reset_password","character_check":{"shown":"XVMS","typed":"xvms"}})", read_start_challenge},
    {"send-code", "front_end", "a code to one of the proofs offered, its hidden part confirmed",
     R"({"challenge_id":"…","proof_id":"…","channel":"email","confirmation":"taro"})",
     [](Fields& f) -> Command {
       return SendCode{f.id("challenge_id"), f.id("proof_id"), f.word<fb::Channel>("channel"),
                       f.text_or_empty("confirmation")};
     }},
    {"submit-code", "front_end", "the code came back", R"({"challenge_id":"…","code":"0123456"})",
     [](Fields& f) -> Command {
       return SubmitCode{f.id("challenge_id"), f.text_or_empty("code")};
     }},
    {"reset-password", "front_end", "a new password after a passed challenge",
     R"({"challenge_id":"…","new_password":"Sora5678","new_password_repeat":"Sora5678"})", read_reset},
    {"mark-proofs-lost", "front_end", "the owner can use none of these proofs", R"({})",
     [](Fields& f) -> Command {
       return MarkProofsLost{f.ids_or_none("proof_ids"), f.optional_text("recovery_code")};
     }},
    {"propose-replacement-proof", "front_end", "the proof that shall take their place",
     R"({"replacement_id":"…","kind":"email","value":"new@example.com"})",
     [](Fields& f) -> Command {
       return ProposeReplacementProof{f.id("replacement_id"), read_proof(f)};
     }},
    {"confirm-replacement-proof", "front_end", "its code or link came back: the days count from here",
     R"({"replacement_id":"…","link_token":"…","account_named":"taro@outlook.com"})", read_confirmation},
    {"cancel-replacement", "front_end", "keep the old proofs", R"({"replacement_id":"…","link_token":"…"})",
     read_stop<CancelReplacement>},
    {"dispute-replacement", "front_end", "I did not ask for this: closes the window and blocks the account",
     R"({"replacement_id":"…","link_token":"…"})", read_stop<DisputeReplacement>},
    {"complete-replacement", "scheduler", "the window has run out", R"({"replacement_id":"…"})",
     [](Fields& f) -> Command { return CompleteReplacement{f.id("replacement_id")}; }},
    {"submit-recovery", "front_end", "the recovery form",
     R"({"contact_address":"friend@example.com","answers":{"surname":"山田","postal_code":"150-0001",)"
     R"("mail_folders":"not_registered"}})",
     read_recovery},
    {"block-account", "risk", "suspected unauthorised access: sign-in is refused from here",
     R"({"reason":"suspected_intrusion"})",
     [](Fields& f) -> Command {
       return BlockAccount{f.text("reason"), f.text_or_empty("detail")};
     }},
    {"unblock-account", "front_end", "a challenge to unblock was passed", R"({"challenge_id":"…"})",
     [](Fields& f) -> Command { return UnblockAccount{f.id("challenge_id")}; }},
    {"record-sign-in", "front_end", "somebody signed in, or tried to",
     R"({"result":"succeeded","device_id":"pc-1","location":"JP-13"})", read_sign_in},
    {"record-delivery", "delivery", "what became of a notification", R"({"notification_id":"…","result":"accepted"})",
     [](Fields& f) -> Command {
       return RecordDelivery{f.id("notification_id"), f.word<fb::DeliveryResult>("result"), f.text_or_empty("detail"),
                             std::nullopt};
     }},
    {"adopt-policy", "admin", "change policy parameters", R"({"recovery_per_day":3})", read_policy, false},
});

}  // namespace

std::span<const Route> routes() { return route_table; }

const Route* find_route(std::string_view name) {
  const auto found = std::ranges::find_if(routes(), [&](const Route& route) { return name == route.name; });
  return found == routes().end() ? nullptr : &*found;
}

namespace {

void read_source(Fields& fields, Issuer& issuer) {
  const Json* object = fields.optional_object("source");
  if (!object) return;
  Fields source(*object, "source.");
  issuer.ip = source.text_or_empty("ip");
  issuer.user_agent = source.text_or_empty("user_agent");
  issuer.request_id = source.text_or_empty("request_id");
  issuer.device_id = source.text_or_empty("device_id");
  issuer.network = coarse_network(issuer.ip);
  if (!issuer.ip.empty() && issuer.network.empty()) source.wrong("ip", "an IPv4 or IPv6 address");
  source.done();
}

}  // namespace

ParsedRequest parse_request(const Route& route, const Json& body, const Defaults& defaults, const Entropy& entropy,
                            Time now) {
  // The members around the command are read first; what is left is the command's own, and its fingerprint is made of
  // that.
  static constexpr std::array around = {"account", "service", "idempotency_key", "expected_version",
                                        "source",  "at",      "command"};
  Json own = body;
  for (const char* name : around) own.erase(name);
  Json outer = Json::object();
  for (const char* name : around) {
    if (body.contains(name)) outer[name] = body.at(name);
  }
  Fields fields(outer);
  ParsedRequest parsed{.request = {.command = Command{}}};
  Request& request = parsed.request;
  Issuer& issuer = request.issuer;
  const auto account = fields.optional_text("account");
  if (const auto& named = account ? account : defaults.account) {
    if (!route.names_account) fields.wrong("account", "no account (the command makes its own, or is the ledger's)");
    request.account = parse_id(*named);
    if (!request.account && parse_email(*named)) parsed.sign_in_name = named;
    if (!request.account && !parsed.sign_in_name) fields.wrong("account", "a UUID or a sign-in name");
  }
  issuer.service = fields.optional_text("service").value_or(defaults.service);
  const bool is_name = !issuer.service.empty() && issuer.service.size() <= service_bytes_max && is_utf8(issuer.service);
  if (!is_name) fields.wrong("service", "a name of 1 to 64 bytes of UTF-8");
  issuer.command = route.name;
  const auto key = fields.optional_text("idempotency_key");
  if (const auto& given = key ? key : defaults.idempotency_key) {
    const bool fits = !given->empty() && given->size() <= idempotency_key_bytes_max && is_utf8(*given);
    if (!fits) fields.wrong("idempotency_key", "1 to 255 bytes of UTF-8");
    issuer.command_id = *given;
  } else {
    std::array<std::uint8_t, 10> random;
    entropy(random);
    issuer.command_id = to_text(make_uuid_v7(now, random));
  }
  const auto expected = fields.optional_count("expected_version");
  request.expected_version = expected ? expected : defaults.expected_version;
  issuer.entry = fb::Entry::cli;
  read_source(fields, issuer);
  Fields command(own);
  request.command = route.read(command);
  command.done();
  request.body = nlohmann::json(own).dump();  // members in order of name: however they came, it is the same command
  return parsed;
}

}  // namespace daicho
