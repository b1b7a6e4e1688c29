// commands/executor.hpp — runs commands against one open ledger: loads state, decides, appends, folds, answers.
//
// Any number of threads. Commands of one account run one after the other, each from the state the one before left
// durable, so limits and guess budgets cannot be raced; commands of different accounts run side by side and share
// commits (ledger/log.hpp). A command is all or nothing. Its answer, when it appended events, is kept under (service,
// idempotency key) in the same commit: the same key and body get the first answer again, another body is refused.
#pragma once

#include <array>
#include <atomic>
#include <mutex>
#include <variant>

#include "commands/access.hpp"
#include "commands/blocking.hpp"
#include "commands/disclosure.hpp"
#include "commands/evidence.hpp"
#include "commands/key_rotation.hpp"
#include "commands/life_cycle.hpp"
#include "commands/master_rotation.hpp"
#include "commands/passwords.hpp"
#include "commands/policy_adoption.hpp"
#include "commands/proofs.hpp"
#include "commands/recovery.hpp"
#include "commands/registration.hpp"
#include "commands/replacement.hpp"
#include "commands/restoring.hpp"
#include "commands/services.hpp"
#include "commands/sign_in.hpp"
#include "commands/two_step.hpp"
#include "ledger/log.hpp"
#include "projections/replay.hpp"

namespace daicho {

/// Digests of the projections, recorded by the scheduler so that an audit can say where a difference began.
struct RecordProjectionDigests {
  std::uint64_t size = 0;
  std::vector<TableDigest> digests;
};
/// Refusals that were counted instead of recorded one by one (R-LED-1).
struct CountRefusals {
  Rule rule;
  std::uint64_t count = 0;
  Time since = 0;
};

using Command =
    std::variant<RegisterAccount, ConfirmSignInName, ChangeProfile, ChangePassword, RecordSignIn, EnableTwoStep,
                 DisableTwoStep, MergeAccounts, AddProof, VerifyProof, ReplaceProof, RemoveProof, IssueRecoveryCode,
                 StartChallenge, SendCode, RecordDelivery, SubmitCode, AnswerSecretQuestion, UseRecoveryCode,
                 ResetPassword, TrustDevice, MarkProofsLost, ProposeReplacementProof, ConfirmReplacementProof,
                 CancelReplacement, DisputeReplacement, CompleteReplacement, SubmitRecovery, DecideRecovery,
                 SendRecoverySurvey, BlockAccount, UnblockAccount, RecordEvidence, DeactivateMailbox, ExpireAccount,
                 CloseAccount, CloseAgain, CloseExpiredAccount, EraseDataKey, CompleteErasure, RecordAccess,
                 DiscloseEvents, AdoptPolicy, RegisterService, RevokeService, RotateSigningKey, RotateMasterKey,
                 RotateLookupKey, AcceptRestore, RecordProjectionDigests, CountRefusals, RefuseCommand>;

/// Whether anybody at a public page causes this command: one that names an unknown account must not tell (R-ACC-6).
bool is_public(const Command& command);

inline constexpr std::size_t idempotency_key_bytes_max = 255;
inline constexpr std::size_t service_bytes_max = 64;

struct Request {
  Command command;
  std::optional<Id> account;  ///< absent for register-account and the ledger's own commands
  /// Instead, with a public command: a sign-in name in normalised form that no open account has. A decoy answers.
  std::optional<std::string> unknown_name = std::nullopt;
  Issuer issuer;     ///< command_id is the idempotency key
  std::string body;  ///< the command's JSON in canonical form: what the fingerprint is made of
  std::optional<std::uint64_t> expected_version;
  bool is_anybody = false;  ///< nobody had to say who asks: it counts while no service is registered
};

/// Not a rule's no: the caller or the world.
enum class FaultKind {
  no_such_account,
  key_reused,        ///< the idempotency key was used with another body
  version_conflict,  ///< expected_version is not the current one
  too_large,         ///< the event would exceed envelope_bytes_max
  busy,              ///< queue or password pool full: try later
  stopped,           ///< storage failed: nothing is accepted until the ledger is opened anew
  damaged,           ///< what is stored is not as it was written: an audit says more
  answer_erased,     ///< the idempotency key was used; its answer went with what it was about
};
struct Fault {
  FaultKind kind;
  std::string detail;
  std::optional<std::uint64_t> current_version = std::nullopt;
};

/// What the caller is told, in the catalogue's form: `{events, …}`, or `{rule, code, title, detail, retry_at?, …}`.
struct Answer {
  Json body;
  bool is_refusal = false;
  bool replayed = false;  ///< the first answer, given again
};

/// As answers have it: `{rule, code, title, detail, retry_at?, …}`.
Json refusal_json(const Refusal& refusal);

class Executor {
 public:
  /// The caller keeps store, log and keys alive. Reads the ledger's state; `corrupt` when its rows need a rebuild.
  static Result<std::unique_ptr<Executor>, StoreError> open(Store& store, Log& log, KeyRing& keys, Entropy entropy,
                                                            unsigned password_threads);

  Result<Answer, Fault> execute(Request request);

  /// What is due at the log's time: windows that ran out, recoveries to be decided, surveys, idle mailboxes and
  /// accounts, what was kept long enough after its removal or expiry, erasures that are unfinished, refusals counted,
  /// digests once a day (R-LOST-6, R-REC-7, R-LIFE-1…3, R-PRF-5). Returns one answer for each thing done. Running it
  /// again at once does nothing.
  Result<std::vector<Answer>, Fault> tick();

