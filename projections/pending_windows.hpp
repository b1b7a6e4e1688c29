// projections/pending_windows.hpp — the 30-day window of an account: some proofs marked lost, new ones waiting
// (R-LOST-1…7).
#pragma once

#include "ledger/event.hpp"

namespace daicho {

struct Window {
  Id id;
  Time opened_at = 0;
  Position opened = 0;
  bool expedited = false;  ///< opened with a recovery code: effective when the new proof is confirmed
  Tag16 token_hash, link_hash;
  std::optional<Time> confirmed_at;  ///< from here the days count (R-LOST-3)
  std::optional<Position> confirmed;
  std::optional<Time> effective_at;
  bool operator==(const Window&) const = default;
};

enum class WindowOutcome : std::uint8_t { completed, cancelled, disputed, ended };  ///< ended: with the account

struct ClosedWindow {
  Window window;
  WindowOutcome outcome = WindowOutcome::completed;
  Time at = 0;
  Position position = 0;
  bool operator==(const ClosedWindow&) const = default;
};

struct PendingWindows {
  std::optional<Window> open;
  std::optional<ClosedWindow> last;
  bool operator==(const PendingWindows&) const = default;

  /// Whether the open window has run out: at the very instant of effect the effect wins (R-LOST-5).
  bool is_due(Time now) const { return open && open->effective_at && *open->effective_at <= now; }
};

void evolve(PendingWindows& windows, const Event& event);
void complete_window(PendingWindows& windows, Time effective_at, Position position);

}  // namespace daicho
