// tools/witness/store.hpp — a witness's directory, and the one lock under which it compares and sets.
//
//   DIR/witness.key               its key, `PRIVATE+KEY+…`                                0600
//   DIR/witness.vkey              its verifier (type 04), for anyone                      0644
//   DIR/lock                      held while it runs: one process a witness
//   DIR/logs/<hash>/checkpoint    by SHA-256 of the origin: what it cosigned last         0644
//   DIR/logs/<hash>/fork          the first checkpoint of a size cosigned with another root
//
// The state is the cosigned notes themselves: what is read back counts only as far as the witness's own key signed it.
// Never to be restored from a backup: a witness that forgets what it cosigned can be made to cosign another history.
#pragma once

#include <filesystem>
#include <mutex>

#include "ledger/witness.hpp"

namespace daicho {

/// Draws a key, creates the directory; its verifier. Fails when there is a witness already.
CosignatureVerifier init_witness(const std::filesystem::path& directory, const std::string& name);

class WitnessStore {
 public:
  /// Takes the lock, reads key and state. Failures: no witness there, already running, a state that it did not cosign.
  WitnessStore(std::filesystem::path directory, std::vector<Verifier> logs);
  ~WitnessStore();
  WitnessStore(const WitnessStore&) = delete;

  const CosignatureVerifier& verifier() const { return cosigner_.verifier(); }

  /// What is to be remembered is durable when it returns; a Failure, and nothing cosigned, when it cannot be.
  /// Any thread, one at a time.
  WitnessAnswer add_checkpoint(std::string_view body, std::uint64_t seconds);
  /// The newest cosigned checkpoint by the hash of its origin. Any thread.
  std::optional<std::string> checkpoint(std::string_view hash) const;

 private:
  void read_state();
  std::filesystem::path folder_of(std::string_view origin) const;

  const std::filesystem::path directory_;
  const std::vector<Verifier> logs_;
  int lock_file_ = -1;
  Cosigner cosigner_;

  mutable std::mutex mutex_;  // guards the rest, and the files below DIR/logs
  WitnessState state_;
};

}  // namespace daicho
