// docs/ledger-format.md, sections "Envelope", "Event", "Header" and "Sealed part".
#include "ledger/event.hpp"

#include <sodium.h>

#include <cassert>

namespace daicho {
namespace {

constexpr std::size_t reserved_bytes = 3;
constexpr std::size_t key_id_at = 1 + reserved_bytes;
constexpr std::size_t signature_at = key_id_at + KeyId::size;
constexpr std::size_t prefix_bytes = signature_at + Signature::size;
static_assert(prefix_bytes == 72 && prefix_bytes % 8 == 0, "on disk; keeps the event aligned when the envelope is");

constexpr std::size_t alignment_bytes = 8;       // of the widest scalar in the schema
constexpr std::size_t header_bytes_fixed = 512;  // what a header takes besides its strings and rules, rounded up

constexpr std::string_view event_key_label = "daicho event key v1";
constexpr std::string_view request_key_label = "daicho request of event key v1";
constexpr std::string_view signed_label{"daicho event v1\0", 16};  // the zero byte keeps it apart from any signed note

using Builder = flatbuffers::FlatBufferBuilder;

/// One builder a part and thread: their buffers are kept between events.
struct Builders {
  Builder header{1024}, personal{1024}, event{4096}, request{1024};
};

Builders& builders() {
  thread_local Builders instance;
  instance.header.Clear();
  instance.personal.Clear();
  instance.event.Clear();
  instance.request.Clear();
  return instance;
}

ByteView finished(const Builder& builder) { return {builder.GetBufferPointer(), builder.GetSize()}; }

flatbuffers::Offset<flatbuffers::String> optional_string(Builder& builder, const std::string& text) {
  return text.empty() ? flatbuffers::Offset<flatbuffers::String>() : builder.CreateString(text);
}

ByteView build_header(Builder& builder, const Draft& draft, const Issuer& issuer, const Place& place) {
  const auto network = optional_string(builder, issuer.network);
  const auto device = optional_string(builder, issuer.device_id);
  const auto source = fb::CreateSource(builder, network, device, issuer.entry);
  const auto service = builder.CreateString(issuer.service);
  const auto command = builder.CreateString(issuer.command);
  const auto command_id = builder.CreateString(issuer.command_id);
  const auto rules = draft.rules.empty() ? flatbuffers::Offset<flatbuffers::Vector<std::uint16_t>>()
                                         : builder.CreateVector(draft.rules);
  flatbuffers::Offset<flatbuffers::Vector<std::uint8_t>> service_key;
  if (issuer.signed_request) {
    const ServiceKeyId id = service_key_id(issuer.signed_request->key);
    service_key = builder.CreateVector(id.bytes.data(), id.bytes.size());
  }
  const fb::Id account = flatbuffers::Pack(place.account);
  const fb::Digest previous_leaf = flatbuffers::Pack(place.previous.leaf);
  const fb::Digest command_digest = flatbuffers::Pack(issuer.command_digest);
  flatbuffers::Optional<std::uint64_t> previous_position, caused_by;
  if (place.previous.version > 0) previous_position = place.previous.position;
  if (draft.caused_by) caused_by = *draft.caused_by;
  builder.Finish(fb::CreateHeader(builder, event_format_version, place.position, &account, place.previous.version + 1,
                                  previous_position, &previous_leaf, place.time, service, service_key, command,
                                  command_id, &command_digest, 0, caused_by, place.policy_version, rules, source));
  return finished(builder);
}

/// Empty when no field is set: the root table's vtable then holds nothing but its own two sizes.
ByteView build_personal(Builder& builder, const Draft& draft, const Issuer& issuer) {
  fb::PersonalT personal = draft.personal;
  if (!issuer.ip.empty()) personal.ip = issuer.ip;
  if (!issuer.user_agent.empty()) personal.user_agent = issuer.user_agent;
  if (!issuer.request_id.empty()) personal.request_id = issuer.request_id;
  builder.Finish(fb::CreatePersonal(builder, &personal));
  const auto* const root = flatbuffers::GetRoot<flatbuffers::Table>(builder.GetBufferPointer());
  const auto vtable_bytes = flatbuffers::ReadScalar<flatbuffers::voffset_t>(root->GetVTable());
  return vtable_bytes > 2 * sizeof(flatbuffers::voffset_t) ? finished(builder) : ByteView();
}

SecretKey key_of_event(const SecretKey& data_key, Position position, const Id& account) {
  return derive_key(data_key, event_key_label, {big_endian(position), account.view()});
}

SecretKey key_of_request(const SecretKey& request_key, Position position, const Id& account) {
  return derive_key(request_key, request_key_label, {big_endian(position), account.view()});
}

/// Null without one.
flatbuffers::Offset<fb::SignedRequest> build_request(Builders& work, const Draft& draft, const Place& place,
                                                     ByteView header) {
  if (!draft.signed_request) return 0;
  const auto& [request, slots, key] = *draft.signed_request;
  Builder& plain = work.request;
  const auto public_key = plain.CreateVector(request->key.bytes.data(), PublicKey::size);
  const auto base = plain.CreateString(request->base);
  const auto signature = plain.CreateVector(request->signature.bytes.data(), Signature::size);
  plain.Finish(fb::CreateRequestSignature(plain, public_key, base, signature));
  const std::string part = seal(key_of_request(key, place.position, place.account), finished(plain), header);
  sodium_memzero(plain.GetBufferPointer(), plain.GetSize());
  const auto sealed_slots = work.event.CreateVector(slots);
  return fb::CreateSignedRequest(work.event, sealed_slots, work.event.CreateVector(as_bytes(part).data(), part.size()));
}

std::string signed_message(ByteView event) {
  std::string message;
  message.reserve(signed_label.size() + event.size());
  message += signed_label;
  append(message, event);
  return message;
}

flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<fb::Notification>>> build_notifications(
    Builder& builder, const std::vector<fb::NotificationT>& notifications) {
  if (notifications.empty()) return 0;
  std::vector<flatbuffers::Offset<fb::Notification>> offsets;
  offsets.reserve(notifications.size());
  for (const fb::NotificationT& notification : notifications) {
    offsets.push_back(fb::CreateNotification(builder, &notification));
  }
  return builder.CreateVector(offsets);
}

bool is_complete(const fb::Header& header) {
  return header.account() && header.previous_leaf() && header.command_digest() && header.service() &&
         header.command() && header.command_id() && header.source() && header.account_version() > 0 &&
         header.previous_position().has_value() == (header.account_version() > 1);
}

}  // namespace

std::string encode_event(const Draft& draft, const Issuer& issuer, const Place& place, const SecretKey& data_key,
                         const Signer& signer) {
  assert(draft.payload.type != fb::Payload::NONE);
  Builders& work = builders();
  const ByteView header = build_header(work.header, draft, issuer, place);
  const ByteView personal = build_personal(work.personal, draft, issuer);

  Builder& builder = work.event;
  flatbuffers::Offset<flatbuffers::Vector<std::uint8_t>> sealed;
  if (!personal.empty()) {
    const std::string part = seal(key_of_event(data_key, place.position, place.account), personal, header);
    sealed = builder.CreateVector(as_bytes(part).data(), part.size());
  }
  sodium_memzero(work.personal.GetBufferPointer(), work.personal.GetSize());
  const auto signed_request = build_request(work, draft, place, header);
  const auto notifications = build_notifications(builder, draft.notifications);
  const auto payload = draft.payload.Pack(builder);
  builder.ForceVectorAlignment(header.size(), 1, alignment_bytes);
  const auto header_vector = builder.CreateVector(header.data(), header.size());
  builder.Finish(fb::CreateEvent(builder, header_vector, draft.payload.type, payload, notifications, draft.sealed_slot,
                                 sealed, signed_request));
  const ByteView event = finished(builder);

  const Signature signature = signer.sign(as_bytes(signed_message(event)));
  std::string envelope;
  envelope.reserve(prefix_bytes + event.size());
  envelope += static_cast<char>(event_format_version);
  envelope.append(reserved_bytes, '\0');
  append(envelope, signer.verifier().id.view());
  append(envelope, signature.view());
  append(envelope, event);
  return envelope;
}

std::size_t envelope_bytes_bound(const Draft& draft, const Issuer& issuer) {
  Builders& work = builders();
  const ByteView personal = build_personal(work.personal, draft, issuer);
  const std::size_t personal_bytes = personal.empty() ? 0 : personal.size() + seal_overhead_bytes;
  sodium_memzero(work.personal.GetBufferPointer(), work.personal.GetSize());
  draft.payload.Pack(work.event);
  build_notifications(work.event, draft.notifications);
  const std::size_t strings = issuer.service.size() + issuer.command.size() + issuer.command_id.size() +
                              issuer.network.size() + issuer.device_id.size();
  const std::size_t request_bytes = draft.signed_request ? draft.signed_request->bytes_bound() : 0;
  return prefix_bytes + header_bytes_fixed + strings + 2 * draft.rules.size() + work.event.GetSize() + personal_bytes +
         request_bytes;
}

Result<Event, EventFault> Event::parse(ByteView envelope) {
  assert(reinterpret_cast<std::uintptr_t>(envelope.data()) % alignment_bytes == 0);
  if (envelope.size() <= prefix_bytes || envelope.size() > envelope_bytes_max) return Unexpected{EventFault::malformed};
  if (envelope[0] != event_format_version) return Unexpected{EventFault::unsupported_version};
  const auto reserved = envelope.subspan(1, reserved_bytes);
  if (!std::ranges::all_of(reserved, [](std::uint8_t byte) { return byte == 0; })) {
    return Unexpected{EventFault::malformed};
  }

  const ByteView bytes = envelope.subspan(prefix_bytes);
  flatbuffers::Verifier::Options limits;
  limits.max_depth = 16;
  limits.max_tables = 4096;
  flatbuffers::Verifier verifier(bytes.data(), bytes.size(), limits);
  if (!fb::VerifyEventBuffer(verifier)) return Unexpected{EventFault::malformed};

  Event event;
  event.envelope_ = envelope;
  event.event_ = fb::GetEvent(bytes.data());
  const std::uint8_t* const header = event.event_->header()->data();
  if ((header - bytes.data()) % static_cast<std::ptrdiff_t>(alignment_bytes) != 0)
    return Unexpected{EventFault::malformed};
  event.header_ = event.event_->header_nested_root();
  if (event.header_->format_version() != event_format_version) return Unexpected{EventFault::unsupported_version};
  if (!is_complete(*event.header_)) return Unexpected{EventFault::malformed};
  if (event.type() == fb::Payload::NONE) return Unexpected{EventFault::malformed};
  if (event.type() > fb::Payload::MAX) return Unexpected{EventFault::unsupported_version};
  return event;
}

AccountHead Event::previous() const {
  return {.version = account_version() - 1,
          .position = header_->previous_position().value_or(0),
          .leaf = flatbuffers::UnPack(*header_->previous_leaf())};
}

KeyId Event::key_id() const { return *KeyId::from(envelope_.subspan(key_id_at, KeyId::size)); }

Signature Event::signature() const { return *Signature::from(envelope_.subspan(signature_at, Signature::size)); }

bool Event::verify(const Verifier& verifier) const {
  return key_id() == verifier.id &&
         verifier.verify(as_bytes(signed_message(envelope_.subspan(prefix_bytes))), signature());
}

SecretKey Event::event_key(const SecretKey& data_key) const { return key_of_event(data_key, position(), account()); }

bool Event::commits_to(const SecretKey& event_key) const {
  return is_sealed() && daicho::commits_to(sealed(), event_key);
}

std::optional<fb::PersonalT> Event::open_with(const SecretKey& event_key) const {
  fb::PersonalT personal;
  if (!is_sealed()) return personal;
  const ByteView header{event_->header()->data(), event_->header()->size()};
  auto opened = open_sealed(event_key, sealed(), header);
  if (!opened) return std::nullopt;
  const ByteView plain = as_bytes(*opened);
  flatbuffers::Verifier verifier(plain.data(), plain.size());
  const bool good = verifier.VerifyBuffer<fb::Personal>();
  if (good) flatbuffers::GetRoot<fb::Personal>(plain.data())->UnPackTo(&personal);
  wipe(*opened);
  if (!good) return std::nullopt;
  return personal;
}

std::vector<std::uint32_t> Event::request_slots() const {
  const auto* const slots = has_signed_request() ? event_->signed_request()->slots() : nullptr;
  return slots ? std::vector<std::uint32_t>(slots->begin(), slots->end()) : std::vector<std::uint32_t>();
}

std::optional<SignedRequest> Event::open_request(const SecretKey& request_key) const {
  const auto* const part = has_signed_request() ? event_->signed_request()->sealed() : nullptr;
  if (!part) return std::nullopt;
  const ByteView header{event_->header()->data(), event_->header()->size()};
  auto opened = open_sealed(key_of_request(request_key, position(), account()), {part->data(), part->size()}, header);
  if (!opened) return std::nullopt;
  const ByteView plain = as_bytes(*opened);
  flatbuffers::Verifier verifier(plain.data(), plain.size());
  std::optional<SignedRequest> request;
  if (verifier.VerifyBuffer<fb::RequestSignature>()) {
    const auto* const kept = flatbuffers::GetRoot<fb::RequestSignature>(plain.data());
    const auto bytes = [](const auto* vector) {
      return vector ? ByteView(vector->data(), vector->size()) : ByteView();
    };
    const auto key = PublicKey::from(bytes(kept->public_key()));
    const auto signature = Signature::from(bytes(kept->signature()));
    if (key && signature && kept->base()) request = SignedRequest{*key, kept->base()->str(), *signature};
  }
  wipe(*opened);
  return request;
}

}  // namespace daicho
