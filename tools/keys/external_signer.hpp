// tools/keys/external_signer.hpp — a signing key that lives in another process (docs/keys.md, section "Signing
// elsewhere").
//
// The helper is started once. A line on its standard input is a message in base64; the answer, a line on its standard
// output, is the Ed25519 signature in base64, or `error` and words. Answers come in the order of the messages; the next
// message may come before the answer to the last. It ends when its standard input does.
#pragma once

#include "ledger/signing.hpp"

namespace daicho {

inline constexpr int signer_answer_seconds_max = 10;  ///< slower: it counts as dead

/// `command`: program and arguments; no shell. A Failure when it cannot be started or does not sign for `verifier`.
/// Whatever goes wrong later, the Signer fails for good and the helper is ended.
Signer start_external_signer(const Verifier& verifier, const std::vector<std::string>& command,
                             int answer_seconds = signer_answer_seconds_max);

/// The helper that `daicho keys signer` is: answers on standard output until standard input ends.
void run_signer(const Signer& signer);

}  // namespace daicho
