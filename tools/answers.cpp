#include "tools/answers.hpp"

#include <algorithm>

#include "commands/services.hpp"
#include "commands/text.hpp"
#include "tools/query/queries.hpp"
#include "tools/routes.hpp"
#include "tools/system.hpp"

namespace daicho {

Exit exit_of(FaultKind fault) {
  switch (fault) {
    case FaultKind::no_such_account:
    case FaultKind::too_large:
      return Exit::usage;
    case FaultKind::key_reused:
    case FaultKind::answer_erased:
    case FaultKind::version_conflict:
      return Exit::refused;
    case FaultKind::busy:
    case FaultKind::stopped:
      return Exit::unavailable;
    case FaultKind::damaged:
      return Exit::integrity;
  }
  return Exit::unavailable;
}

namespace {

constexpr std::array<const char*, 8> fault_names = {
    "no_such_account", "idempotency_key_reused", "version_conflict", "too_large", "busy", "stopped",
    "damaged",         "answer_erased"};

}  // namespace

Json fault_json(const Fault& fault) {
  Json json = {{"error", fault_names.at(static_cast<std::size_t>(fault.kind))}, {"detail", fault.detail}};
  if (fault.current_version) json["current_version"] = *fault.current_version;
  return json;
}

std::optional<FaultKind> parse_fault(std::string_view name) {
  const auto found = std::ranges::find(fault_names, name);
  if (found == fault_names.end()) return std::nullopt;
  return static_cast<FaultKind>(found - fault_names.begin());
}

namespace {

/// A public command must not tell whether a name is somebody's (R-ACC-6): a closed account is nobody's any more. Of the
/// others one whose service may not issue it is refused before anything is looked up. False: there is no such account.
bool name_account(const WritableLedger& ledger, ParsedRequest& parsed) {
  Request& request = parsed.request;
  if (is_public(request.command)) {
    if (const auto account = find_open_account(*ledger.store, ledger.keys.get(), *parsed.sign_in_name)) {
      request.account = account->id;
    } else {
      request.unknown_name = parse_email(*parsed.sign_in_name)->folded();
    }
    return true;
  }
  if (auto refusal = check_role(ledger.executor->ledger(), request.issuer.service, request.issuer.command)) {
    request.command = RefuseCommand{*std::move(refusal)};
    return true;
  }
  if (const auto account = find_account(*ledger.store, ledger.keys.get(), *parsed.sign_in_name))
    request.account = account->id;
  return request.account.has_value();
}

}  // namespace

Result<Answer, Fault> execute_json(WritableLedger& ledger, const std::string& name, const Json& body,
                                   const Defaults& defaults) {
  const Route* route = find_route(name);
  if (!route) throw Failure(Exit::usage, "there is no command `" + name + "`; `daicho command --help` lists them");
  ParsedRequest parsed = parse_request(*route, body, defaults, system_entropy(), ledger.log->time());
  if (defaults.wants_proof && is_public(parsed.request.command))
    throw Failure(Exit::usage,
                  "no proof comes with what anybody may cause, an account that is not there included (R-ACC-6)");
  if (parsed.sign_in_name && !name_account(ledger, parsed))
    return Unexpected{Fault{FaultKind::no_such_account, "There is no such account."}};
  return ledger.executor->execute(std::move(parsed.request));
}

Json shown(const Answer& answer) {
  Json json = answer.body;
  if (answer.replayed) json["replayed"] = true;
  return json;
}

Exit exit_of_refusal(const Json& refusal) { return is_not_permitted(refusal) ? Exit::not_permitted : Exit::refused; }

Failure failure_of(const Fault& fault) { return {exit_of(fault.kind), fault.detail}; }

Answer accepted_or_fail(Result<Answer, Fault> answer) {
  if (!answer) throw failure_of(answer.error());
  if (!answer->is_refusal) return *std::move(answer);
  const Json& no = answer->body;
  throw Failure(exit_of_refusal(no), no.value("rule", "") + " " + no.value("code", "") + ": " + no.value("detail", ""));
}

}  // namespace daicho
