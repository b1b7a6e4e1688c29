// tools/service/problem.hpp — every "no" over HTTP as problem details (RFC 9457): refusals by a rule, faults, wrong
// requests.
#pragma once

#include "commands/executor.hpp"
#include "tools/failure.hpp"
#include "tools/http/parse.hpp"

namespace daicho {

struct AccessLine;  // tools/service/access_log.hpp

inline constexpr const char* integrity_code = "integrity_violated";  ///< what is stored is not what was signed

HttpAnswer json_answer(unsigned status, const Json& body);

/// `{type, title, status, code, detail, …}`. `type` is `about:blank`, the title that of the status; of a refusal `type`
/// leads to the rule's own page below `/v1/rules/`, and its other members are the refusal's, in its order.
HttpAnswer problem(unsigned status, const std::string& code, const std::string& detail, Json members = Json::object());

/// A refusal as `Executor` answers it: 401 for a signature, 403 for a role that is missing, 429 with Retry-After when a
/// limit is used up, else 422. `now` is the ledger's time.
HttpAnswer refusal_problem(const Json& refusal, Time now);
/// From now until its `retry_at`, rounded up; nullopt: waiting does not help.
std::optional<Time> seconds_until_retry(const Json& refusal, Time now);
HttpAnswer reader_problem(const Refusal& refusal);  ///< 403: check_reader()'s
HttpAnswer fault_problem(const Fault& fault);
HttpAnswer failure_problem(const Failure& failure);
HttpAnswer wrong_problem(const HttpWrong& wrong);  ///< of what is no request
/// Of the exception that is being handled; logged as part of this request when the fault is here.
HttpAnswer thrown_problem(const AccessLine& line);

}  // namespace daicho
