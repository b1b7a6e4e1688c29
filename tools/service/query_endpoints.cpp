// Queries over HTTP: the options of the terminal, as parameters or, where they are personal, as a body.
#include <algorithm>

#include "tools/queries.hpp"
#include "tools/service/endpoints.hpp"
#include "tools/service/problem.hpp"

namespace daicho {

namespace {

bool is_number(const std::string& text) {
  return !text.empty() && text.size() <= 19 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

Json options_json(const Call& call) {
  static constexpr std::array numbers = {"as_of", "from", "limit", "seq"};
  Json json = Json::object();
  for (const auto& [name, value] : call.target.parameters) {
    if (json.contains(name)) throw Failure(Exit::usage, "parameter `" + name + "` stands twice");
    const bool may_be_number = std::ranges::find(numbers, name) != numbers.end();
    if (may_be_number && is_number(value)) {
      json[name] = std::stoull(value);
    } else {
      json[name] = value;
    }
  }
  return json;
}

namespace {

HttpAnswer run(LedgerService& service, const Call& call, const std::string& name, const Json& body,
               const std::optional<std::string>& account) {
  const Query* query = find_query(name);
  if (!query) return problem(404, "no_such_query", "There is no query of this name.");
  Fields fields(body);
  QueryOptions options = read_query_options(fields);
  fields.done();
  if (account) options.account = account;
  options.language = call.language;
  const LedgerView view = service.ledger().view();
  check(view, *query, options);
  return json_answer(200, query->answer(view, options));
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
  const Json body = call.request.body.empty() ? Json::object() : parse_object(call.request.body, "the body");
  return run(service, call, call.named[0], body, std::nullopt);
}

}  // namespace daicho
