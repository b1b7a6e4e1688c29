// The service's own description (OpenAPI 3.1), made of what answers: the tables of endpoints, commands and queries, and
// their readers, which are asked what they take.
#include <algorithm>

#include "commands/services.hpp"
#include "ledger/ascii.hpp"
#include "tools/output.hpp"
#include "tools/query/queries.hpp"
#include "tools/routes.hpp"
#include "tools/service/endpoints.hpp"
#include "tools/service/problem.hpp"

namespace daicho {

namespace {

Json reference(const char* kind, const char* name) {
  return {{"$ref", std::string("#/components/") + kind + "/" + name}};
}

Json content(std::string_view types, const Json& schema) {
  Json content = Json::object();
  for (const std::string_view type : split_words(types)) {
    const bool is_json = type == json_type || type == problem_type;
    content[std::string(type)] = is_json ? Json({{"schema", schema}}) : Json::object();
  }
  return content;
}

Json header(const char* description) { return {{"description", description}, {"schema", {{"type", "string"}}}}; }

Json header_parameter(const char* name, const char* description, bool required) {
  Json parameter = {{"name", name}, {"in", "header"}, {"required", required}};
  parameter.update(header(description));
  return parameter;
}

Json path_parameter(const std::string& name) {
  Json schema = {{"type", "string"}};
  if (name == "account") schema["format"] = "uuid";
  return {{"name", name}, {"in", "path"}, {"required", true}, {"schema", std::move(schema)}};
}

/// A path and its parameters as OpenAPI writes them: `{tile…}` is `{tile}`, for a rest of several segments it knows no
/// word.
struct Path {
  std::string text;
  Json parameters = Json::array();

