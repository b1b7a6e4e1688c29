#include "ledger/signed_request.hpp"

#include <algorithm>

#include "ledger/sha256.hpp"

namespace daicho {
namespace {

constexpr std::string_view request_key_label = "daicho request key v1";
constexpr std::string_view parameters_name = "@signature-params";
constexpr std::int64_t seconds_max = time_max / second_us;

std::string quoted(std::string_view name) { return "`" + std::string(name) + "`"; }

Unexpected<std::string> wrong(std::string words) { return Unexpected{std::move(words)}; }

/// Of a parameter whose value must have this type; null: another one.
template <class T>
const T* typed(const StructuredParameter& parameter) {
  return std::get_if<T>(&parameter.value);
}

/// Nullopt: it is a time that can be.
std::optional<std::string> refute_seconds(const StructuredParameter& parameter, std::int64_t& seconds) {
  const auto* const value = typed<std::int64_t>(parameter);
  if (!value || *value < 0 || *value > seconds_max)
    return "parameter " + quoted(parameter.key) + ": seconds since 1970 are wanted";
  seconds = *value;
  return std::nullopt;
}

std::optional<std::string> read_parameter(const StructuredParameter& parameter, SignatureParameters& read) {
  if (parameter.key == "created") return refute_seconds(parameter, read.created);
  if (parameter.key == "expires") return refute_seconds(parameter, read.expires.emplace());
  static constexpr std::array<std::string_view, 4> texts = {"keyid", "alg", "nonce", "tag"};
  const auto* const text = typed<std::string>(parameter);
  if (std::ranges::find(texts, parameter.key) == texts.end())
    return "parameter " + quoted(parameter.key) + " is not known here";
  if (!text) return "parameter " + quoted(parameter.key) + ": a string is wanted";
  if (parameter.key == "keyid") read.keyid = *text;
  if (parameter.key == "tag") read.tag = *text;
  if (parameter.key == "alg" && *text != "ed25519") return "parameter `alg`: only ed25519 is verified here";
  return std::nullopt;
}

/// The path of a command: `/v1/accounts` registers, `/v1/commands/{command}` says the account in the body,
/// `/v1/accounts/{id}/commands/{command}` in the path.
bool is_path_of(std::string_view path, const CommandNames& names) {
  constexpr std::string_view accounts = "/v1/accounts", by_body = "/v1/commands/", of_account = "/commands/";
  constexpr std::size_t id_characters = 36;
  if (path == accounts) return names.command == "register-account";
  if (path.starts_with(by_body)) return path.substr(by_body.size()) == names.command;
  if (!path.starts_with(accounts) || path.size() < accounts.size() + 1 + id_characters) return false;
  path.remove_prefix(accounts.size());
  const auto account = path.starts_with('/') ? parse_id(path.substr(1, id_characters)) : std::nullopt;
  path.remove_prefix(1 + id_characters);
  return account == names.account && path.starts_with(of_account) && path.substr(of_account.size()) == names.command;
}

}  // namespace

ServiceKeyId service_key_id(const PublicKey& key) {
  return *ServiceKeyId::from(sha256(key.view()).view().first(ServiceKeyId::size));
}

SecretKey request_key(const SecretKey& own, const std::vector<const SecretKey*>& others) {
  SecretKey key = derive_key(own, request_key_label, {});
  for (const SecretKey* const other : others) key = derive_key(*other, request_key_label, {key.view()});
  return key;
}

bool SignatureParameters::covers(std::string_view component) const {
  return std::ranges::find(components, component) != components.end();
}

Result<SignatureParameters, std::string> read_signature_parameters(const InnerList& list) {
  SignatureParameters read{.text = serialise(list)};
  for (const auto& [value, parameters] : list.items) {
    const auto* const name = std::get_if<std::string>(&value);
    if (!name) return wrong("a component is named by a string");
    if (!parameters.empty()) return wrong("component " + quoted(*name) + ": parameters are not known here");
    if (*name == parameters_name || read.covers(*name)) return wrong("component " + quoted(*name) + " stands twice");
    read.components.push_back(*name);
  }
  const auto is_there = [&](std::string_view key) {
    return std::ranges::find(list.parameters, key, &StructuredParameter::key) != list.parameters.end();
  };
  for (const StructuredParameter& parameter : list.parameters) {
    if (auto words = read_parameter(parameter, read)) return wrong(*std::move(words));
  }
  for (const char* wanted : {"created", "keyid"}) {
    if (!is_there(wanted)) return wrong("parameter " + quoted(wanted) + " is wanted");
  }
  return read;
}

Result<std::string, std::string> signature_base(const SignatureParameters& parameters, const ComponentValue& value_of) {
  std::string base;
  for (const std::string& name : parameters.components) {
    const auto value = value_of(name);
    if (!value) return wrong("component " + quoted(name) + " is not in this request, or not known here");
    if (value->find_first_of("\r\n") != std::string::npos) return wrong("component " + quoted(name) + " has lines");
    base += '"' + name + "\": " + *value + '\n';
  }
  base += '"' + std::string(parameters_name) + "\": " + parameters.text;
  if (base.size() > signature_base_bytes_max)
    return wrong("what is signed is longer than " + std::to_string(signature_base_bytes_max) + " bytes");
  return base;
}

std::string_view SignatureBase::value_of(std::string_view component) const {
  const auto found = std::ranges::find(components, component, [](const auto& each) { return each.first; });
  return found == components.end() ? std::string_view() : std::string_view(found->second);
}

std::optional<SignatureBase> read_signature_base(std::string_view base) {
  if (base.size() > signature_base_bytes_max) return std::nullopt;
  SignatureBase read;
  constexpr std::string_view middle = "\": ";
  while (true) {
    const std::size_t end = std::min(base.find('\n'), base.size());
    const std::string_view line = base.substr(0, end);
    const std::size_t gap = line.find(middle);
    if (!line.starts_with('"') || gap == std::string_view::npos) return std::nullopt;
    const std::string_view name = line.substr(1, gap - 1), value = line.substr(gap + middle.size());
    if (end == base.size()) {
      const auto list = name == parameters_name ? parse_inner_list(value) : std::nullopt;
      auto parameters = list ? read_signature_parameters(*list) : wrong("");
      const auto is_same = [](const auto& each, const std::string& component) { return each.first == component; };
      if (!parameters || parameters->text != value ||
          !std::ranges::equal(read.components, parameters->components, is_same))
        return std::nullopt;
      read.parameters = *std::move(parameters);
      return read;
    }
    read.components.emplace_back(name, value);
    base.remove_prefix(end + 1);
  }
}

std::optional<std::string> refute_command(const SignatureBase& base, const CommandNames& names) {
  for (const char* wanted : {"@method", "@path", "content-digest", "idempotency-key"}) {
    if (!base.parameters.covers(wanted)) return "component " + quoted(wanted) + " is not covered";
  }
  if (base.parameters.keyid != names.service) return "keyid is not the service";
  if (base.parameters.tag != names.origin) return "tag is not this ledger's name";
  if (base.value_of("@method") != "POST") return "the method signed is no command's";
  if (!is_path_of(base.value_of("@path"), names)) return "the path signed is not this command's";
  if (unquoted(base.value_of("idempotency-key")) != names.command_id)
    return "the idempotency key signed is not this command's";
  return std::nullopt;
}

std::optional<std::string> refute_time(const SignatureParameters& parameters, Time at) {
  const Time created = parameters.created * second_us;
  if (created > at + signature_ahead_max)
    return "created more than " + std::to_string(signature_ahead_max / second_us) + " s after the ledger's time";
  if (at > created + signature_age_max)
    return "created more than " + std::to_string(signature_age_max / second_us) + " s before the ledger's time";
  if (parameters.expires && at > *parameters.expires * second_us) return "expired";
  return std::nullopt;
}

std::string_view unquoted(std::string_view field) {
  const bool is_quoted = field.size() >= 2 && field.starts_with('"') && field.ends_with('"');
  return is_quoted ? field.substr(1, field.size() - 2) : field;
}

}  // namespace daicho
