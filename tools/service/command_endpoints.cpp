// Commands over HTTP: the idempotency key and the expected version are header fields, everything else is the body's.
#include <algorithm>

#include "commands/services.hpp"
#include "commands/text.hpp"
#include "ledger/ascii.hpp"
#include "ledger/lines.hpp"
#include "tools/answers.hpp"
#include "tools/output.hpp"
#include "tools/query/queries.hpp"
#include "tools/routes.hpp"
#include "tools/service/batch.hpp"
#include "tools/service/endpoints.hpp"
#include "tools/service/problem.hpp"
#include "tools/service/quota.hpp"

namespace daicho {

std::optional<HttpAnswer> wrong_body(const Call& call, const char* wanted) {
  std::string_view type = call.request.content_type;
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  const auto coding = call.request.fields.get("Content-Encoding");
  const bool is_plain = !coding || equal_without_case(*coding, "identity");
  if (is_plain && (equal_without_case(type, wanted) || (type.empty() && call.request.body.empty())))
    return std::nullopt;
  HttpAnswer answer = problem(415, "unsupported_media_type",
                              "A body of type " + std::string(wanted) + " without a content coding is wanted.");
  answer.fields.add("Accept-Post", wanted);
  return answer;
}

void check_parameters(const Call& call, std::initializer_list<std::string_view> known) {
  for (const auto& [parameter, value] : call.target.parameters) {
    if (std::ranges::find(known, parameter) == known.end())
      throw Failure(Exit::usage, "parameter `" + parameter + "` is not known here");
  }
}

namespace {

constexpr std::size_t batch_lines_max = 1'000;

/// A key is a string of structured fields, in quotes (RFC 8941 section 3.3.3), or the same without them.
std::optional<std::string> idempotency_key(const Call& call) {
  const auto given = call.request.fields.get("Idempotency-Key");
  if (!given) return std::nullopt;
  if (call.request.fields.count("Idempotency-Key") > 1)
    throw Failure(Exit::usage, "header field `Idempotency-Key` stands twice");
  const std::string key(unquoted(*given));
  const bool is_quoted = given->starts_with('"') && key.size() + 2 == given->size();
  if (key.find_first_of("\"\\\t") != std::string::npos || (given->starts_with('"') && !is_quoted))
    throw Failure(Exit::usage, "header field `Idempotency-Key`: one key in quotes is wanted, without parameters");
  return key;
}

/// `If-Match: "7"`; `*` is any version. A list and a weak validator say no version that could be expected.
std::optional<std::uint64_t> expected_version(const Call& call) {
  const auto given = call.request.fields.get("If-Match");
  if (!given || *given == "*") return std::nullopt;
  const std::string_view digits = given->size() > 2 && given->starts_with('"') && given->ends_with('"')
                                      ? std::string_view(*given).substr(1, given->size() - 2)
                                      : "";
  const auto version = parse_decimal(digits);
  if (!version) throw Failure(Exit::usage, "header field `If-Match`: an account's version is wanted, such as \"7\"");
  return version;
}

void add_proofs(LedgerService& service, Json& answer) {
  for (Json& event : answer["events"]) event["proof"] = prove(*service.ledger().store, event["seq"].get<Position>());
}

HttpAnswer still_running() {
  HttpAnswer answer =
      problem(409, "still_running", "A command with this idempotency key is being run; ask again in a moment.");
  answer.fields.add("Retry-After", "1");
  return answer;
}

/// What one command comes to: an answer for itself, or one line of a batch.
HttpAnswer run(LedgerService& service, const Call& call, const std::string& name, const Json& body, Defaults defaults) {
  const Route* route = find_route(name);
  if (!route) return problem(404, "no_such_command", "There is no command of this name.");
  WritableLedger& ledger = service.ledger();
  check_named_service(ledger.executor->ledger(), call, body);
  defaults.service = call.caller;
  defaults.entry = fb::Entry::http;
  defaults.is_anybody = call.is_anybody;
  if (!defaults.idempotency_key && !body.contains("idempotency_key"))
    return problem(400, "idempotency_key_missing",
                   "A command without an idempotency key is not safe to repeat: send `Idempotency-Key`.");
  const std::string key =
      defaults.idempotency_key ? *defaults.idempotency_key : Fields(body).optional_text("idempotency_key").value_or("");
  const auto running = service.in_flight().enter(call.caller, key);
  if (!running) return still_running();
  if (body.contains("at")) ledger.set_time(Fields(body).optional_time("at").value_or(0));
  const auto answer = execute_json(ledger, name, body, defaults);
  if (auto no = service.no_in(answer, call.language)) return *std::move(no);
  Json told = shown(*answer);
  service.metrics().command(route->name, answer->replayed);
  HttpAnswer done;
  add_quota(done.fields, *answer, ledger.executor->ledger().policy, ledger.log->time());
  const Json events = told.value("events", Json::array());
  if (!events.empty()) done.fields.add("ETag", '"' + events.back()["account_version"].dump() + '"');
  if (call.parameter("proof")) add_proofs(service, told);
  done.status = 200;
  done.content_type = json_type;
  done.body = json_line(told);
  return done;
}

HttpAnswer run_one(LedgerService& service, const Call& call, const std::string& name,
                   std::optional<std::string> account) {
  if (auto wrong = wrong_body(call)) return *std::move(wrong);
  const Json body = call.request.body.empty() ? Json::object() : parse_object(call.request.body, "the body");
  check_parameters(call, {"proof"});
  if (account && body.contains("account")) throw Failure(Exit::usage, "field `account`: the path names it");
  if (body.contains("command")) throw Failure(Exit::usage, "field `command`: the path names it");
  Defaults defaults{.account = std::move(account),
                    .idempotency_key = idempotency_key(call),
                    .expected_version = expected_version(call),
                    .signed_request = call.signed_request,
                    .wants_proof = call.parameter("proof").has_value()};
  return run(service, call, name, body, std::move(defaults));
}

}  // namespace

void check_named_service(const LedgerState& ledger, const Call& call, const Json& body) {
  const auto named = body.find("service");
  if (named == body.end() || ledger.services.empty() || *named == call.caller) return;
  throw Failure(Exit::not_permitted, "field `service`: the token is another service's");
}

HttpAnswer post_account(LedgerService& service, const Call& call) {
  HttpAnswer answer = run_one(service, call, "register-account", std::nullopt);
  if (answer.status != 200) return answer;
  answer.status = 201;
  answer.fields.add("Location", "/v1/accounts/" + Json::parse(answer.body).value("account", ""));
  return answer;
}

HttpAnswer post_account_command(LedgerService& service, const Call& call) {
  if (!parse_id(call.named[0]))
    return problem(404, "no_such_account", "An account's id is wanted here; a sign-in name belongs into the body.");
  return run_one(service, call, call.named[1], call.named[0]);
}

HttpAnswer post_command(LedgerService& service, const Call& call) {
  return run_one(service, call, call.named[0], std::nullopt);
}

namespace {

/// One line on its way: what it says, or why it says nothing.
struct Line {
  std::size_t number = 0;  ///< from 1
  Json body = {};
  std::optional<HttpAnswer> answer = {};
};

/// What `run` throws is the line's answer, and ends no other.
template <class Run>
void answer_line(const Call& call, Line& line, const Run& run) {
  try {
    run();
  } catch (...) {
    line.answer = thrown_problem(call.line);
  }
}

/// The account by its id, or while nobody has the name, by that; nullopt: it is not about one account, or not plainly.
std::optional<std::string> account_of(const WritableLedger& ledger, const Json& body) {
  const Route* route = find_route(body.value("command", ""));
  const bool registers = route && !route->names_account && body.contains("sign_in_name");
  const auto named = body.find(registers ? "sign_in_name" : "account");
  const bool is_plain =
      route && named != body.end() && named->is_string() && !body.contains("at") && (route->names_account || registers);
  if (!is_plain) return std::nullopt;
  const std::string text = named->get<std::string>();
  if (const auto id = parse_id(text)) return to_text(*id);
  if (const auto account = find_account(*ledger.store, ledger.keys.get(), text)) return to_text(account->id);
  const auto email = parse_email(text);
  return email ? std::optional(email->folded()) : std::nullopt;
}

BatchLine order_of(const WritableLedger& ledger, const Call& call, Line& line) {
  BatchLine order;
  if (line.answer) return order;
  answer_line(call, line, [&] {
    order = {account_of(ledger, line.body), Fields(line.body).optional_text("idempotency_key").value_or("")};
  });
  return order;
}

std::vector<Line> read_lines(const Call& call) {
  std::vector<Line> lines;
  std::size_t number = 0;
  for (std::string_view rest = call.request.body; !rest.empty() && lines.size() <= batch_lines_max;) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    ++number;
    if (rest.substr(0, end).find_first_not_of(" \t\r") != std::string_view::npos) {
      Line& line = lines.emplace_back(Line{number});
      answer_line(call, line, [&] { line.body = parse_object(rest.substr(0, end), "the line"); });
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return lines;
}

}  // namespace

/// Each line is a command of its own: one that is refused, or malformed, stops none of the others.
HttpAnswer post_batch(LedgerService& service, const Call& call) {
  if (auto wrong = wrong_body(call, ndjson_type)) return *std::move(wrong);
  check_parameters(call, {});
  if (call.request.fields.count("Idempotency-Key") + call.request.fields.count("If-Match") > 0)
    throw Failure(Exit::usage, "a batch has no `Idempotency-Key` and no `If-Match`: its lines have");
  std::vector<Line> lines = read_lines(call);
  if (lines.size() > batch_lines_max)
    return problem(413, "too_many_lines", "A batch has at most " + std::to_string(batch_lines_max) + " lines.");
  std::vector<BatchLine> orders;
  for (Line& line : lines) orders.push_back(order_of(service.ledger(), call, line));
  run_batch(plan_batch(orders), service.batch_helpers(), [&](std::size_t i) {
    Line& line = lines[i];
    if (line.answer) return;
    answer_line(call, line,
                [&] { line.answer = run(service, call, Fields(line.body).text("command"), line.body, {}); });
  });
  HttpAnswer answers{200, ndjson_type, ""};
  for (const Line& line : lines) {
    Json shown = Json::parse(line.answer->body);
    shown["status"] = line.answer->status;
    shown["line"] = line.number;
    answers.body += json_line(shown);
  }
  return answers;
}

}  // namespace daicho
