#include "commands/services.hpp"

#include <algorithm>
#include <array>

#include "commands/names.hpp"
#include "commands/text.hpp"

namespace daicho {

namespace {

using enum fb::Role;

struct CommandRoles {
  std::string_view command;
  std::array<fb::Role, 2> roles;  ///< none: no second one
};

/// Every command that not just front ends issue; the rest is theirs.
constexpr auto command_roles = std::to_array<CommandRoles>({
    {"lease", {delivery, none}},  // no command: what the outbox hands out
    {"record-delivery", {delivery, none}},
    {"block-account", {risk, none}},
    {"record-evidence", {evidence, none}},
    {"complete-replacement", {scheduler, none}},
    {"decide-recovery", {scheduler, none}},
    {"send-recovery-survey", {scheduler, none}},
    {"expire-account", {scheduler, none}},
    {"deactivate-mailbox", {front_end, scheduler}},
    {"record-access", {investigator, none}},
    {"disclose-events", {investigator, auditor}},
    {"adopt-policy", {admin, none}},
    {"register-service", {admin, none}},
    {"revoke-service", {admin, none}},
    {"rotate-signing-key", {admin, none}},
    {"merge-accounts", {none, none}},
});
constexpr std::array only_front_end = {front_end};

bool has(const Service& service, fb::Role role) {
  return std::ranges::find(service.roles, role) != service.roles.end();
}

Refusal bad(const char* code, const char* detail) { return {Rule::led_5, code, detail}; }

}  // namespace

std::span<const fb::Role> roles_of(std::string_view command) {
  const auto found = std::ranges::find(command_roles, command, &CommandRoles::command);
  if (found == command_roles.end()) return only_front_end;
  return std::span(found->roles).first(static_cast<std::size_t>(std::ranges::count_if(found->roles, [](fb::Role role) {
    return role != none;
  })));
}

namespace {

/// Why a service that holds none of these roles is refused; none: any will do.
std::optional<Refusal> check_holds(const LedgerState& ledger, std::string_view service, std::span<const fb::Role> roles,
                                   const char* detail) {
  if (ledger.services.empty() || service == owner_service) return std::nullopt;
  const Service* known = ledger.find_service(service);
  if (!known) return bad("service_unknown", "No service of this name is registered.");
  if (roles.empty() || std::ranges::any_of(roles, [&](fb::Role role) { return has(*known, role); }))
    return std::nullopt;
  if (has(*known, support)) {
    return Refusal{Rule::rec_11, "support_overreach",
                   "Support staff can neither send a reset link nor read or change an account."};
  }
  return bad("role_missing", detail);
}

}  // namespace

std::optional<Refusal> check_role(const LedgerState& ledger, std::string_view service, std::string_view command) {
  return check_holds(ledger, service, roles_of(command), "The service holds no role that may issue this command.");
}

std::optional<Refusal> check_reader(const LedgerState& ledger, std::string_view service) {
  static constexpr std::array readers = {front_end, risk, auditor, investigator, admin};
  return check_holds(ledger, service, readers, "The service holds no role that may read.");
}

Refusal signature_refused(const std::string& words) {
  return {Rule::led_5, "signature_refused", "The signature does not count: " + words + "."};
}

std::optional<Refusal> check_signature(const LedgerState& ledger, const Issuer& issuer, const Id& account) {
  const Service* known = ledger.find_service(issuer.service);
  const bool signs = known && !known->public_key.empty();
  if (!issuer.signed_request && !signs) return std::nullopt;
  if (!issuer.signed_request) {
    return bad("signature_wanted",
               "This service is registered with a public key: each of its commands comes alone, over HTTP, with its "
               "signature (RFC 9421).");
  }
  if (!signs || PublicKey::from(known->public_key) != issuer.signed_request->key)
    return signature_refused("its key is not the service's");
  const auto base = read_signature_base(issuer.signed_request->base);
  const auto words =
      base ? refute_command(*base, {issuer.service, issuer.command, issuer.command_id, account, ledger.origin})
           : std::optional<std::string>("it is over no signature base");
  return words ? std::optional(signature_refused(*words)) : std::nullopt;
}

bool is_unsigned(const Json& answer) {
  const auto code = answer.find("code");
  return code != answer.end() && (*code == "signature_wanted" || *code == "signature_refused");
}

bool is_not_permitted(const Json& answer) {
  const auto code = answer.find("code");
  return code != answer.end() && (*code == "service_unknown" || *code == "role_missing" || is_unsigned(answer));
}

Decision decide(const LedgerState& ledger, const RegisterService& command, const Context& context) {
  if (!is_hyphenated_word(command.name))
    return refused(bad("name_not_a_word", "A service is named with a-z, 0-9, _ and -, at most 64 of them."));
  if (command.name == owner_service || command.name == scheduler_service)
    return refused(bad("name_reserved", "This name is the ledger's own."));
  if (ledger.find_service(command.name)) return refused(bad("service_exists", "A service of this name is registered."));
  if (ledger.services.size() >= services_max)
    return refused(bad("too_many_services", "The ledger has as many services as it may."));
  if (command.roles.empty()) return refused(bad("no_roles", "A service holds at least one role."));
  fb::ServiceRegisteredT registered{.service_id = context.new_id(), .name = command.name, .roles = command.roles};
  if (!command.public_key.empty()) {
    const auto key = from_base64(command.public_key);
    if (!key || key->size() != 32)
      return refused(bad("invalid_public_key", "The public key is 32 bytes of Ed25519 in base64."));
    registered.public_key.assign(key->begin(), key->end());
  }
  const std::string token = context.vault.secret(OneTime::service_token, registered.service_id);
  registered.token_hash = context.vault.hash(OneTime::service_token, registered.service_id, token);
  Decision decision = accepted({{"service", command.name}, {"token", token}});
  decision.events.push_back(draft(std::move(registered), {Rule::led_5}));
  return decision;
}

Decision decide(const LedgerState& ledger, const RevokeService& command, const Context&) {
  const Service* service = ledger.find_service(command.name);
  if (!service) return refused(bad("no_such_service", "No service of this name is registered."));
  Decision decision = accepted({{"service", command.name}});
  Draft revoked = draft(fb::ServiceRevokedT{.service_id = service->id, .name = command.name}, {Rule::led_5});
  revoked.caused_by = service->registered;
  decision.events.push_back(std::move(revoked));
  return decision;
}

namespace {

Draft record_of(const Refusal& refusal) {
  return draft(fb::CommandRefusedT{.rule = static_cast<std::uint16_t>(refusal.rule), .code = refusal.code},
               {refusal.rule, Rule::led_1});
}

}  // namespace

Decision decide(const Account& account, const RefuseCommand& command, const Context& context) {
  return refused_on_record(account.limits.refusals, context, command.refusal, record_of(command.refusal));
}

Decision decide(const LedgerState& ledger, const RefuseCommand& command, const Context& context) {
  return refused_on_record(ledger.refusals, context, command.refusal, record_of(command.refusal));
}

}  // namespace daicho
