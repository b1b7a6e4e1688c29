// The proofs that count, in any life and at any instant, judged by a few lines that share nothing with the product.
// Trusted devices are left out: they lapse with the next change (R-PRF-10).
#include <doctest/doctest.h>

#include <set>

#include "projections/event_fields.hpp"
#include "projections/history.hpp"
#include "tests/support/commands_random.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

enum class Standing { waiting, counts, lost, proposed, confirmed, gone };

/// One account's proofs as its events tell them.
class Proofs {
 public:
  void follow(const Event& event) {
    settle(event.time());
    added(event);
    window(event);
    if (const auto* verified = event.as<fb::ProofVerified>()) become(id_of(verified->proof_id()), Standing::counts);
    if (const auto* removed = event.as<fb::ProofRemoved>()) become(id_of(removed->proof_id()), Standing::gone);
    if (const auto* reset = event.as<fb::PasswordReset>(); reset && !id_of(reset->recovery_id()).is_zero())
      all_from(Standing::waiting, Standing::gone);
    if (event.as<fb::AccountClosed>()) {
      ends_.reset();
      proofs_.clear();
      is_closed_ = true;
    }
  }
  /// The window that ended by now took effect at its end.
  void settle(Time now) {
    if (ends_ && *ends_ <= now) take_effect();
  }
  std::set<Id> counting() const {
    std::set<Id> counting;
    for (const auto& [id, proof] : proofs_) {
      if (proof.standing == Standing::counts || proof.standing == Standing::lost) counting.insert(id);
    }
    return counting;
  }
  int effects() const { return effects_; }  ///< windows that took effect so far
  bool is_closed() const { return is_closed_; }

 private:
  struct Known {
    Standing standing;
    Tag16 at;
  };

  void become(const Id& id, Standing standing) {
    if (const auto found = proofs_.find(id); found != proofs_.end()) found->second.standing = standing;
  }
  void all_from(Standing from, Standing to) {
    for (auto& [id, proof] : proofs_) {
      if (proof.standing == from) proof.standing = to;
    }
  }
  void take_effect() {
    ends_.reset();
    ++effects_;
    for (const Standing from : {Standing::lost, Standing::proposed, Standing::waiting}) all_from(from, Standing::gone);
    for (auto& each : proofs_) {
      Known& proof = each.second;
      if (proof.standing != Standing::confirmed) continue;
      const bool is_there = std::ranges::any_of(proofs_, [&](const auto& other) {
        return other.second.standing == Standing::counts && other.second.at == proof.at;
      });
      proof.standing = is_there ? Standing::gone : Standing::counts;
    }
  }
  void added(const Event& event) {
    if (const auto* proof = event.as<fb::ProofAdded>(); proof && proof->kind() != fb::ProofKind::trusted_device) {
      const bool is_question = proof->kind() == fb::ProofKind::secret_question;
      proofs_[id_of(proof->proof_id())] = {is_question ? Standing::counts : Standing::waiting,
                                           tag_of(proof->address_tag())};
    } else if (const auto* proposal = event.as<fb::ReplacementProofProposed>()) {
      all_from(Standing::proposed, Standing::gone);
      proofs_[id_of(proposal->proof_id())] = {Standing::proposed, tag_of(proposal->address_tag())};
    }
  }
  void window(const Event& event) {
    if (const auto* lost = event.as<fb::ProofsMarkedLost>()) {
      for (const Id& id : ids_of(lost->proof_ids())) become(id, Standing::lost);
    } else if (const auto* confirmed = event.as<fb::ReplacementConfirmed>()) {
      become(id_of(confirmed->proof_id()), Standing::confirmed);
      ends_ = confirmed->effective_at();
    } else if (event.as<fb::ReplacementCancelled>() || event.as<fb::ReplacementDisputed>()) {
      ends_.reset();
      all_from(Standing::lost, Standing::counts);
      for (const Standing from : {Standing::proposed, Standing::confirmed}) all_from(from, Standing::gone);
    } else if (event.as<fb::ReplacementCompleted>() && ends_) {  // else it was late
      take_effect();
    }
  }