  explicit Path(std::string pattern) : text(std::move(pattern)) {
    if (const std::size_t rest = text.find("…}"); rest != std::string::npos)
      text.erase(rest, std::string_view("…").size());
    for (std::size_t at = text.find('{'); at != std::string::npos; at = text.find('{', at + 1))
      parameters.push_back(path_parameter(text.substr(at + 1, text.find('}', at) - at - 1)));
  }
};

/// What may come back: its own answer, and problem details.
Json responses(const char* status, const char* description, std::string_view types, const Json& schema,
               std::initializer_list<const char*> headers) {
  Json done = {{"description", description}, {"headers", {{"X-Request-Id", reference("headers", "X-Request-Id")}}}};
  for (const char* name : headers) done["headers"][name] = reference("headers", name);
  done["content"] = content(types, schema);
  return {{status, std::move(done)}, {"default", reference("responses", "Problem")}};
}

Json operation(const Endpoint& endpoint) {
  std::string id = std::string(endpoint.method == std::string_view("GET") ? "get" : "post") + Path(endpoint.path).text;
  std::ranges::replace_if(
      id, [](char c) { return !is_letter(c) && !is_digit(c); }, '-');
  Json described = {{"summary", endpoint.summary}, {"operationId", std::move(id)}};
  described["parameters"] = Path(endpoint.path).parameters;
  if (endpoint.describe_body) {
    described["requestBody"] = {{"content", {{endpoint.body_type, {{"schema", endpoint.describe_body()}}}}}};
  } else if (endpoint.body_type) {
    described["requestBody"] = {{"content", {{endpoint.body_type, Json::object()}}}};
  }
  described["responses"] = responses("200", "done", endpoint.types, {{"type", "object"}}, {});
  if (endpoint.audience == Audience::everybody) described["security"] = Json::array();
  return described;
}

Json roles(const std::string& command) {
  Json words = Json::array();
  for (const fb::Role role : roles_of(command)) words.push_back(name(role));
  return words;
}

/// A member of an answer by what it is called, as the catalogue calls things alike that are alike.
Json member_schema(std::string_view name) {
  static constexpr auto whole =
      std::to_array<std::string_view>({"recorded", "points", "threshold", "familiar_points", "version"});
  static constexpr auto truths = std::to_array<std::string_view>({"passed", "two_step", "recovery_code_void"});
  static constexpr auto lists =
      std::to_array<std::string_view>({"offers", "proofs_kept", "proofs_removed", "fields", "proofs"});
  static constexpr auto words = std::to_array<std::string_view>({"routes", "notices", "changed", "shown_once"});
  static constexpr auto ids =
      std::to_array<std::string_view>({"account", "open_replacement", "offer_cancel_replacement"});
  const auto is_one_of = [name](const auto& names) { return std::ranges::find(names, name) != names.end(); };
  const Json text = {{"type", "string"}}, id = {{"type", "string"}, {"format", "uuid"}};
  if (name.ends_with("_ids")) return {{"type", "array"}, {"items", id}};
  if (name.ends_with("_id") || is_one_of(ids)) return id;
  if (name.ends_with("_at")) return {{"type", "string"}, {"format", "date-time"}};
  if (name.ends_with("_left") || name.ends_with("_left_today") || is_one_of(whole)) return {{"type", "integer"}};
  if (is_one_of(truths)) return {{"type", "boolean"}};
  if (is_one_of(words)) return {{"type", "array"}, {"items", text}};
  if (is_one_of(lists)) return {{"type", "array"}, {"items", {{"type", "object"}}}};
  return name == "profile" ? Json({{"type", "object"}}) : text;
}

Json answer_schema(const Route& route) {
  Json schema = {{"type", "object"}, {"required", {"events"}}};
  Json& members = schema["properties"] = {{"events", {{"type", "array"}, {"items", reference("schemas", "Event")}}},
                                          {"replayed", {{"type", "boolean"}}}};
  for (const std::string_view name : split_words(route.answers)) members[std::string(name)] = member_schema(name);
  return schema;
}

/// With `by_name` the body says which account, by its id or its sign-in name; else the path does.
Json command_operation(const Route& route, bool by_name) {
  Json schema = describe_command(route);
  Json example = Json::parse(route.example);
  const bool is_named = route.names_account && by_name;
  if (is_named) {
    schema["required"].push_back("account");
    example["account"] = "taro@outlook.com";
  } else if (route.names_account) {
    schema["properties"].erase("account");
  }
  Json described = {{"summary", route.summary},
                    {"operationId", std::string(route.name) + (is_named ? ".named" : "")},
                    {"tags", {"commands"}},
                    {"x-roles", roles(route.name)}};
  described["parameters"] = {reference("parameters", "Idempotency-Key"), reference("parameters", "If-Match"),
                             reference("parameters", "proof")};
  const Json media = {{"schema", std::move(schema)}, {"example", std::move(example)}};
  described["requestBody"] = {{"required", true}, {"content", {{json_type, media}}}};
  const bool makes_account = std::string_view(route.name) == "register-account";
  described["responses"] = responses(makes_account && !by_name ? "201" : "200", "accepted: durable, and in the log",
                                     json_type, answer_schema(route), {"ETag", "RateLimit-Policy", "RateLimit"});
  if (makes_account && !by_name)
    described["responses"]["201"]["headers"]["Location"] = header("the account's own path");
  described["responses"]["412"] = reference("responses", "OtherVersion");
  described["responses"]["429"] = reference("responses", "Later");
  described["responses"]["503"] = reference("responses", "Busy");
  return described;
}

/// The query's options by name, each with its schema; and `at`, the present instant of a simulated clock.
Json option_schemas(const Query& query, bool has_account) {
  static const Json all = describe([](Fields& fields) {
    read_query_options(fields);
    fields.optional_time("at");
  })["properties"];
  const char* taken = has_account && query.account_options ? query.account_options : query.options;
  Json schemas = Json::object();
  for (const std::string_view option : split_words(taken)) schemas[std::string(option)] = all.at(std::string(option));
  schemas["at"] = all.at("at");
  if (schemas.contains("limit")) schemas["limit"] = {{"type", "integer"}, {"minimum", 1}, {"maximum", query_rows_max}};
  return schemas;
}

Json option_parameters(const Query& query, bool has_account) {
  Json parameters = Json::array();
  const Json schemas = option_schemas(query, has_account);
  for (const auto& [name, schema] : schemas.items()) {
    if (name == "account" && has_account) continue;  // the path says it
    const auto option = std::ranges::find(query_options(), std::string_view(name), &QueryOption::name);
    const bool is_own = option != query_options().end();
    parameters.push_back({{"name", name},
                          {"in", "query"},
                          {"description", is_own ? option->what : "the present instant, where the clock is simulated"},
                          {"schema", schema}});
  }
  return parameters;
}

Json query_operation(const Query& query, const char* way) {
  Json described = {{"summary", query.summary}, {"operationId", std::string(query.name) + way}, {"tags", {"queries"}}};
  Json answer = {{"type", "object"}, {"required", {"clock"}}};
  answer["properties"] = {{"clock", {{"enum", {"real", "simulated"}}}}};
  if (*query.rows && !query.account_options)
    answer["properties"][query.rows] = {{"type", "array"}, {"items", {{"type", "object"}}}};
  described["responses"] = responses("200", "the answer", json_type, answer, {});
  return described;
}

bool takes_account(const Query& query) {
  const auto options = split_words(query.options);
  return query.account_options || std::ranges::find(options, "account") != options.end();
}

void add_command(Json& paths, const Route& route) {
  const Path path("/v1/accounts/{account}/commands/" + std::string(route.name));
  if (route.names_account) {
    paths[path.text] = {{"parameters", path.parameters}, {"post", command_operation(route, false)}};
  }
  const bool has_own_path = std::string_view(route.name) == "register-account";
  if (has_own_path) paths["/v1/accounts"]["post"] = command_operation(route, false);
  if (!has_own_path) paths["/v1/commands/" + std::string(route.name)]["post"] = command_operation(route, true);
}

void add_query(Json& paths, const Query& query) {
  const bool is_account = std::string_view(query.name) == "account";
  if (takes_account(query)) {
    const Path path("/v1/accounts/{account}" + (is_account ? "" : "/" + std::string(query.name)));
    Json get = query_operation(query, ".of-account");
    get["parameters"] = option_parameters(query, true);
    if (is_account) get["responses"]["200"]["headers"]["ETag"] = reference("headers", "ETag");
    paths[path.text] = {{"parameters", path.parameters}, {"get", std::move(get)}};
  }
  Json get = query_operation(query, ""), post = query_operation(query, ".asked");
  get["parameters"] = option_parameters(query, false);
  Json options = option_schemas(query, false);
  if (query.account_options) options.update(option_schemas(query, true));
  Json schema = {{"type", "object"}, {"properties", std::move(options)}, {"additionalProperties", false}};
  post["requestBody"] = {{"content", {{json_type, {{"schema", std::move(schema)}}}}}};
  paths["/v1/queries/" + std::string(query.name)] = {{"get", std::move(get)}, {"post", std::move(post)}};
}

Json paths() {
  Json all = Json::object();
  for (const Endpoint& endpoint : endpoints()) {
    const Path path(endpoint.path);
    const bool has_own = path.text.find("{command}") != std::string::npos ||
                         path.text.find("{query}") != std::string::npos || endpoint.answer == post_account ||
                         endpoint.answer == get_account;
    if (has_own) continue;  // described as the commands and queries that they are
    all[path.text][endpoint.method == std::string_view("GET") ? "get" : "post"] = operation(endpoint);
  }
  Json& events = all["/v1/events"]["get"];
  events["parameters"] = option_parameters(*find_query("events"), false);
  events["parameters"].push_back(
      header_parameter("Last-Event-ID", "of server-sent events: go on behind this sequence number", false));
  for (const Route& route : routes()) add_command(all, route);
  for (const Query& query : queries()) add_query(all, query);
  return all;
}

Json schemas() {
  const Json text = {{"type", "string"}}, number = {{"type", "integer"}};
  Json event = {{"type", "object"}, {"required", {"seq", "type", "account_version"}}};
  event["properties"] = {{"seq", number}, {"type", text}, {"account_version", number}, {"proof", text}};
  Json problem = {{"type", "object"}, {"required", {"type", "title", "status", "code", "detail"}}};
  problem["properties"] = {{"type", text}, {"title", text}, {"status", number}, {"code", text}, {"detail", text}};
  Json& members = problem["properties"];
  for (const char* name :
       {"rule", "reason", "parameter", "retry_at", "guesses_left", "confirmations_left", "current_version"})
    members[name] = std::string_view(name) == "current_version" ? number : member_schema(name);
  for (const char* name : {"other_routes", "blank_fields"}) members[name] = {{"type", "array"}, {"items", text}};
  members["events"] = {{"type", "array"}, {"items", reference("schemas", "Event")}};
  members["replayed"] = {{"type", "boolean"}};
  return {{"Event", std::move(event)}, {"Problem", std::move(problem)}};
}

Json headers() {
  return {{"X-Request-Id", header("the caller's, or one that was drawn: it stands in the log, too")},
          {"ETag", header("the account's version, in quotes")},
          {"Retry-After", header("seconds until the same may succeed")},
          {"RateLimit-Policy", header("the limit that the answer speaks of, its size and window")},
          {"RateLimit", header("what is left of it, and when there is more")}};
}

Json parameters() {
  return {{"Idempotency-Key",
           header_parameter("Idempotency-Key", "the same key and body give the first answer again", true)},
          {"If-Match",
           header_parameter("If-Match", "the account's version, in quotes; another one is told with 412", false)},
          {"proof",
           {{"name", "proof"},
            {"in", "query"},
            {"allowEmptyValue", true},
            {"schema", {{"type", "string"}}},
            {"description", "with it each event comes with its inclusion proof"}}}};
}

Json problem_response(const char* description, std::initializer_list<const char*> headers) {
  Json response = responses("default", description, problem_type, reference("schemas", "Problem"), headers);
  return response["default"];
}

Json security_schemes() {
  return {{"token", {{"type", "http"}, {"scheme", "bearer"}}},
          {"signature",
           {{"type", "apiKey"},
            {"in", "header"},
            {"name", "Signature"},
            {"description",
             "RFC 9421, Ed25519, with Signature-Input and Content-Digest; a service that was registered "
             "with a public key signs every command"}}},
          {"certificate", {{"type", "mutualTLS"}}}};
}

}  // namespace

HttpAnswer get_openapi(LedgerService&, const Call&) {
  static const std::string text = [] {
    Json components = {{"schemas", schemas()}, {"headers", headers()}, {"parameters", parameters()}};
    components["responses"] = {
        {"Problem", problem_response("refused, or wrong: problem details (RFC 9457)", {})},
        {"OtherVersion", problem_response("the account has another version", {"ETag"})},
        {"Later", problem_response("refused for now", {"Retry-After", "RateLimit-Policy", "RateLimit"})},
        {"Busy", problem_response("not now, or no more: nothing was done", {"Retry-After"})}};
    components["securitySchemes"] = security_schemes();
    Json described = {{"openapi", "3.1.0"},
                      {"info", {{"title", "Daicho, an account security ledger"}, {"version", "1"}}}};
    described["paths"] = paths();
    described["components"] = std::move(components);
    described["security"] = {{{"token", Json::array()}}, {{"signature", Json::array()}}};
    return json_line(described);
  }();
  return {200, json_type, text};
}

}  // namespace daicho
