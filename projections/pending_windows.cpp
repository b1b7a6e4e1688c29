#include "projections/pending_windows.hpp"

#include "projections/event_fields.hpp"

namespace daicho {

namespace {

void close(PendingWindows& windows, WindowOutcome outcome, Time at, Position position) {
  if (!windows.open) return;
  windows.last = ClosedWindow{*windows.open, outcome, at, position};
  windows.open.reset();
}

}  // namespace

void complete_window(PendingWindows& windows, Time effective_at, Position position) {
  if (windows.open) windows.open->effective_at = effective_at;  // a recovery code brought it forward (R-LOST-2)
  close(windows, WindowOutcome::completed, effective_at, position);
}

void evolve(PendingWindows& windows, const Event& event) {
  if (const auto* opened = event.as<fb::ReplacementOpened>()) {
    const Id id = id_of(opened->replacement_id());
    if (windows.open && windows.open->id == id) {  // a recovery code came later: only this shortens it (R-LOST-4)
      windows.open->expedited = opened->expedited();
      return;
    }
    Window window;
    window.id = id;
    window.opened_at = event.time();
    window.opened = event.position();
    window.expedited = opened->expedited();
    window.token_hash = tag_of(opened->token_hash());
    window.link_hash = tag_of(opened->link_hash());
    windows.open = window;
  } else if (const auto* confirmed = event.as<fb::ReplacementConfirmed>(); confirmed && windows.open) {
    if (!windows.open->confirmed_at) {
      windows.open->confirmed_at = event.time();
      windows.open->confirmed = event.position();
    }
    windows.open->effective_at = confirmed->effective_at();
  } else if (const auto* completed = event.as<fb::ReplacementCompleted>()) {
    complete_window(windows, completed->effective_at(), event.position());
  } else if (event.as<fb::ReplacementCancelled>()) {
    close(windows, WindowOutcome::cancelled, event.time(), event.position());
  } else if (event.as<fb::AccountClosed>() || event.as<fb::AccountExpired>()) {
    close(windows, WindowOutcome::ended, event.time(), event.position());
  } else if (event.as<fb::ReplacementDisputed>()) {
    close(windows, WindowOutcome::disputed, event.time(), event.position());
  }
}

}  // namespace daicho