  std::map<Id, Known> proofs_;
  std::optional<Time> ends_;
  int effects_ = 0;
  bool is_closed_ = false;
};

std::int64_t min_proofs(const fb::PolicyAdopted& adopted) {
  for (const fb::PolicyParameter* each : *adopted.parameters()) {
    if (each->name()->string_view() == "min_proofs") return each->number();
  }
  return 0;
}

/// In words, the first command that left an account with too few proofs and had no right to.
std::string undercut(const Journal& journal) {
  std::map<std::uint32_t, std::int64_t> required;
  std::map<Id, Proofs> accounts;
  for (std::size_t i = 0; i < journal.events.size();) {
    const Event& first = journal.events[i];
    if (const auto* adopted = first.as<fb::PolicyAdopted>()) required[adopted->version()] = min_proofs(*adopted);
    Proofs& proofs = accounts[first.account()];
    const std::size_t before = proofs.counting().size();
    const int effects = proofs.effects();
    const std::string command = first.header().command_id()->str();
    for (; i < journal.events.size() && journal.events[i].header().command_id()->string_view() == command; ++i)
      proofs.follow(journal.events[i]);
    const std::size_t left = proofs.counting().size();
    const bool is_documented = proofs.is_closed() || (proofs.effects() != effects && left > 0);
    const bool is_enough = std::cmp_greater_equal(left, required[first.header().policy_version()]);
    if (left < before && !is_enough && !is_documented)
      return std::to_string(left) + " proofs of " + std::to_string(before) + " left by position " + std::to_string(i);
  }
  return "";
}

std::set<Id> counting(const Account& account) {
  std::set<Id> ids;
  for (const Proof& proof : account.proofs.all) {
    if (proof.is_usable() && proof.kind != fb::ProofKind::trusted_device) ids.insert(proof.id);
  }
  return ids;
}

}  // namespace

SCENARIO("R-PRF-5 R-LOST-6: whatever happens, nothing but the end of a window takes an account below min_proofs") {
  const bool holds = holds_in_lives("min_proofs", [](MemoryLedger& ledger, RandomLife& life, const LifePlan& plan) {
    for (const std::uint64_t dice : plan.dice) life.step(dice);
    const std::string found = undercut(Journal(ledger));
    expect_in_life(life, found.empty(), found);
  });
  CHECK(holds);
}

SCENARIO("R-LOST-7: whatever happens, the proofs in force at any instant are those that the events tell of") {
  int windows = 0;
  const bool holds = holds_in_lives("in force", [&](MemoryLedger& ledger, RandomLife& life, const LifePlan& plan) {
    for (const std::uint64_t dice : plan.dice) life.step(dice);
    const Journal journal(ledger);
    std::vector<Time> times = {ledger.clock, ledger.clock + 40 * day_us};
    for (const Event& event : journal.events) times.push_back(event.time());
    for (const Id& id : life.accounts()) {
      std::vector<Time> instants = *rc::gen::container<std::vector<Time>>(3, rc::gen::elementOf(times));
      for (const Event& event : journal.events) {  // and each end of a window, with the microsecond before
        if (const auto* confirmed = event.as<fb::ReplacementConfirmed>(); confirmed && event.account() == id)
          for (const Time before : {0, 1}) instants.push_back(confirmed->effective_at() - before);
      }
      for (const Time instant : instants) {
        Proofs proofs;
        for (const Event& event : journal.events) {
          if (event.account() == id && event.time() <= instant) proofs.follow(event);
        }
        proofs.settle(instant);
        windows += proofs.effects();
        const auto found = account_at(ledger.store(), id, {instant, {}});
        REQUIRE(found);
        expect_in_life(life, proofs.counting() == (*found ? counting((*found)->account) : std::set<Id>{}),
                       "other proofs in force at " + to_rfc3339(instant));
      }
    }
  });
  CHECK(holds);
  CHECK(windows > 0);
}
