#include "projections/identity.hpp"

#include <algorithm>

#include "projections/event_fields.hpp"
#include "projections/marks.hpp"

namespace daicho {

const Device* Identity::find_device(const Tag16& tag) const {
  const auto found = std::ranges::find(devices, tag, &Device::tag);
  return found == devices.end() ? nullptr : &*found;
}

bool Identity::is_familiar_device(const Tag16& tag) const {
  const Device* device = tag.is_zero() ? nullptr : find_device(tag);
  return device && device->last_sign_in > 0;
}

bool Identity::is_familiar_place(const Tag16& tag) const {
  return !tag.is_zero() && std::ranges::find(locations, tag) != locations.end();
}

void void_recovery_code(Identity& identity) {
  identity.recovery_code = Id{};
  identity.recovery_code_hash = Tag16{};
}

bool is_change(const Event& event) {
  switch (event.type()) {
    case fb::Payload::ProofAdded:
    case fb::Payload::ProofRemoved:
    case fb::Payload::ProfileChanged:
    case fb::Payload::PasswordChanged:
    case fb::Payload::PasswordReset:
    case fb::Payload::TwoStepEnabled:
    case fb::Payload::TwoStepDisabled:
    case fb::Payload::ReplacementCompleted:
      return true;
    default:
      return false;
  }
}

namespace {

Device& touch_device(Identity& identity, const Tag16& tag) {
  auto found = std::ranges::find(identity.devices, tag, &Device::tag);
  Device device{tag, 0, 0, 0};
  if (found != identity.devices.end()) {
    device = *found;
    identity.devices.erase(found);
  } else if (identity.devices.size() >= devices_kept_max) {
    identity.devices.erase(identity.devices.begin());
  }
  identity.devices.push_back(device);
  return identity.devices.back();
}

void touch_location(Identity& identity, const Tag16& tag) {
  if (tag.is_zero()) return;
  std::erase(identity.locations, tag);
  if (identity.locations.size() >= devices_kept_max) identity.locations.erase(identity.locations.begin());
  identity.locations.push_back(tag);
}

void set_password(Identity& identity, fb::Grade grade, const Event& event) {
  identity.grade = grade;
  identity.password_changed_at = event.time();
  identity.wrong_passwords.clear();
  if (identity.passwords.size() >= password_events_kept_max) identity.passwords.erase(identity.passwords.begin());
  identity.passwords.push_back(event.position());
}

void add_profile(Identity& identity, const Event& event) {
  if (identity.profiles.size() >= profile_events_kept_max) identity.profiles.erase(identity.profiles.begin() + 1);
  identity.profiles.push_back(event.position());
}

void evolve_changes(Identity& identity, const Event& event) {
  if (!is_change(event)) return;
  // The proofs given at registration are no change: they follow AccountRegistered in the same command.
  const bool is_birth = event.header().caused_by() == flatbuffers::Optional<Position>(identity.registered);
  if (event.as<fb::ProofAdded>() && is_birth) return;
  const auto* completed = event.as<fb::ReplacementCompleted>();  // as of the window's end, however late (R-LOST-6)
  identity.changed_at = std::max(identity.changed_at, completed ? completed->effective_at() : event.time());
  identity.changed = event.position();
}

void evolve_sign_ins(Identity& identity, const Event& event) {
  if (const auto* succeeded = event.as<fb::SignInSucceeded>()) {
    identity.last_sign_in = event.time();
    identity.failed_sign_ins = 0;
    if (const Tag16 tag = tag_of(succeeded->device_tag()); !tag.is_zero()) {
      touch_device(identity, tag).last_sign_in = event.time();
    }
    touch_location(identity, tag_of(succeeded->location_tag()));
  } else if (event.as<fb::SignInFailed>()) {
    ++identity.failed_sign_ins;
  } else if (const auto* passed = event.as<fb::ChallengePassed>()) {
    if (const Tag16 tag = tag_of(passed->device_tag()); !tag.is_zero()) {
      Device& device = touch_device(identity, tag);
      device.verified_at = event.time();
      device.verified = event.position();
    }
  }
}

void evolve_secrets(Identity& identity, const Event& event) {
  if (const auto* reset = event.as<fb::PasswordReset>()) {
    set_password(identity, reset->grade(), event);
    // Devices and places are familiar by sign-ins since the last reset: those of an intruder are forgotten.
    for (Device& device : identity.devices) device.last_sign_in = 0;
    identity.locations.clear();
    if (!id_of(reset->recovery_id()).is_zero()) void_recovery_code(identity);
  } else if (event.as<fb::ReplacementCompleted>() || event.as<fb::ReplacementDisputed>()) {
    void_recovery_code(identity);
  } else if (const auto* changed = event.as<fb::PasswordChanged>()) {
    set_password(identity, changed->grade(), event);
  } else if (const auto* password = event.as<fb::PasswordRejected>()) {
    if (password->reason() == fb::CodeRejection::wrong) add_mark(identity.wrong_passwords, event.time());
  } else if (const auto* issued = event.as<fb::RecoveryCodeIssued>()) {
    identity.recovery_code = id_of(issued->code_id());
    identity.recovery_code_hash = tag_of(issued->code_hash());
  } else if (event.as<fb::RecoveryCodeUsed>()) {
    void_recovery_code(identity);
    identity.wrong_recovery_codes.clear();
  } else if (const auto* code = event.as<fb::RecoveryCodeRejected>()) {
    if (code->reason() == fb::CodeRejection::wrong) add_mark(identity.wrong_recovery_codes, event.time());
  } else if (event.as<fb::TwoStepEnabled>()) {
    identity.two_step = true;
  } else if (event.as<fb::TwoStepDisabled>()) {
    identity.two_step = false;
  }
}

}  // namespace

void evolve(Identity& identity, const Event& event) {
  if (const auto* registered = event.as<fb::AccountRegistered>()) {
    identity.plan = registered->plan();
    identity.registered_at = event.time();
    identity.registered = event.position();
    identity.name_confirmed = registered->name_confirmed();
    set_password(identity, registered->grade(), event);
    add_profile(identity, event);
  } else if (const auto* asked = event.as<fb::SignInNameConfirmationRequested>()) {
    identity.name_link_id = id_of(asked->link_id());
    identity.name_link = tag_of(asked->token_hash());
    identity.name_link_expires_at = asked->expires_at();
  } else if (event.as<fb::SignInNameConfirmed>()) {
    identity.name_confirmed = true;
    identity.name_link.reset();
  } else if (event.as<fb::ProfileChanged>()) {
    add_profile(identity, event);
  }
  evolve_secrets(identity, event);
  evolve_changes(identity, event);
  evolve_sign_ins(identity, event);
}

}  // namespace daicho
