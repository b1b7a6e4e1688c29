// Commands that have nothing in common lead to one state in whatever order they come.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/support/commands_random.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

/// One of several commands that come at the same instant, in any order. What is drawn for it is its own, so that its
/// ids are the same wherever it stands.
struct Turn {
  std::uint64_t number;
  Id account;
  Command command;
};

Answer take(MemoryLedger& ledger, const Turn& turn) {
  ledger.draw_from(1'000 + turn.number);
  return ledger.run(turn.command, turn.account, {.key = "turn-" + std::to_string(turn.number)});
}

/// A number for each position that says which event of which command stands there.
class Places {
 public:
  explicit Places(const MemoryLedger& ledger) {
    std::map<std::string, int> seen;
    for (const Event& event : Journal(ledger).events) {
      const std::string command = event.header().command_id()->str();
      const std::string name = command + "/" + std::to_string(seen[command]++);
      places_.push_back(std::hash<std::string>{}(name));
    }
  }
  void rename(Position& position) const {
    if (position > 0) position = places_.at(position);  // 0: never; the ledger's own first event stands there
  }
  void rename(std::optional<Position>& position) const {
    if (position) rename(*position);
  }
  void rename(std::vector<Position>& positions) const {
    for (Position& position : positions) rename(position);
  }

 private:
  std::vector<Position> places_;
};

/// The account without what tells the order of commands: every position is that of a command's event.
Account unordered(Account account, const Places& places) {
  account.head = {account.head.version, 0, {}};
  Identity& identity = account.identity;
  places.rename(identity.registered);
  places.rename(identity.profiles);
  places.rename(identity.passwords);
  places.rename(identity.changed);
  for (Device& device : identity.devices) places.rename(device.verified);
  for (Proof& proof : account.proofs.all) {
    for (Position* position : {&proof.added, &proof.status_position, &proof.verified}) places.rename(*position);
  }
  if (account.block.current) places.rename(account.block.current->position);
  if (account.block.last) {
    places.rename(account.block.last->block.position);
    places.rename(account.block.last->position);
  }
  const auto rename_window = [&](Window& window) {
    places.rename(window.opened);
    places.rename(window.confirmed);
  };
  if (account.windows.open) rename_window(*account.windows.open);
  if (account.windows.last) {
    rename_window(account.windows.last->window);
    places.rename(account.windows.last->position);
  }
  for (Challenge& challenge : account.challenges.open) {
    places.rename(challenge.started);
    places.rename(challenge.passed);
  }
  for (Recovery& recovery : account.recoveries.all) {
    places.rename(recovery.submitted);
    places.rename(recovery.decided);
  }
  if (account.life.mailbox_off) places.rename(account.life.mailbox_off->position);
  if (account.life.end) places.rename(account.life.end->position);
  if (account.life.end && account.life.end->erasure) places.rename(account.life.end->erasure->position);
  std::ranges::sort(account.limits.refusals.by_rule, {}, &RecordedRefusals::rule);
  return account;
}

/// Rows of the tables that hold no position, and how many of every other.
std::map<std::string, std::string> other_rows(const MemoryLedger& ledger) {
  std::map<std::string, std::string> rows;
  std::map<char, int> counts;
  for (const auto& [key, value] : ledger.rows(Family::rows)) {
    ++counts[key[0]];
    if (key[0] == 'E' || key[0] == 'D' || key[0] == 'N' || key[0] == 'P') rows.emplace(key, value);
  }
  for (const auto& [table, count] : counts) rows.emplace(std::string(1, table) + " rows", std::to_string(count));
  return rows;
}

/// Runs the turns in the second order on another ledger; in words, what differs.
std::string difference(const MemoryLedger& one, const std::map<std::uint64_t, std::string>& outcomes,
                       MemoryLedger& other, const std::vector<Turn>& turns) {
  for (const Turn& turn : turns) {
    const std::string words = outcome(take(other, turn));
    if (words != outcomes.at(turn.number))
      return "turn " + std::to_string(turn.number) + ": " + outcomes.at(turn.number) + ", or " + words;
  }
  const Places places(one), other_places(other);
  for (const Turn& turn : turns) {
    if (unordered(one.account(turn.account), places) != unordered(other.account(turn.account), other_places))
      return "another account " + to_text(turn.account);
  }
  return other_rows(one) == other_rows(other) ? "" : "other rows";
}

/// Commands of one account of which each reads and changes what no other does.
struct Unrelated {
  MemoryLedger ledger;
  std::vector<Turn> turns;

  Unrelated() {
    const Id id = ledger.make_owner("owner@outlook.jp");
    const Id change = ledger.pass_challenge(id, fb::Purpose::change_security_info);
    ledger.run(AddProof{.challenge = change, .proof = new_mailbox("third@example.org")}, id);
    const auto start = [&] {
      const StartChallenge command{fb::Purpose::reset_password, {}, CharacterCheck{"a", "a"}};
      return id_in(ledger.run(command, id), "challenge_id");
    };
    const Id answering = start(), sending = start();
    const auto proofs = ledger.account(id).proofs.all;
    const Id first = proofs[0].id, second = proofs[1].id;
    ledger.run(SendCode{answering, first, fb::Channel::email, "first"}, id);
    const Id told = ledger.newest_mail(id, fb::NotificationKind::security_info_changed).notification;
    const std::vector<Command> commands = {
        RecordEvidence{{{"skype_id", "owner"}}},
        recovery_form(),
        RecordSignIn{.succeeded = false, .reason = "wrong_password"},
        SubmitCode{answering, "wrong"},
        SendCode{sending, second, fb::Channel::email, "nobody"},
        MergeAccounts{"other@outlook.jp"},
        ChangeProfile{change, {{"surname", "Suzuki"}}},
        RecordAccess{{"complaint", "C-1042", "staff-17"}, {"sign_in_name"}},
        DeactivateMailbox{fb::MailboxReason::owner},
        IssueRecoveryCode{change},
        RecordDelivery{.notification = told, .result = fb::DeliveryResult::accepted},
        MarkProofsLost{.proofs = {first, second}},
    };
    for (const Command& command : commands) turns.push_back({turns.size(), id, command});
  }
};

}  // namespace

