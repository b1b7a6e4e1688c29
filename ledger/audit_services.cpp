// docs/ledger-format.md, section "Signed request".
#include "ledger/audit_services.hpp"

namespace daicho {
namespace {

ByteView bytes_of(const flatbuffers::Vector<std::uint8_t>* vector) {
  return vector ? ByteView(vector->data(), vector->size()) : ByteView();
}
std::string text_of(const flatbuffers::String* text) { return text ? text->str() : ""; }

/// What a signed request that opens says, against its event.
std::optional<std::string> refute_request(const SignedRequest& request, const Event& event, std::string_view origin) {
  const fb::Header& header = event.header();
  if (ServiceKeyId::from(bytes_of(header.service_key())) != service_key_id(request.key))
    return "one by another key than the header names";
  if (!request.verifies()) return "one that does not verify";
  const auto base = read_signature_base(request.base);
  if (!base) return "one over no signature base";
  const auto words = refute_command(*base, {.service = header.service()->string_view(),
                                            .command = header.command()->string_view(),
                                            .command_id = header.command_id()->string_view(),
                                            .account = event.account(),
                                            .origin = origin});
  return words ? words : refute_time(base->parameters, event.time());
}

}  // namespace

AuditedRequest audit_request(const LogSource& source, const KeyRing* keys, const Event& event,
                             std::string_view origin) {
  AuditedRequest audited;
  if (!event.has_signed_request()) return audited;
  audited.part = RequestPart::unopened;
  std::vector<std::uint32_t> slots = event.request_slots();
  slots.insert(slots.begin(), 0);
  if (std::ranges::adjacent_find(slots, std::greater_equal<>()) != slots.end()) {
    audited.words = "one whose data keys are out of order";
    return audited;
  }
  if (!source.is_store()) return audited;
  for (const std::uint32_t slot : slots) {
    const auto row = source.get(Family::keys, as_bytes(KeyRing::row_key(event.account(), slot)));
    if (row && !*row) audited.slots_gone.push_back(slot);
  }
  if (!keys || !audited.slots_gone.empty()) return audited;
  std::vector<SecretKey> data_keys;
  std::vector<const SecretKey*> others;
  for (const std::uint32_t slot : slots) {
    if (auto key = keys->data_key(source, event.account(), slot)) data_keys.push_back(*std::move(key));
  }
  const bool has_all = data_keys.size() == slots.size();
  for (std::size_t i = 1; i < data_keys.size(); ++i) others.push_back(&data_keys[i]);
  const auto request = has_all ? event.open_request(request_key(data_keys.front(), others)) : std::nullopt;
  if (!request) {
    audited.words = "one that does not open under the keys stored";
    return audited;
  }
  audited.part = RequestPart::opened;
  audited.key = request->key;
  audited.words = refute_request(*request, event, origin);
  return audited;
}

void SigningServices::learn(const Event& event) {
  if (!event.account().is_zero()) return;
  if (const auto* const registered = event.as<fb::ServiceRegistered>()) {
    const auto key = PublicKey::from(bytes_of(registered->public_key()));
    const Id id = registered->service_id() ? flatbuffers::UnPack(*registered->service_id()) : Id{};
    if (key) services_.insert_or_assign(text_of(registered->name()), Registered{id, *key});
  } else if (const auto* const revoked = event.as<fb::ServiceRevoked>()) {
    const auto found = services_.find(text_of(revoked->name()));
    const Id id = revoked->service_id() ? flatbuffers::UnPack(*revoked->service_id()) : Id{};
    if (found != services_.end() && found->second.id == id) services_.erase(found);
  }
}

std::optional<std::string> SigningServices::refute(const AuditedEvent& audited, bool is_first, bool knows_all,
                                                   bool is_erased) const {
  const Event& event = *audited.event;
  const auto claimed = bytes_of(event.header().service_key());
  const auto service = services_.find(event.header().service()->str());
  const bool signs = service != services_.end();
  if (claimed.empty()) {
    if (event.has_signed_request()) return "one without the key's id";
    return signs && knows_all && !is_erased ? std::optional("none, though the service signs") : std::nullopt;
  }
  if (!signs && knows_all) return "one of a service that is registered without a key, or not at all";
  if (signs && ServiceKeyId::from(claimed) != service_key_id(service->second.key))
    return "one by another key than the service's";
  if (event.has_signed_request() != is_first) return is_first ? "none, though its key is named" : "a second one";
  if (audited.request.words) return audited.request.words;
  const bool is_other =
      signs && audited.request.part == RequestPart::opened && audited.request.key != service->second.key;
  return is_other ? std::optional("one by another key than the service's") : std::nullopt;
}

std::optional<Finding> SigningServices::event(const AuditedEvent& audited, bool knows_all, bool is_erased) {
  const Event& event = *audited.event;
  const fb::Header& header = event.header();
  Command command{event.account(), header.service()->str(), header.command_id()->str()};
  const auto words = refute(audited, command != last_, knows_all, is_erased);
  last_ = std::move(command);
  learn(event);
  if (!words) return std::nullopt;
  return Finding{FindingKind::service_signature, event.position(), event.account(),
                 "a signature of service " + header.service()->str() + " for this command", *words};
}

}  // namespace daicho
