// commands/proofs.hpp — adding and verifying proofs, the recovery code (R-PRF-1…10).
#pragma once

#include "commands/challenge_answers.hpp"

namespace daicho {

inline constexpr std::size_t proofs_per_account_max = 20;  ///< not removed ones
inline constexpr std::size_t question_bytes_max = 512;
inline constexpr std::size_t totp_secret_bytes_min =
    16;  ///< base32 characters: 80 bits (RFC 4226 section 4 asks for 128)
inline constexpr std::size_t totp_secret_bytes_max = 128;

/// A proof as given by its owner.
struct NewProof {
  fb::ProofKind kind = fb::ProofKind::none;
  std::string value, country;
  std::string question, answer;
  std::string totp_secret;
  std::string device_id;
  std::string answer_verifier = {};  ///< Argon2id of the folded answer, filled in before the last decision
};

/// The same, checked and normalised: what the events say of it, and the data key that it is under. That is the one of
/// an earlier proof of the same destination, so that equal destinations have equal tags; else one that is drawn.
struct ProofDetails {
  std::uint32_t sealed_slot = 0;
  Tag16 address_tag, confirmation_tag;
  fb::PersonalT personal;  ///< address, national digits, question, verifier
};
Result<ProofDetails, Refusal> examine(const NewProof& proof, const Account& account, const Context& context);

/// R-PRF-4: its address as shown to who is not known yet to be its owner; empty: it has none.
std::string masked(const fb::PersonalT& personal);

/// The first message to a new proof: a code to a phone, a link to a mailbox; nullopt: none is due.
std::optional<Draft> first_message(fb::ProofKind kind, const Id& proof, const Context& context,
                                   const Id& replacement = {});

struct AddProof {
  std::optional<Id> challenge;
  NewProof proof;
};
/// Adds, and on its verification removes the old one (R-PRF-6).
struct ReplaceProof {
  Id challenge;
  Id replaces;
  NewProof proof;
};
struct RemoveProof {
  Id challenge;
  Id proof;
};
/// The device on which a challenge with this purpose was passed becomes a proof (R-PRF-10).
struct TrustDevice {
  Id challenge;
  std::string device_id;
};
struct VerifyProof {
  Id proof;
  std::optional<std::string> code, link_token, totp;
};
struct IssueRecoveryCode {
  Id challenge;
};

Decision decide(const Account& account, const AddProof& command, const Context& context);
Decision decide(const Account& account, const ReplaceProof& command, const Context& context);
Decision decide(const Account& account, const RemoveProof& command, const Context& context);
Decision decide(const Account& account, const TrustDevice& command, const Context& context);
Decision decide(const Account& account, const VerifyProof& command, const Context& context);
Decision decide(const Account& account, const IssueRecoveryCode& command, const Context& context);

}  // namespace daicho
