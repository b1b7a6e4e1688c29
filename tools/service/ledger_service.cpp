#include "tools/service/ledger_service.hpp"

#include "commands/services.hpp"
#include "ledger/ascii.hpp"
#include "tools/answers.hpp"
#include "tools/logging.hpp"
#include "tools/query/rule_index.hpp"
#include "tools/service/access_log.hpp"
#include "tools/service/endpoints.hpp"
#include "tools/service/problem.hpp"
#include "tools/service/quota.hpp"
#include "tools/service/request_signature.hpp"
#include "tools/service/supervisor.hpp"
#include "tools/system.hpp"

namespace daicho {

std::optional<std::string> Call::parameter(std::string_view name) const {
  std::optional<std::string> value;
  for (const auto& [each, text] : target.parameters) {
    if (each != name) continue;
    if (value) throw Failure(Exit::usage, "parameter `" + each + "` stands twice");
    value = text;
  }
  return value;
}

std::shared_ptr<void> InFlight::enter(const std::string& service, const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto [place, is_new] = running_.emplace(service, key);
  if (!is_new) return nullptr;
  return {this, [place = *place](InFlight* in_flight) {
            const std::lock_guard leaving(in_flight->mutex_);
            in_flight->running_.erase(place);
          }};
}

LedgerService::LedgerService(WritableLedger& ledger, std::filesystem::path directory)
    : ledger_(ledger),
      directory_(std::move(directory)),
      vault_(Id{}, *ledger.keys->data_key(*ledger.store, Id{}), ledger.keys->code_key()) {
  ledger.log->observe(metrics_.observer());
}

namespace {

HttpAnswer token_wanted(const std::string& detail) {
  HttpAnswer answer = problem(401, "token_wanted", detail);
  answer.fields.add("WWW-Authenticate", "Bearer");
  return answer;
}

/// RFC 6750 section 3.1.
HttpAnswer token_refused(const std::string& detail) {
  HttpAnswer answer = problem(401, "token_refused", detail);
  answer.fields.add("WWW-Authenticate", "Bearer error=\"invalid_token\"");
  return answer;
}

/// While nobody has to say who asks, no web page may: one that a browser shows has a name (its own, which may lead here
/// by now), or comes from another origin.
std::optional<HttpAnswer> refuse_browser(const HttpRequest& request) {
  const std::string host = request.fields.get("Host").value_or("");
  const std::string name = host.substr(0, host.starts_with('[') ? host.find(']') + 1 : host.find(':'));
  const bool is_name =
      name != "localhost" && name.find_first_not_of("0123456789.") != std::string::npos && !name.starts_with('[');
  if (!is_name && request.fields.count("Origin") == 0) return std::nullopt;
  return problem(403, "service_wanted",
                 "No service is registered yet, so this ledger answers by its address alone, and no web page.");
}

/// What stands behind the scheme, whose case does not matter (RFC 9110 section 11.1); nullopt: it is another one.
std::optional<std::string_view> bearer_token(std::string_view credentials) {
  constexpr std::string_view scheme = "bearer";
  const std::size_t end = std::min(credentials.find(' '), credentials.size());
  if (!equal_without_case(credentials.substr(0, end), scheme)) return std::nullopt;
  credentials.remove_prefix(end);
  while (credentials.starts_with(' ')) credentials.remove_prefix(1);
  return credentials;
}

}  // namespace

/// While no service is registered every caller is the owner, as at the terminal (docs/decisions/0013-services.md); from
/// the first on a signature says who asks, or a token. With both, both must be the same service's.
std::optional<HttpAnswer> LedgerService::find_caller(Call& call) const {
  const LedgerState ledger = ledger_.executor->ledger();
  const auto signer = verify_signature(call.request, ledger, ledger_.log->time());
  if (!signer) return signer.error();
  if (*signer) {
    call.caller = (*signer)->service;
    call.signed_request = (*signer)->request;
  }
  const auto given = call.request.fields.get("Authorization");
  if (!given && *signer) return std::nullopt;
  if (!given && ledger.services.empty()) {
    call.caller = owner_service;
    call.is_anybody = true;
    return refuse_browser(call.request);
  }
  if (!given) return token_wanted("A registered service's token is wanted: `Authorization: Bearer …`.");
  const auto token = bearer_token(*given);
  if (!token) return token_wanted("The scheme `Bearer` is wanted.");
  for (const Service& service : ledger.services) {
    if (service.revoked_at || !vault_.matches(OneTime::service_token, service.id, service.token_hash, *token)) continue;
    if (*signer && service.name != call.caller)
      return token_refused("This token is not that of the service that signed.");
    call.caller = service.name;
    return std::nullopt;
  }
  return token_refused("This token is no registered service's.");
}

HttpAnswer LedgerService::answer_call(const HttpRequest& request, AccessLine& line) {
  const auto target = parse_target(request.target);
  if (!target) return problem(400, "invalid_target", "The path or its parameters are malformed.");
  const std::string_view method = request.method == "HEAD" ? "GET" : std::string_view(request.method);
  std::set<std::string_view> methods;  // two patterns may match one path
  for (const Endpoint& endpoint : endpoints()) {
    auto named = match_path(endpoint.path, target->path);
    if (!named) continue;
    line.endpoint = endpoint.path;
    if (method != endpoint.method) {
      methods.insert(endpoint.method);
      if (endpoint.method == std::string_view("GET")) methods.insert("HEAD");
      continue;
    }
    line.method = endpoint.method;
    Call call{.request = request, .target = *target, .line = line, .named = *std::move(named), .caller = ""};
    call.language = request.fields.get("Accept-Language").value_or("");
    auto unknown = endpoint.audience != Audience::everybody ? find_caller(call) : std::nullopt;
    if (unknown) return *std::move(unknown);
    line.service = call.caller;
    if (endpoint.audience == Audience::readers) {
      if (const auto refusal = check_reading(call.caller, call.is_anybody)) return reader_problem(*refusal);
    }
    return endpoint.answer(*this, call);
  }
  if (methods.empty())
    return problem(404, "no_such_endpoint", "There is nothing at this path; /openapi.json lists what there is.");
  std::string allowed;
  for (const std::string_view each : methods) allowed += (allowed.empty() ? "" : ", ") + std::string(each);
  HttpAnswer answer = problem(405, "method_not_allowed", "This path takes " + allowed + ".");
  answer.fields.add("Allow", allowed);
  return answer;
}

HttpAnswer LedgerService::answer(const HttpRequest& request) {
  AccessLine line;
  line.request_id = request_id_of(request.fields);
  HttpAnswer answer;
  try {
    answer = answer_call(request, line);
  } catch (...) {
    answer = thrown_problem(line);
  }
  answer.fields.add("X-Request-Id", line.request_id);
  if (answer.fields.count("Cache-Control") == 0) answer.fields.add("Cache-Control", "no-store");
  line.status = answer.status;
  line.bytes = answer.body.size();
  line.took = std::chrono::steady_clock::now() - request.whole_at;  // the wait for a handler, too
  metrics_.request(request.method, line.endpoint, line.status, line.took);
  log_access(line);
  wipe_stack();
  return answer;
}

HttpAnswer LedgerService::refuse(const HttpWrong& wrong) {
  AccessLine line;
  line.request_id = request_id_of({});
  HttpAnswer answer = wrong_problem(wrong);
  answer.fields.add("X-Request-Id", line.request_id);
  line.status = answer.status;
  line.bytes = answer.body.size();
  metrics_.request(line.method, line.endpoint, line.status, line.took);
  log_access(line);
  return answer;
}

bool LedgerService::tick() {
  try {
    const auto done = ledger_.executor->tick();
    metrics_.tick(done ? done->size() : 0, !done);
    wipe_stack();
    if (done) {
      log_line(done->empty() ? LogLevel::debug : LogLevel::info, "scheduler", {{"done", done->size()}});
      return true;
    }
    note(done.error());
    log_line(LogLevel::error, "scheduler", {{"error", done.error().detail}});
  } catch (const std::exception& error) {
    metrics_.tick(0, true);
    log_line(LogLevel::error, "scheduler", {{"error", error.what()}});
  }
  return false;
}

std::optional<HttpAnswer> LedgerService::no_in(const Result<Answer, Fault>& answer, const std::string& language) {
  if (!answer) {
    note(answer.error());
    return fault_problem(answer.error());
  }
  if (!answer->is_refusal) return std::nullopt;
  Json told = shown(*answer);
  translate(told, language);
  metrics_.refusal(told.value("rule", ""));
  HttpAnswer no = refusal_problem(told, ledger_.log->time());
  add_quota(no.fields, *answer, ledger_.executor->ledger().policy, ledger_.log->time());
  return no;
}

void LedgerService::note(const Fault& fault) {
  if (fault.kind != FaultKind::stopped || has_stopped_.exchange(true)) return;
  log_line(LogLevel::error, "storage failed, no command is accepted", {{"error", fault.detail}});
  tell_supervisor("STATUS=storage failed, no command is accepted until a restart");
}

std::optional<Refusal> LedgerService::check_reading(const std::string& caller, bool is_anybody) const {
  const LedgerState ledger = ledger_.executor->ledger();
  if (is_anybody && !ledger.services.empty())
    return Refusal{Rule::led_5, "service_unknown", "Services are registered by now: a token says who asks."};
  return check_reader(ledger, caller);
}

std::shared_ptr<void> LedgerService::open_stream() {
  ++*streams_;
  return {nullptr, [streams = streams_](void*) { --*streams; }};
}

}  // namespace daicho