SCENARIO("R-LED-2: commands of two accounts, in whatever order, lead to the same state") {
  const bool holds = rc::check("two accounts", [] {
    LifePlan plan = *life_plans();
    plan.habits.accounts_max = std::max<std::uint64_t>(plan.habits.accounts_max, 2);
    MemoryLedger one, other;
    RandomLife life(one, plan.habits), twin(other, plan.habits);
    const std::size_t shared = plan.dice.size() / 2;
    for (std::size_t i = 0; i < shared; ++i) {
      life.step(plan.dice[i]);
      twin.step(plan.dice[i]);
    }
    RC_PRE(life.accounts().size() >= 2U);
    std::vector<Turn> turns;
    std::map<std::uint64_t, std::string> outcomes;
    for (std::size_t i = shared; i < plan.dice.size(); ++i) {
      const Id& id = life.accounts()[plan.dice[i] % 2];
      turns.push_back({i, id, life.any_command(plan.dice[i], id)});
      outcomes[i] = outcome(take(one, turns.back()));
    }
    std::stable_partition(turns.begin(), turns.end(),
                          [&](const Turn& turn) { return turn.account == life.accounts()[1]; });
    const std::string found = difference(one, outcomes, other, turns);
    expect_in_life(life, found.empty(), found);
  });
  CHECK(holds);
}

SCENARIO("R-LED-2: commands of one account that have nothing in common, in whatever order, lead to the same state") {
  Unrelated one;
  std::map<std::uint64_t, std::string> outcomes;
  for (const Turn& turn : one.turns) {
    const Answer answer = take(one.ledger, turn);
    outcomes[turn.number] = outcome(answer);
    CHECK(answer.body.contains("events"));
  }
  const bool holds = rc::check("one account", [&] {
    Unrelated other;
    std::vector<Turn> turns;
    auto left = other.turns;
    while (!left.empty()) {
      const auto next = left.begin() + *rc::gen::inRange<std::ptrdiff_t>(0, std::ssize(left));
      turns.push_back(*next);
      left.erase(next);
    }
    const std::string found = difference(one.ledger, outcomes, other.ledger, turns);
    if (!found.empty()) RC_FAIL(found);
  });
  CHECK(holds);
}
