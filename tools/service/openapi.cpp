// The service's own description (OpenAPI 3.1), made of the tables that answer: endpoints, commands, queries.
#include "commands/services.hpp"
#include "tools/output.hpp"
#include "tools/query/queries.hpp"
#include "tools/routes.hpp"
#include "tools/service/endpoints.hpp"
#include "tools/service/problem.hpp"

namespace daicho {

namespace {

Json reference(const char* name) { return {{"$ref", std::string("#/components/schemas/") + name}}; }

Json content(const char* type, Json schema) { return {{type, {{"schema", std::move(schema)}}}}; }

Json header_parameter(const char* name, const char* description, bool required) {
  return {{"name", name},
          {"in", "header"},
          {"required", required},
          {"description", description},
          {"schema", {{"type", "string"}}}};
}

/// A schema that an example of an object fulfils: its members and their types; further ones are allowed.
Json schema_of(const Json& example) {
  if (example.is_object()) {
    Json properties = Json::object();
    for (const auto& [name, value] : example.items()) properties[name] = schema_of(value);
    return {{"type", "object"}, {"properties", properties}};
  }
  if (example.is_array()) {
    Json schema = {{"type", "array"}};
    if (!example.empty()) schema["items"] = schema_of(example.front());
    return schema;
  }
  if (example.is_boolean()) return {{"type", "boolean"}};
  if (example.is_number()) return {{"type", "number"}};
  return {{"type", "string"}};
}

Json problem_responses() {
  Json responses = Json::object();
  responses["default"] = {{"description", "refused, or wrong: problem details (RFC 9457)"},
                          {"content", content(problem_type, reference("Problem"))}};
  return responses;
}

Json path_parameters(const std::string& path) {
  Json parameters = Json::array();
  for (std::size_t at = path.find('{'); at != std::string::npos; at = path.find('{', at + 1)) {
    std::string name = path.substr(at + 1, path.find('}', at) - at - 1);
    if (name.ends_with("…")) name.resize(name.size() - std::string_view("…").size());
    parameters.push_back({{"name", name}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}}}});
  }
  return parameters;
}

Json operation(const Endpoint& endpoint) {
  Json described = {{"summary", endpoint.summary}};
  described["parameters"] = path_parameters(endpoint.path);
  described["responses"] = problem_responses();
  if (endpoint.audience == Audience::everybody) described["security"] = Json::array();
  described["responses"]["200"] = {{"description", "done"}};
  return described;
}

/// One operation for each command: its fields, by example, and the roles it takes.
Json command_operation(const Route& route) {
  Json roles = Json::array();
  for (const fb::Role role : roles_of(route.name)) roles.push_back(name(role));
  const Json example = Json::parse(route.example);
  Json described = {{"summary", route.summary}, {"operationId", route.name}, {"x-roles", roles}};
  described["parameters"] = Json::array(
      {header_parameter("Idempotency-Key", "the same key and body give the first answer again", true),
       header_parameter("If-Match", "the account's version, in quotes; another one is told with 412", false),
       {{"name", "proof"},
        {"in", "query"},
        {"schema", {{"type", "string"}}},
        {"description", "with it each event comes with its inclusion proof"}}});
  described["requestBody"] = {{"content", {{json_type, {{"schema", schema_of(example)}, {"example", example}}}}}};
  described["responses"] = problem_responses();
  described["responses"][std::string_view(route.name) == "register-account" ? "201" : "200"] = {
      {"description", "accepted"}, {"content", content(json_type, reference("Answer"))}};
  return described;
}

Json query_operation(const Query& query, bool has_account) {
  Json parameters = Json::array();
  const char* options = has_account && query.account_options ? query.account_options : query.options;
  for (const std::string_view option : split_words(options)) {
    if (option == "account") continue;
    parameters.push_back({{"name", option}, {"in", "query"}, {"schema", {{"type", "string"}}}});
  }
  Json described = {{"summary", query.summary}, {"parameters", std::move(parameters)}};
  described["responses"] = problem_responses();
  described["responses"]["200"] = {{"description", "the answer"},
                                   {"content", content(json_type, {{"type", "object"}})}};
  return described;
}

Json account_parameter() {
  return {
      {"name", "account"}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}, {"format", "uuid"}}}};
}

bool takes_account(const Query& query) {
  const auto options = split_words(query.options);
  return query.account_options || std::ranges::find(options, "account") != options.end();
}

Json paths() {
  Json all = Json::object();
  for (const Endpoint& endpoint : endpoints()) {
    const std::string path = endpoint.path;
    const bool is_named_below =
        path.find("{command}") != std::string::npos || path.find("{query}") != std::string::npos;
    if (is_named_below) continue;  // one path for each command and query instead
    std::string key = path;
    if (const std::size_t rest = key.find("…}"); rest != std::string::npos)
      key.erase(rest, std::string_view("…").size());
    all[key][endpoint.method == std::string_view("GET") ? "get" : "post"] = operation(endpoint);
  }
  for (const Route& route : routes()) {
    const std::string name = route.name;
    if (name == "register-account") {
      all["/v1/accounts"]["post"] = command_operation(route);
      continue;
    }
    if (!route.names_account) {
      all["/v1/commands/" + name]["post"] = command_operation(route);
      continue;
    }
    Json& path = all["/v1/accounts/{account}/commands/" + name];
    path["parameters"] = Json::array({account_parameter()});
    path["post"] = command_operation(route);
  }
  for (const Query& query : queries()) {
    const std::string name = query.name;
    if (takes_account(query) && name != "account") {
      Json& path = all["/v1/accounts/{account}/" + name];
      path["parameters"] = Json::array({account_parameter()});
      path["get"] = query_operation(query, true);
    }
    all["/v1/queries/" + name]["get"] = query_operation(query, false);
  }
  return all;
}

Json schemas() {
  const Json text = {{"type", "string"}}, number = {{"type", "integer"}};
  Json event = {{"type", "object"}, {"required", {"seq", "type", "account_version"}}};
  event["properties"] = {{"seq", number}, {"type", text}, {"account_version", number}, {"proof", text}};
  Json answer = {{"type", "object"}};
  answer["properties"] = {{"events", {{"type", "array"}, {"items", event}}}, {"replayed", {{"type", "boolean"}}}};
  Json problem = {{"type", "object"}, {"required", {"type", "title", "status", "code", "detail"}}};
  problem["properties"] = {{"type", text},   {"title", text}, {"status", number}, {"code", text},
                           {"detail", text}, {"rule", text},  {"retry_at", text}, {"current_version", number}};
  return {{"Answer", std::move(answer)}, {"Problem", std::move(problem)}};
}

}  // namespace

HttpAnswer get_openapi(LedgerService&, const Call&) {
  static const std::string text =
      json_line({{"openapi", "3.1.0"},
                 {"info", {{"title", "Daicho, an account security ledger"}, {"version", "1"}}},
                 {"paths", paths()},
                 {"components",
                  {{"schemas", schemas()}, {"securitySchemes", {{"token", {{"type", "http"}, {"scheme", "bearer"}}}}}}},
                 {"security", Json::array({{{"token", Json::array()}}})}});
  return {200, json_type, text};
}

}  // namespace daicho
