// Commands over HTTP: the idempotency key and the expected version are header fields, everything else is the body's.
#include <algorithm>

#include "commands/services.hpp"
#include "commands/text.hpp"
#include "tools/output.hpp"
#include "tools/play.hpp"
#include "tools/query/queries.hpp"
#include "tools/routes.hpp"
#include "tools/service/batch.hpp"
#include "tools/service/endpoints.hpp"
#include "tools/service/problem.hpp"
#include "tools/service/quota.hpp"

namespace daicho {

namespace {

constexpr std::size_t batch_lines_max = 1'000;

bool has_type(const HttpRequest& request, std::string_view wanted) {
  std::string_view type = request.content_type;
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  return std::ranges::equal(type, wanted, {}, [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; });
}

HttpAnswer wrong_type(const char* wanted) {
  HttpAnswer answer = problem(415, "unsupported_media_type", std::string("A body of type ") + wanted + " is wanted.");
  answer.fields.add("Accept-Post", wanted);
  return answer;
}

/// A key is a string of structured fields, in quotes (RFC 8941 section 3.3.3), or the same without them.
std::optional<std::string> idempotency_key(const Call& call) {
  auto key = call.request.fields.get("Idempotency-Key");
  if (!key) return std::nullopt;
  if (call.request.fields.count("Idempotency-Key") > 1)
    throw Failure(Exit::usage, "header field `Idempotency-Key` stands twice");
  return std::string(unquoted(*key));
}

/// `If-Match: "7"`; a list, a weak validator and `*` say no version that could be expected.
std::optional<std::uint64_t> expected_version(const Call& call) {
  const auto given = call.request.fields.get("If-Match");
  if (!given) return std::nullopt;
  const std::string_view digits = given->size() > 2 && given->starts_with('"') && given->ends_with('"')
                                      ? std::string_view(*given).substr(1, given->size() - 2)
                                      : "";
  const bool is_number = !digits.empty() && digits.size() <= 19 &&
                         std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
  if (!is_number) throw Failure(Exit::usage, "header field `If-Match`: an account's version is wanted, such as \"7\"");
  return std::stoull(std::string(digits));
}

void add_proofs(LedgerService& service, Json& answer) {
  for (Json& event : answer["events"]) event["proof"] = prove(*service.ledger().store, event["seq"].get<Position>());
}

/// What one command comes to: an answer for itself, or one line of a batch.
HttpAnswer run(LedgerService& service, const Call& call, const std::string& name, const Json& body, Defaults defaults) {
  const Route* route = find_route(name);
  if (!route) return problem(404, "no_such_command", "There is no command of this name.");
  WritableLedger& ledger = service.ledger();
  check_named_service(ledger.executor->ledger(), call, body);
  defaults.service = call.caller;
  defaults.entry = fb::Entry::http;
  if (!defaults.idempotency_key && !body.contains("idempotency_key"))
    return problem(400, "idempotency_key_missing",
                   "A command without an idempotency key is not safe to repeat: send `Idempotency-Key`.");
  const std::string key =
      defaults.idempotency_key ? *defaults.idempotency_key : Fields(body).optional_text("idempotency_key").value_or("");
  const auto running = service.in_flight().enter(call.caller, key);
  if (!running)
    return problem(409, "still_running", "A command with this idempotency key is being run; ask again in a moment.");
  if (body.contains("at")) ledger.set_time(Fields(body).optional_time("at").value_or(0));
  const auto answer = execute_json(ledger, name, body, defaults);
  if (auto no = service.no_in(answer, call.language)) return *std::move(no);
  Json shown = answer->body;
  if (answer->replayed) shown["replayed"] = true;
  service.metrics().command(route->name, answer->replayed);
  HttpAnswer done;
  add_quota(done.fields, *answer, ledger.executor->ledger().policy, ledger.log->time());
  const Json events = shown.value("events", Json::array());
  if (!events.empty()) done.fields.add("ETag", '"' + events.back()["account_version"].dump() + '"');
  if (call.parameter("proof")) add_proofs(service, shown);
  done.status = 200;
  done.content_type = json_type;
  done.body = json_line(shown);
  return done;
}

HttpAnswer run_one(LedgerService& service, const Call& call, const std::string& name,
                   std::optional<std::string> account) {
  if (!has_type(call.request, json_type)) return wrong_type(json_type);
  const Json body = call.request.body.empty() ? Json::object() : parse_object(call.request.body, "the body");
  for (const auto& [parameter, value] : call.target.parameters) {
    if (parameter != "proof") throw Failure(Exit::usage, "parameter `" + parameter + "` is not known here");
  }
  if (account && body.contains("account")) throw Failure(Exit::usage, "field `account`: the path names it");
  if (body.contains("command")) throw Failure(Exit::usage, "field `command`: the path names it");
  Defaults defaults{.account = std::move(account),
                    .idempotency_key = idempotency_key(call),
                    .expected_version = expected_version(call),
                    .signed_request = call.signed_request};
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
  Json body;
  std::optional<HttpAnswer> answer;
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
  for (std::string_view rest = call.request.body; !rest.empty() && lines.size() <= batch_lines_max;) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    if (end > 0) {
      Line& line = lines.emplace_back();
      answer_line(call, line, [&] { line.body = parse_object(rest.substr(0, end), "the line"); });
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return lines;
}

}  // namespace

/// Each line is a command of its own: one that is refused, or malformed, stops none of the others.
HttpAnswer post_batch(LedgerService& service, const Call& call) {
  if (!has_type(call.request, ndjson_type)) return wrong_type(ndjson_type);
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
    answers.body += json_line(shown);
  }
  return answers;
}

}  // namespace daicho
