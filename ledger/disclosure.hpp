// ledger/disclosure.hpp — single events opened for a third party, in one file: envelopes, the keys of their sealed
// parts, inclusion proofs, a checkpoint (docs/disclosure.md). What is in it opens these events and no others. Pure.
#pragma once

#include "ledger/key_history.hpp"

namespace daicho {

inline constexpr std::size_t disclosure_events_max = 256;  ///< of one file, rotations among them
inline constexpr std::size_t disclosure_bytes_max = 32 << 20;

struct DisclosedEvent {
  Position position = 0;
  std::string envelope;
  std::optional<SecretKey> key = std::nullopt;  ///< of this event alone; absent: its sealed part, if any, stays closed
  std::vector<Hash> path = {};                  ///< RFC 6962 section 2.1.1, in the checkpoint's tree
};

struct Disclosure {
  std::vector<DisclosedEvent> events;  ///< in order of position; each rotation below the checkpoint's size is there
  std::string checkpoint;              ///< a signed note, with all its signatures
};

/// What is checked, in this order. The names are in docs/disclosure.md and are what scripts look for.
enum class DisclosureCheck {
  form,         ///< the file reads to its last byte
  event,        ///< each envelope is an event of a known format, and stands where the file says
  signature,    ///< each is signed by the key in force at its position
  checkpoint,   ///< it is signed by the key in force at its size
  inclusion,    ///< each path leads to the checkpoint's root
  commitment,   ///< each key is the one that the event commits to
  sealed_part,  ///< it opens under that key, with the header as it is
};
const char* name(DisclosureCheck check);

struct DisclosureFault {
  DisclosureCheck check;
  std::string words;
};

/// Has keys in it: the caller wipes it.
std::string write_disclosure(const Disclosure& disclosure);
/// Whether a file begins as one, read on or not.
bool is_disclosure(std::string_view file);
Result<Disclosure, DisclosureFault> read_disclosure(std::string_view file);

struct OpenedEvent {
  Event event;
  std::optional<fb::PersonalT> personal;  ///< nullopt: no key was given
};
/// Views into the disclosure, which must outlive it.
struct CheckedDisclosure {
  Checkpoint checkpoint;
  KeyHistory keys;  ///< as far as the disclosure tells it
  std::vector<OpenedEvent> events;
};
/// All but `form`. `first` is the log's first verifier, trusted from elsewhere.
Result<CheckedDisclosure, DisclosureFault> check_disclosure(const Disclosure& disclosure, const Verifier& first);

}  // namespace daicho