  /// What a tick would find, by kind. Decoys are counted, too, so that the numbers do not tell who has an account; no
  /// count is higher than what one tick does (10,000). Cost: a scan of these rows.
  struct Overdue {
    DueKind kind = DueKind::replacement;
    std::uint64_t count = 0;
    Duration oldest = 0;  ///< how long the first of them has been due
  };
  struct DueReadings {
    std::vector<Overdue> overdue;    ///< every kind, in the enum's order
    std::uint64_t open_windows = 0;  ///< with a confirmed proof, not run out
  };
  Result<DueReadings, Fault> due_readings() const;

  PasswordPool::Load password_load() { return passwords_.load(); }

  /// The erasures among these, up to 10,000 of them: none is left when it returns no answer. `busy` while an old file
  /// is still read.
  Result<std::vector<Answer>, Fault> finish_erasures();

  /// Without it rotate-signing-key has nowhere to keep the new key, and is told to try later. Before the first command.
  void set_signing_key_place(SigningKeyPlace place) { key_place_ = std::move(place); }

  /// Wraps every key anew under `next`, beside other commands, in batches; records it; and clears the store's files of
  /// what the old key opens. Goes on with a rotation that was interrupted, whatever `next` is; without one and without
  /// `next` it does nothing. The issuer's idempotency key must be new. `busy` when it is on record and a file is still
  /// read by somebody: call it again.
  Result<Answer, Fault> rotate_master_key(const Issuer& issuer, std::optional<SecretKey> next);

  LedgerState ledger() const;  ///< as of the newest commit of the ledger's own

 private:
  Executor(Store& store, Log& log, KeyRing& keys, Entropy entropy, unsigned password_threads);

  struct Run;      // one command on its way: executor_run.hpp
  struct SlotKey;  // a data key beside the account's own
  class Stripes;   // the locks a command holds

  std::optional<Refusal> check_issuer(const Run& run) const;
  Result<Answer, Fault> run(Run& run);
  Result<Answer, Fault> run_decoy(Run& run);
  std::optional<Fault> load(Run& run);
  std::optional<SecretKey> data_key_of(const Id& account) const;
  std::optional<Result<Answer, Fault>> first_answer(const Run& run) const;
  std::optional<Fault> prepare(Run& run);
  std::optional<Fault> ask_secrets(Run& run);
  Decision decide_at(Run& run, Time now) const;
  Context context_of(Run& run, Time now) const;
  std::shared_ptr<const fb::PersonalT> personal_of(Run& run, const std::vector<Event>& appended,
                                                   Position position) const;
  Rows fold(Run& run, const std::vector<Event>& events, const std::vector<Hash>& leaves) const;
  Answer answer_of(Run& run, const Account& shown, const Context& context, const std::vector<Event>& events) const;
  std::shared_ptr<const LedgerState> ledger_state() const;
  void finish(Run& run);
  Id new_id(Time now) const;
  Result<Answer, Fault> execute_for_scheduler(Command command, const Id& account, const char* name, std::string key);
  std::optional<Fault> run_due(std::vector<Answer>& done);
  std::optional<Fault> prepare_erasure(Run& run) const;
  void append_erasure(Rows& rows, const Run& run, std::span<const Event> appended) const;
  const SlotKey* slot_key(Run& run, std::uint32_t slot) const;
  const SlotKey& drawn_key(Run& run, std::uint32_t slot) const;
  void append_drawn_keys(Rows& rows, const Run& run, std::span<const Event> appended) const;
  std::vector<std::uint32_t> slots_concerned(const Run& run, std::span<const Draft> drafts) const;
  Hash command_digest(Run& run, std::span<const Draft> drafts) const;
  std::shared_ptr<const RequestToSeal> request_to_seal(Run& run, std::span<const Draft> drafts) const;
  std::optional<SecretKey> ledger_key() const { return keys_.data_key(store_, Id{}); }
  std::optional<Result<Answer, Fault>> record_digests();
  std::optional<Fault> begin_master_rotation(SecretKey next);
  std::optional<Fault> rewrap_keys();
  Result<std::uint64_t, Fault> count_keys() const;
  std::optional<Fault> clear_files_of_old_keys();
  std::optional<Fault> keep_next_signer(Run& run, RotateSigningKey& command);
  std::optional<Fault> draw_lookup_key(Run& run, RotateLookupKey& command) const;
  void settle_next_signer(const Run& run, const Result<std::vector<Place>, LogError>& places);

  static constexpr std::size_t lock_stripes = 4'096;

  Store& store_;
  Log& log_;
  KeyRing& keys_;  // what it changes is the master key, which is guarded in there
  Entropy entropy_;
  PasswordPool passwords_;
  SigningKeyPlace key_place_;
  std::array<std::mutex, lock_stripes> stripes_;

  mutable std::mutex ledger_mutex_;  // guards ledger_
  std::shared_ptr<const LedgerState> ledger_;

  struct Counted {
    std::uint64_t count = 0;
    Time since = 0;
    bool is_decoys = false;  ///< not among what a tick says it did
  };
  std::mutex erasures_mutex_;  // held while erasures are finished: those that come meanwhile share the next round

  std::mutex master_mutex_;  // held while the master key is rotated

  std::mutex counted_mutex_;  // guards counted_
  std::map<std::pair<Id, std::uint16_t>, Counted> counted_;
};

}  // namespace daicho
