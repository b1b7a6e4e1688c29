// projections/identity.hpp — the account itself: registration, name, password, recovery code, devices and sign-ins
// (R-ACC-*, R-PWD-*, R-PRF-9, R-PRF-10).
#pragma once

#include "ledger/event.hpp"

namespace daicho {

inline constexpr std::size_t password_events_kept_max =
    25;                                                     ///< the current one and the longest history a policy allows
inline constexpr std::size_t profile_events_kept_max = 64;  ///< the first and the newest others
inline constexpr std::size_t devices_kept_max = 32;

struct Device {
  Tag16 tag;
  Time last_sign_in = 0;  ///< 0: never
  Time verified_at = 0;   ///< 0: never; a later change asks again (R-ACC-7)
  Position verified = 0;  ///< of the challenge passed on it
  bool operator==(const Device&) const = default;
};

struct Identity {
  fb::Plan plan = fb::Plan::free;
  Time registered_at = 0;
  Position registered = 0;         ///< whose sealed part holds name and profile
  std::vector<Position> profiles;  ///< events whose sealed part holds a profile, oldest first: all once true (R-ACC-3)
  bool name_confirmed = false;
  Id name_link_id;                 ///< the link that confirms it
  std::optional<Tag16> name_link;  ///< its hash
  Time name_link_expires_at = 0;
  fb::Grade grade = fb::Grade::none;
  std::vector<Position> passwords;  ///< events whose sealed part holds a verifier, oldest first
  Time password_changed_at = 0;
  std::vector<Time> wrong_passwords;  ///< the current one asked for again, within the last hour
  bool two_step = false;
  Id recovery_code;  ///< all zero: none
  Tag16 recovery_code_hash;
  std::vector<Time> wrong_recovery_codes;  ///< of the last hour
  Time changed_at = 0;                     ///< newest change of proofs, password or profile since registration; 0: none
  Position changed = 0;                    ///< its event: two may share an instant
  std::vector<Device> devices;             ///< most recently seen last
  std::vector<Tag16> locations;            ///< of successful sign-ins, most recent last
  Time last_sign_in = 0;
  std::uint64_t failed_sign_ins = 0;  ///< since the last success
  bool operator==(const Identity&) const = default;

  const Device* find_device(const Tag16& tag) const;
  /// Somebody signed in on it, or there, since the last reset; of no device and no place, never.
  bool is_familiar_device(const Tag16& tag) const;
  bool is_familiar_place(const Tag16& tag) const;
};

void evolve(Identity& identity, const Event& event);
/// The account was recovered, or its proofs replaced: a recovery code issued before counts no more.
void void_recovery_code(Identity& identity);

/// Whether an event changes security information, password or profile: devices are asked again (R-ACC-7, R-PRF-10).
bool is_change(const Event& event);

}  // namespace daicho
