// ledger/event.hpp — one event: what is decided (Draft), what is stored (the envelope), and how it is read (Event).
// Format: docs/ledger-format.md. An Event is a view: it does not own the envelope's bytes and must not outlive them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "event_generated.h"
#include "ledger/result.hpp"
#include "ledger/sealing.hpp"
#include "ledger/signed_request.hpp"
#include "ledger/signing.hpp"
#include "ledger/time.hpp"

namespace daicho {

using Position = std::uint64_t;  ///< number of an event in the log, from 0, no gaps

inline constexpr std::uint16_t event_format_version = 1;
inline constexpr std::size_t envelope_bytes_max = 65'535;  ///< an entry of a tlog-tiles bundle (c2sp.org/tlog-tiles)

/// What a decision appends, before it has a place in the log.
struct Draft {
  fb::PayloadUnion payload;
  fb::PersonalT personal = {};
  std::vector<fb::NotificationT> notifications = {};
  std::vector<std::uint16_t> rules = {};
  std::optional<Position> caused_by = std::nullopt;  ///< absent: the first event of the same command, if this is not it
  /// Of the account's data key that its sealed part is under, and the tags in its payload that are made of such values.
  std::uint32_t sealed_slot = 0;
  /// On the first event of a command that its service signed.
  std::shared_ptr<const RequestToSeal> signed_request = nullptr;
};

/// Who asked for it; the same for every event of one command (R-LED-5).
struct Issuer {
  std::string service;
  std::string command;
  std::string command_id;
  Hash command_digest;
  std::string network;  ///< coarse
  std::string device_id;
  fb::Entry entry = fb::Entry::unknown;
  std::string ip, user_agent, request_id;                         ///< go to the sealed part
  std::shared_ptr<const SignedRequest> signed_request = nullptr;  ///< when the service signed the command
};

/// Where an account's history stands: what its next event links back to.
struct AccountHead {
  std::uint64_t version = 0;  ///< 0: no event yet
  Position position = 0;
  Hash leaf;
  bool operator==(const AccountHead&) const = default;
};

/// The place an event gets.
struct Place {
  Position position = 0;
  Time time = 0;
  Id account;
  AccountHead previous;
  std::uint32_t policy_version = 0;
};

/// Encodes, seals and signs. `data_key` is the account's of the draft's slot; without personal fields there is no
/// sealed part.
std::string encode_event(const Draft& draft, const Issuer& issuer, const Place& place, const SecretKey& data_key,
                         const Signer& signer);

/// Never less than the size of what encode_event makes of it: to refuse an event before it gets a place.
std::size_t envelope_bytes_bound(const Draft& draft, const Issuer& issuer);

enum class EventFault {
  malformed,
  unsupported_version,  ///< of the envelope or header, or a payload type that is not known here
};

class Event {
 public:
  /// Checks the FlatBuffers structure of event and header and that the header is complete: account, previous leaf,
  /// service, command, command id and digest, and source are never null. Not the signature.
  /// `envelope` must begin at a multiple of 8: at the begin of a std::string, say.
  static Result<Event, EventFault> parse(ByteView envelope);

  const fb::Header& header() const { return *header_; }
  Position position() const { return header_->position(); }
  Time time() const { return header_->time(); }
  Id account() const { return flatbuffers::UnPack(*header_->account()); }
  std::uint64_t account_version() const { return header_->account_version(); }
  AccountHead previous() const;  ///< what it links back to; version 0 on the account's first event
  fb::Payload type() const { return event_->payload_type(); }
  const char* type_name() const { return fb::EnumNamePayload(type()); }
  /// The payload as table T, or null when it is another type.
  template <class T>
  const T* as() const {
    return type() == fb::PayloadTraits<T>::enum_value ? static_cast<const T*>(event_->payload()) : nullptr;
  }
  const fb::Event& body() const { return *event_; }

  KeyId key_id() const;
  Signature signature() const;
  bool verify(const Verifier& verifier) const;
  bool is_sealed() const { return event_->sealed() != nullptr; }
  std::uint32_t sealed_slot() const { return event_->sealed_slot(); }
  /// nullopt: not this key, or altered. An event without a sealed part gives an empty Personal.
  std::optional<fb::PersonalT> open(const SecretKey& data_key) const { return open_with(event_key(data_key)); }

  /// The key of this event's sealed part and of nothing else: no other event's key, nor the data key, follows from it.
  SecretKey event_key(const SecretKey& data_key) const;
  bool commits_to(const SecretKey& event_key) const;  ///< false of every other key; also without a sealed part
  /// As `open`.
  std::optional<fb::PersonalT> open_with(const SecretKey& event_key) const;

  bool has_signed_request() const { return event_->signed_request() != nullptr; }
  std::vector<std::uint32_t> request_slots() const;  ///< data keys that it is under beside the account's own
  /// By `request_key()` of the data keys; nullopt: they are others, or it was altered.
  std::optional<SignedRequest> open_request(const SecretKey& request_key) const;

 private:
  ByteView sealed() const { return {event_->sealed()->data(), event_->sealed()->size()}; }

  ByteView envelope_;
  const fb::Event* event_ = nullptr;
  const fb::Header* header_ = nullptr;
};

}  // namespace daicho
