// commands/executor_run.hpp — one command on its way through the executor. Internal to executor*.cpp.
#pragma once

#include <map>
#include <unordered_map>

#include "commands/decoy.hpp"
#include "commands/executor.hpp"

namespace daicho {

/// The locks of one command, taken in one order so that no two commands wait for each other.
class Executor::Stripes {
 public:
  Stripes(std::array<std::mutex, lock_stripes>& stripes, std::vector<std::uint64_t> hashes);
  explicit Stripes(std::array<std::mutex, lock_stripes>& stripes);  ///< all of them: nothing else is in flight
  ~Stripes();
  Stripes(const Stripes&) = delete;
  Stripes& operator=(const Stripes&) = delete;

 private:
  std::array<std::mutex, lock_stripes>& stripes_;
  std::vector<std::size_t> held_;
};

/// Which lock something has: an account, by its id; a name, by its tag.
inline std::uint64_t hash_of(ByteView bytes) { return std::hash<std::string_view>{}(as_text(bytes)); }

struct Executor::SlotKey {
  SecretKey key;
  Vault vault;
  std::optional<RowChange> drawn;  ///< kept when an event is under it
};

struct Executor::Run {
  Request request;
  Id account_id;    ///< all zero: the ledger itself
  Account account;  ///< as stored, then as of the events that are folded
  std::shared_ptr<const LedgerState> ledger;
  std::optional<SecretKey> data_key;
  std::optional<RowChange> key_row;  ///< a data key drawn for a new account
  std::optional<Vault> vault;
  std::map<std::uint32_t, std::unique_ptr<const SlotKey>> slots;  ///< that were asked for; null: there is none
  std::optional<Decoy> decoy;                                     ///< instead of an account, when nobody has the name
  std::optional<std::string> name;   ///< the sign-in name being registered, in normalised form
  std::vector<std::string> history;  ///< envelopes of the account's events, when something of it is erased
  bool has_erased = false;
  std::unordered_map<Position, std::shared_ptr<const fb::PersonalT>> opened;
  std::map<fb::RecoveryField, std::vector<Evidence>> evidence;
  std::shared_ptr<const Signer> next_signer;  ///< of a rotation
  bool secrets_asked = true;                  ///< false: left out, the decision was going to refuse
  Decision decision;
  LedgerState ledger_after;
  std::optional<Answer> answer;

  bool is_ledgers_own() const { return account_id.is_zero(); }
  bool is_registration() const { return std::holds_alternative<RegisterAccount>(request.command); }
  const Policy& policy() const { return ledger->policy; }
  bool is_erased() const { return account.life.end && account.life.end->is_erased(); }
  AccountHead head() const { return is_ledgers_own() ? ledger->head : account.head; }
};

/// The command as one that shows sealed fields; null: it shows none.
Access* access_in(Command& command);

/// Key of the row that keeps a command's first answer.
std::string answer_row_key(const Issuer& issuer);
std::string answer_row_key(const Event& event);  ///< of the command that the event is of
/// What makes two bodies the same command (keyed: bodies hold secrets).
Tag32 fingerprint(const Request& request, const KeyRing& keys);
/// Likewise without the body, of which nothing is kept: of a command that erases an account, or comes after.
Tag32 fingerprint_of_closing(const Request& request, const KeyRing& keys);

std::string encode_first_answer(const Tag32& fingerprint, const Id& account, const Answer& answer,
                                const SecretKey& data_key, const std::string& row_key);
struct FirstAnswer {
  Tag32 fingerprint;
  Id account;
  std::string sealed;
};
std::optional<FirstAnswer> parse_first_answer(ByteView row);
/// nullopt: its key is gone, or it was altered.
std::optional<Answer> open_first_answer(const FirstAnswer& first, const SecretKey& data_key,
                                        const std::string& row_key);

/// The store failed: nothing more is accepted until the ledger is opened anew.
inline Fault fault_of(const StoreError& error) { return {FaultKind::stopped, error.detail}; }

/// What of one kind began to wait by `until`, longest first: accounts', or decoys'.
Result<std::vector<Due>, Fault> waiting_since(const Store& store, bool decoys, DueKind kind, Time until);

}  // namespace daicho
