// Queries over HTTP: the options of the terminal, as parameters or, where they are personal, as a body.
#include <algorithm>

#include "tools/query/queries.hpp"
#include "tools/service/endpoints.hpp"
#include "tools/service/problem.hpp"

namespace daicho {

Json options_json(const Call& call) {
  Json json = Json::object();
  for (const auto& [name, value] : call.target.parameters) {
    if (json.contains(name)) throw Failure(Exit::usage, "parameter `" + name + "` stands twice");
    const auto option = std::ranges::find(query_options(), std::string_view(name), &QueryOption::name);
    json[name] = option == query_options().end() ? Json(value) : option_value(*option, value);
  }
  return json;
}

namespace {

HttpAnswer run(LedgerService& service, const Call& call, const std::string& name, Json options,
               const std::optional<std::string>& account) {
  const Query* query = find_query(name);
  if (!query) return problem(404, "no_such_query", "There is no query of this name.");
  if (account) options["account"] = *account;
  return json_answer(200, answer_query(service.ledger().view(), *query, options, call.language));
}

/// An account that a path names, which takes ids only.
std::optional<Account> account_of(LedgerService& service, const std::string& id) {
  return parse_id(id) ? find_account(*service.ledger().store, nullptr, id) : std::nullopt;
}

HttpAnswer no_such_account() {
  return problem(404, "no_such_account",
                 "There is no account of this id; to ask by sign-in name, POST to /v1/queries/….");
}

}  // namespace

HttpAnswer get_account(LedgerService& service, const Call& call) {
  const auto account = account_of(service, call.named[0]);
  if (!account) return no_such_account();
  HttpAnswer answer = run(service, call, "account", options_json(call), call.named[0]);
  if (answer.status == 200 && !call.parameter("as_of"))
    answer.fields.add("ETag", '"' + std::to_string(account->head.version) + '"');
  return answer;
}

HttpAnswer get_account_query(LedgerService& service, const Call& call) {
  if (!account_of(service, call.named[0])) return no_such_account();
  return run(service, call, call.named[1], options_json(call), call.named[0]);
}

HttpAnswer get_query(LedgerService& service, const Call& call) {
  return run(service, call, call.named[0], options_json(call), std::nullopt);
}

HttpAnswer post_query(LedgerService& service, const Call& call) {
  if (auto wrong = wrong_body(call)) return *std::move(wrong);
  check_parameters(call, {});
  Json options = call.request.body.empty() ? Json::object() : parse_object(call.request.body, "the body");
  return run(service, call, call.named[0], std::move(options), std::nullopt);
}

}  // namespace daicho
