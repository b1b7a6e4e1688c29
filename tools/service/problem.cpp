#include "tools/service/problem.hpp"

#include <algorithm>

#include "commands/services.hpp"
#include "tools/answers.hpp"
#include "tools/output.hpp"
#include "tools/query/queries.hpp"
#include "tools/service/access_log.hpp"
#include "tools/service/quota.hpp"
#include "tools/service/request_signature.hpp"

namespace daicho {

namespace {

constexpr auto busy_seconds = "1";  // what a full queue asks a caller to wait

const char* code_of(unsigned wrong_status) {
  switch (wrong_status) {
    case 408:
      return "request_too_slow";
    case 413:
      return "body_too_long";
    case 431:
      return "header_too_long";
    case 503:
      return "busy";
    default:
      return "malformed_request";
  }
}

HttpAnswer unexpected_problem() {
  return problem(500, "internal_error", "The ledger could not answer; its log says why.");
}

}  // namespace

HttpAnswer json_answer(unsigned status, const Json& body) { return {status, json_type, json_line(body)}; }

HttpAnswer problem(unsigned status, const std::string& code, const std::string& detail, Json members) {
  Json body = {
      {"type", "about:blank"}, {"title", http_reason(status)}, {"status", status}, {"code", code}, {"detail", detail}};
  body.update(members);
  return {status, problem_type, json_line(body)};
}

std::optional<Time> seconds_until_retry(const Json& refusal, Time now) {
  const auto given = refusal.find("retry_at");
  const auto at =
      given != refusal.end() && given->is_string() ? parse_rfc3339(given->get<std::string>()) : std::optional<Time>{};
  if (!at) return std::nullopt;
  return std::max<Time>(0, (*at - now + second_us - 1) / second_us);
}

namespace {

HttpAnswer refusal_answer(const Json& refusal, unsigned status) {
  Json body = {{"type", "/v1/rules/" + refusal.value("rule", "")}, {"status", status}};
  for (const auto& [name, value] : refusal.items()) body[name] = value;  // in its own order: `daicho --server` shows it
  return {status, problem_type, json_line(body)};
}

}  // namespace

HttpAnswer refusal_problem(const Json& refusal, Time now) {
  // Given again, it stays the key's answer: waiting does not change it.
  const bool may_wait = is_used_up(refusal) && !refusal.contains("replayed");
  const unsigned status = is_unsigned(refusal) ? 401 : is_not_permitted(refusal) ? 403 : may_wait ? 429 : 422;
  HttpAnswer answer = refusal_answer(refusal, status);
  if (status == 401) ask_for_signature(answer);
  const auto wait = may_wait ? seconds_until_retry(refusal, now) : std::nullopt;
  if (wait) answer.fields.add("Retry-After", std::to_string(*wait));
  return answer;
}

HttpAnswer reader_problem(const Refusal& refusal) {
  const RuleText& text = text_of(refusal.rule);
  return refusal_answer({{"rule", text.id}, {"code", refusal.code}, {"title", text.title}, {"detail", refusal.detail}},
                        403);
}

HttpAnswer fault_problem(const Fault& fault) {
  const std::string code = fault_json(fault)["error"];
  switch (fault.kind) {
    case FaultKind::no_such_account:
      return problem(404, code, fault.detail);
    case FaultKind::key_reused:
      return problem(422, code, fault.detail);
    case FaultKind::version_conflict: {
      HttpAnswer answer = problem(412, code, fault.detail, {{"current_version", *fault.current_version}});
      answer.fields.add("ETag", '"' + std::to_string(*fault.current_version) + '"');
      return answer;
    }
    case FaultKind::too_large:
      return problem(413, code, fault.detail);
    case FaultKind::busy: {
      HttpAnswer answer = problem(503, code, fault.detail);
      answer.fields.add("Retry-After", busy_seconds);
      return answer;
    }
    case FaultKind::answer_erased:
      return problem(410, code, fault.detail);
    case FaultKind::damaged:
      return problem(500, code, "What is stored is not what was written; run `daicho audit verify`.");
    case FaultKind::stopped:
      return problem(503, code, "Storage failed; nothing is accepted until the ledger is opened anew.");
  }
  return unexpected_problem();
}

HttpAnswer failure_problem(const Failure& failure) {
  switch (failure.exit) {
    case Exit::usage:
      return problem(400, "invalid_request", failure.what());
    case Exit::not_permitted:
      return problem(403, "not_permitted", failure.what());
    case Exit::unavailable:
      return problem(503, "unavailable", failure.what());
    case Exit::integrity:
      return problem(500, integrity_code, "What is stored is not what was signed; run `daicho audit verify`.");
    default:
      return unexpected_problem();
  }
}

HttpAnswer wrong_problem(const HttpWrong& wrong) {
  std::string detail = wrong.words;
  if (!detail.empty()) detail.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(detail.front())));
  return problem(wrong.status, code_of(wrong.status), detail + ".");
}

HttpAnswer thrown_problem(const AccessLine& line) {
  try {
    throw;
  } catch (const NoSuchAccount& failure) {
    return problem(404, "no_such_account", failure.what());
  } catch (const Failure& failure) {
    const bool is_ours = failure.exit == Exit::integrity || failure.exit == Exit::unavailable;
    if (is_ours) log_failure(line, failure.what());
    return failure_problem(failure);
  } catch (const Json::exception&) {
    return problem(400, "invalid_request", "A member has the wrong type.");
  } catch (const std::exception& unexpected) {
    log_failure(line, unexpected.what());
  }
  return unexpected_problem();
}

}  // namespace daicho
