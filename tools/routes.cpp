#include "tools/routes.hpp"

#include <algorithm>

#include "commands/text.hpp"

namespace daicho {

namespace {

/// How many of these the caller gave.
int given(const auto&... options) { return (int{options.has_value()} + ...); }

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

/// The profile's fields that are given.
std::vector<std::pair<std::string, std::string>> read_profile(Fields& fields) {
  std::vector<std::pair<std::string, std::string>> given;
  fields.object("profile", [&](Fields& profile) {
    for (const ProfileField& field : profile_fields()) {
      auto text = profile.optional_text(field.name);
      if (!text) continue;
      if (text->size() > profile_field_bytes_max) profile.wrong(field.name, "at most 256 bytes");
      given.emplace_back(field.name, *std::move(text));
    }
  });
  return given;
}

std::optional<CharacterCheck> read_character_check(Fields& fields) {
  CharacterCheck read;
  const bool is_there = fields.object("character_check", [&](Fields& check) {
    read = {check.text("shown"), check.text_or_empty("typed")};
  });
  return is_there ? std::optional(read) : std::nullopt;
}

Command read_registration(Fields& fields) {
  RegisterAccount command;
  command.sign_in_name = fields.text("sign_in_name");
  command.password = read_password(fields, "password");
  for (const auto& [name, value] : read_profile(fields)) {
    for (const ProfileField& field : profile_fields()) {
      if (name == field.name) command.profile.*field.field = value;
    }
  }
  fields.objects("proofs", 0, proofs_per_account_max,
                 [&](Fields& proof) { command.proofs.push_back(read_proof(proof)); });
  if (const auto plan = fields.optional_word<fb::Plan>("plan")) command.plan = *plan;
  command.device_id = fields.optional_text("device_id");
  return command;
}

Access read_access(Fields& fields) {
  return {.reason = fields.text_or_empty("reason"),
          .case_number = fields.text_or_empty("case_number"),
          .investigator = fields.text_or_empty("investigator")};
}

Command read_disclosure(Fields& fields) {
  DiscloseEvents command{read_access(fields), {}};
  command.positions = fields.counts("positions");
  command.with_secrets = fields.optional_boolean("with_secrets").value_or(false);
  return command;
}

Command read_start_challenge(Fields& fields) {
  StartChallenge command{.purpose = fields.word<fb::Purpose>("purpose"),
                         .device_id = fields.optional_text("device_id")};
  command.character_check = read_character_check(fields);
  return command;
}

Command read_confirmation(Fields& fields) {
  ConfirmReplacementProof command{.replacement = fields.id("replacement_id"),
                                  .code = fields.optional_text("code"),
                                  .link_token = fields.optional_text("link_token"),
                                  .account_named = fields.optional_text("account_named")};
  if (given(command.code, command.link_token) != 1)
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
  if (given(command.link_token, command.challenge, command.replacement_token) != 1)
    fields.wrong("link_token", "exactly one of link_token, challenge_id, replacement_token");
  return command;
}

/// One field of the recovery form: a text, some, or that it was never registered.
Json answer_schema() {
  const Json text = {{"type", "string"}};
  return {{"anyOf", {text, {{"type", "array"}, {"items", text}, {"maxItems", answer_values_max}}}}};
}

RecoveryAnswer read_answer(Fields& answers, const std::string& field, const Json& value) {
  RecoveryAnswer answer{.field = field, .values = {}};
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

/// In the order that they came in.
std::vector<RecoveryAnswer> read_answers(Fields& answers) {
  std::vector<RecoveryAnswer> read;
  for (const char* field : recovery_fields()) answers.member(field, answer_schema);
  for (const auto& [field, value] : answers.rest().items()) {
    if (parse_recovery_field(field)) read.push_back(read_answer(answers, field, value));
  }
  return read;
}

Command read_recovery(Fields& fields) {
  SubmitRecovery command;
  command.contact_address = fields.text_or_empty("contact_address");
  fields.object("answers", [&](Fields& answers) { command.answers = read_answers(answers); });
  command.device_id = fields.optional_text("device_id");
  command.location = fields.optional_text("location");
  command.character_check = read_character_check(fields);
  return command;
}

Command read_evidence(Fields& fields) {
  RecordEvidence command;
  const std::vector<std::string> kinds(recovery_fields().begin(), recovery_fields().end());
  fields.objects("items", 1, evidence_items_max, [&](Fields& item) {
    command.items.push_back({item.one_of("kind", kinds), item.text("value")});
    if (command.items.back().value.size() > answer_value_bytes_max) item.wrong("value", "at most 256 bytes");
  });
  return command;
}

Command read_closing(Fields& fields) {
  return CloseAccount{.password = fields.text("password"),
                      .confirm = fields.optional_boolean("confirm").value_or(false)};
}

Command read_service(Fields& fields) {
  RegisterService command{.name = fields.text("name"), .public_key = fields.text_or_empty("public_key")};
  for (const fb::Role role : fields.words<fb::Role>("roles")) {
    if (std::ranges::find(command.roles, role) == command.roles.end()) command.roles.push_back(role);
  }
  return command;
}

Command read_sign_in(Fields& fields) {
  RecordSignIn command;
  command.succeeded = fields.one_of("result", {"succeeded", "failed"}) == "succeeded";
  command.device_id = fields.text_or_empty("device_id");
  command.location = fields.text_or_empty("location");
  command.reason = fields.text_or_empty("reason");
  command.challenge = fields.optional_id("challenge_id");
  return command;
}

Json schema_of(const PolicyNumber& number) {
  return {{"type", "integer"}, {"minimum", number.min}, {"maximum", number.max}};
}

Json words_schema(const std::vector<std::string>& allowed) {
  return allowed.empty() ? Json({{"type", "string"}}) : Json({{"enum", allowed}});
}

/// The parameters' values are the rulebook's to judge (R-LED-4); their names are told to whoever has it described.
Command read_policy(Fields& fields) {
  AdoptPolicy command;
  for (const auto& [name, value] : fields.rest().items()) {
    command.parameters[name] = value;
    fields.mark_read(name);
  }
  for (const PolicyNumber& each : policy_numbers()) fields.member(each.name, [&] { return schema_of(each); });
  for (const PolicyText& each : policy_texts()) fields.member(each.name, [&] { return words_schema(each.allowed); });
  for (const PolicyList& each : policy_lists()) {
    fields.member(each.name, [&] { return Json({{"type", "array"}, {"items", words_schema(each.allowed)}}); });
  }
  for (const PolicyFlag& each : policy_flags()) fields.member(each.name, [] { return Json({{"type", "boolean"}}); });
  fields.member(recovery_weights_name, [] { return Json({{"type", "object"}}); });
  if (command.parameters.empty()) throw Failure(Exit::usage, "adopt-policy names at least one parameter");
  return command;
}

Command read_reset(Fields& fields) {
  ResetPassword command{.challenge = fields.optional_id("challenge_id"),
                        .reset_token = fields.optional_text("reset_token"),
                        .password = read_password(fields, "new_password")};
  if (given(command.challenge, command.reset_token) != 1)
    fields.wrong("challenge_id", "either challenge_id or reset_token");
  return command;
}

Command read_verification(Fields& fields) {
  VerifyProof command{.proof = fields.id("proof_id"),
                      .code = fields.optional_text("code"),
                      .link_token = fields.optional_text("link_token"),
                      .totp = fields.optional_text("totp")};
  if (given(command.code, command.link_token, command.totp) != 1)
    fields.wrong("code", "exactly one of code, link_token, totp");
  return command;
}

Command read_replacing_proof(Fields& fields) {
  return ReplaceProof{
      .challenge = fields.id("challenge_id"), .replaces = fields.id("proof_id"), .proof = read_proof(fields)};
}

const auto route_table = std::to_array<Route>({
    {"register-account", "a new account with its first proofs",
     R"({"sign_in_name":"taro@outlook.com","password":"Kaze1234","password_repeat":"Kaze1234",)"
     R"("profile":{"surname":"山田"},"proofs":[{"kind":"email","value":"taro@example.com"},)"
     R"({"kind":"mobile_phone","value":"090-9876-5432","country":"JP"}]})",
     "account proof_ids", read_registration, false},
    {"confirm-sign-in-name", "the mailed link of a foreign sign-in name was followed", R"({"link_token":"…"})", "",
     [](Fields& f) -> Command { return ConfirmSignInName{f.text("link_token")}; }},
    {"change-profile", "what changes in the profile; the rest stays",
     R"({"challenge_id":"…","profile":{"postal_code":"150-0002"}})", "changed",
     [](Fields& f) -> Command {
       return ChangeProfile{f.id("challenge_id"), read_profile(f)};
     }},
    {"change-password", "a new password by who knows the current one",
     R"({"current_password":"Kaze1234","new_password":"Sora5678","new_password_repeat":"Sora5678"})", "grade",
     [](Fields& f) -> Command {
       return ChangePassword{.current = f.text("current_password"), .password = read_password(f, "new_password")};
     }},
    {"enable-two-step", "from now on a sign-in needs a second proof", R"({"challenge_id":"…"})", "two_step",
     [](Fields& f) -> Command { return EnableTwoStep{f.id("challenge_id")}; }},
    {"disable-two-step", "a password is enough again", R"({"challenge_id":"…"})", "two_step",
     [](Fields& f) -> Command { return DisableTwoStep{f.id("challenge_id")}; }},
    {"merge-accounts", "always refused", R"({"into":"…"})", "",
     [](Fields& f) -> Command { return MergeAccounts{f.text_or_empty("into")}; }},
    {"add-proof", "one more proof, unverified until its code or link comes back",
     R"({"challenge_id":"…","kind":"email","value":"taro@example.com"})", "proof_id",
     [](Fields& f) -> Command { return AddProof{.challenge = f.optional_id("challenge_id"), .proof = read_proof(f)}; }},
    {"verify-proof", "what was sent to a new proof came back", R"({"proof_id":"…","code":"0123456"})",
     "proof_id status", read_verification},
    {"replace-proof", "a new proof that takes the place of an old one once it is verified",
     R"({"challenge_id":"…","proof_id":"…","kind":"mobile_phone","value":"080-1111-2222","country":"JP"})", "proof_id",
     read_replacing_proof},
    {"remove-proof", "a proof is no longer wanted", R"({"challenge_id":"…","proof_id":"…"})", "proof_id",
     [](Fields& f) -> Command {
       return RemoveProof{f.id("challenge_id"), f.id("proof_id")};
     }},
    {"issue-recovery-code", "a new recovery code, shown once", R"({"challenge_id":"…"})", "recovery_code",
     [](Fields& f) -> Command { return IssueRecoveryCode{f.id("challenge_id")}; }},
    {"start-challenge", "the owner is asked to prove who they are",
     R"({"purpose":"reset_password","character_check":{"shown":"XVMS","typed":"xvms"}})",
     "challenge_id purpose routes offers", read_start_challenge},
    {"send-code", "a code to one of the proofs offered, its hidden part confirmed",
     R"({"challenge_id":"…","proof_id":"…","channel":"email","confirmation":"taro"})", "notification_id expires_at",
     [](Fields& f) -> Command {
       return SendCode{f.id("challenge_id"), f.id("proof_id"), f.word<fb::Channel>("channel"),
                       f.text_or_empty("confirmation")};
     }},
    {"submit-code", "the code came back", R"({"challenge_id":"…","code":"0123456"})",
     "passed guesses_left offer_cancel_replacement",
     [](Fields& f) -> Command {
       return SubmitCode{f.id("challenge_id"), f.text_or_empty("code"), f.optional_id("proof_id")};
     }},
    {"answer-secret-question", "the answer to a question that the challenge offers",
     R"({"challenge_id":"…","proof_id":"…","answer":"Pochi"})", "passed guesses_left",
     [](Fields& f) -> Command {
       return AnswerSecretQuestion{f.id("challenge_id"), f.id("proof_id"), f.text_or_empty("answer")};
     }},
    {"use-recovery-code", "the recovery code that was stored beforehand",
     R"({"challenge_id":"…","code":"XXXXX-XXXXX-XXXXX-XXXXX-XXXXX"})", "passed guesses_left",
     [](Fields& f) -> Command {
       return UseRecoveryCode{f.id("challenge_id"), f.text_or_empty("code")};
     }},
    {"trust-device", "the device on which a challenge was passed becomes a proof",
     R"({"challenge_id":"…","device_id":"pc-1"})", "proof_id",
     [](Fields& f) -> Command {
       return TrustDevice{f.id("challenge_id"), f.text("device_id")};
     }},
    {"reset-password", "a new password after a passed challenge",
     R"({"challenge_id":"…","new_password":"Sora5678","new_password_repeat":"Sora5678"})",
     "state grade proofs_kept proofs_removed recovery_code_void open_replacement replacement_token", read_reset},
    {"mark-proofs-lost", "the owner can use none of these proofs", R"({})",
     "replacement_id replacement_token effective_at proofs_kept proofs_removed",
     [](Fields& f) -> Command {
       return MarkProofsLost{f.ids_or_none("proof_ids"), f.optional_text("recovery_code"),
                             f.optional_id("replacement_id"), f.optional_text("replacement_token")};
     }},
    {"propose-replacement-proof", "the proof that shall take their place",
     R"({"replacement_id":"…","kind":"email","value":"new@example.com"})", "proof_id",
     [](Fields& f) -> Command {
       return ProposeReplacementProof{f.id("replacement_id"), read_proof(f)};
     }},
    {"confirm-replacement-proof", "its code or link came back: the days count from here",
     R"({"replacement_id":"…","link_token":"…","account_named":"taro@outlook.com"})",
     "replacement_id effective_at proofs_kept proofs_removed", read_confirmation},
    {"cancel-replacement", "keep the old proofs", R"({"replacement_id":"…","link_token":"…"})", "replacement_id by",
     read_stop<CancelReplacement>},
    {"dispute-replacement", "I did not ask for this: closes the window and blocks the account",
     R"({"replacement_id":"…","link_token":"…"})", "replacement_id by", read_stop<DisputeReplacement>},
    {"complete-replacement", "the window has run out", R"({"replacement_id":"…"})",
     "replacement_id effective_at proofs_kept proofs_removed",
     [](Fields& f) -> Command { return CompleteReplacement{f.id("replacement_id")}; }},
    {"submit-recovery", "the recovery form",
     R"({"contact_address":"friend@example.com","answers":{"surname":"山田","postal_code":"150-0001",)"
     R"("mail_folders":"not_registered"}})",
     "recovery_id attempts_left_today reply_due_at", read_recovery},
    {"decide-recovery", "the outcome of a recovery form", R"({"recovery_id":"…"})",
     "recovery_id outcome points threshold familiar_points fields because",
     [](Fields& f) -> Command { return DecideRecovery{f.id("recovery_id")}; }},
    {"send-recovery-survey", "how was it, whatever the outcome", R"({"recovery_id":"…"})", "recovery_id",
     [](Fields& f) -> Command { return SendRecoverySurvey{f.id("recovery_id")}; }},
    {"record-evidence", "what another service observed, kept as keyed hashes to score recoveries",
     R"({"items":[{"kind":"mail_subjects","value":"週末の予定"},{"kind":"card_last4","value":"1234"}]})", "recorded",
     read_evidence},
    {"block-account", "suspected unauthorised access: sign-in is refused from here",
     R"({"reason":"suspected_intrusion"})", "block_id",
     [](Fields& f) -> Command { return BlockAccount{f.text("reason"), f.text_or_empty("detail")}; }},
    {"unblock-account", "a challenge to unblock was passed", R"({"challenge_id":"…"})", "block_id",
     [](Fields& f) -> Command { return UnblockAccount{f.id("challenge_id")}; }},
    {"record-sign-in", "somebody signed in, or tried to",
     R"({"result":"succeeded","device_id":"pc-1","location":"JP-13"})", "notices", read_sign_in},
    {"record-delivery", "what became of a notification", R"({"notification_id":"…","result":"accepted"})", "",
     [](Fields& f) -> Command {
       return RecordDelivery{f.id("notification_id"), f.word<fb::DeliveryResult>("result"), f.text_or_empty("detail"),
                             std::nullopt};
     }},
    {"deactivate-mailbox", "the mailbox and what is known from it go; the account stays", R"({"reason":"owner"})",
     "reason", [](Fields& f) -> Command { return DeactivateMailbox{f.word<fb::MailboxReason>("reason")}; }},
    {"expire-account", "a free account nobody signed in to for more than a year", R"({})", "state",
     [](Fields&) -> Command { return ExpireAccount{}; }},
    {"close-account", "the end of the account, by its owner", R"({"password":"Kaze1234","confirm":true})", "state",
     read_closing},
    {"record-access", "an investigator reads sealed fields; the reading is recorded first",
     R"({"reason":"complaint of the owner","case_number":"C-1042","investigator":"staff-17",)"
     R"("fields":["sign_in_name","proofs"]})",
     "accesses_left_today shown_once sign_in_name proofs profile",
     [](Fields& f) -> Command { return RecordAccess{read_access(f), f.texts("fields")}; }},
    {"disclose-events",
     "single events are to be opened for a third party; `daicho audit disclose` issues it and does so",
     R"({"reason":"order of a court","case_number":"C-1042","positions":[17]})", "accesses_left_today account",
     read_disclosure},
    {"register-service", "who may issue commands, and in which roles; its token is shown once",
     R"({"name":"account-web","roles":["front_end"]})", "service token", read_service, false},
    {"revoke-service", "this service may issue no more commands", R"({"name":"account-web"})", "service",
     [](Fields& f) -> Command { return RevokeService{f.text("name")}; }, false},
    {"rotate-signing-key", "a new signing key; the old one signs the change, the new one what follows", R"({})", "vkey",
     [](Fields&) -> Command { return RotateSigningKey{}; }, false},
    {"adopt-policy", "change policy parameters", R"({"recovery_per_day":3})", "version", read_policy, false},
});

}  // namespace

std::span<const Route> routes() { return route_table; }

const Route* find_route(std::string_view name) {
  const auto found = std::ranges::find_if(routes(), [&](const Route& route) { return name == route.name; });
  return found == routes().end() ? nullptr : &*found;
}

namespace {

void read_source(Fields& fields, Issuer& issuer) {
  fields.object("source", [&](Fields& source) {
    issuer.ip = source.text_or_empty("ip");
    issuer.user_agent = source.text_or_empty("user_agent");
    issuer.request_id = source.text_or_empty("request_id");
    issuer.device_id = source.text_or_empty("device_id");
    issuer.network = coarse_network(issuer.ip);
    if (!issuer.ip.empty() && issuer.network.empty()) source.wrong("ip", "an IPv4 or IPv6 address");
  });
}

/// Given beside the body, too, it has to be the same.
template <class Value>
std::optional<Value> one_of_both(Fields& fields, const char* name, std::optional<Value> in_body,
                                 const std::optional<Value>& beside) {
  if (in_body && beside && *in_body != *beside) fields.wrong(name, "the same as beside the body, or no such field,");
  return in_body ? std::move(in_body) : beside;
}

/// The members around a command that say who asks, but for the account.
void read_issuer(Fields& fields, const Defaults& defaults, Request& request) {
  Issuer& issuer = request.issuer;
  issuer.service = fields.optional_text("service").value_or(defaults.service);
  const bool is_name = !issuer.service.empty() && issuer.service.size() <= service_bytes_max && is_utf8(issuer.service);
  if (!is_name) fields.wrong("service", "a name of 1 to 64 bytes of UTF-8");
  if (const auto key =
          one_of_both(fields, "idempotency_key", fields.optional_text("idempotency_key"), defaults.idempotency_key)) {
    const bool fits = !key->empty() && key->size() <= idempotency_key_bytes_max && is_utf8(*key);
    if (!fits) fields.wrong("idempotency_key", "1 to 255 bytes of UTF-8");
    issuer.command_id = *key;
  }
  request.expected_version =
      one_of_both(fields, "expected_version", fields.optional_count("expected_version"), defaults.expected_version);
  read_source(fields, issuer);
}

}  // namespace

Json describe_command(const Route& route) {
  return describe([&](Fields& fields) {
    if (route.names_account) fields.optional_text("account");
    Request request{.command = Command{}};
    read_issuer(fields, {}, request);
    fields.optional_time("at");
    route.read(fields);
  });
}

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
  read_issuer(fields, defaults, request);
  if (issuer.command_id.empty()) {
    std::array<std::uint8_t, 10> random;
    entropy(random);
    issuer.command_id = to_text(make_uuid_v7(now, random));
  }
  issuer.command = route.name;
  issuer.entry = defaults.entry;
  issuer.signed_request = defaults.signed_request;
  request.is_anybody = defaults.is_anybody;
  Fields command(own);
  request.command = route.read(command);
  command.done();
  request.body = nlohmann::json(own).dump();  // members in order of name: however they came, it is the same command
  return parsed;
}

}  // namespace daicho
