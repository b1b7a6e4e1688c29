// commands/recovery_matching.hpp — comparing the answers of the recovery form with everything that was ever true for
// the account (R-REC-5, R-REC-6). Identity is compared with the sealed profiles; what services observed with keyed
// hashes, so that the values themselves need not be kept.
//
// Values are normalised first, each field in its own way. Of a free text, a mail subject say, its shingles are kept,
// too: runs of two letters of a script without spaces between words, of three of any other. An outline matches when
// most of its shingles are the text's and they cover a fair part of it.
#pragma once

#include "commands/decision.hpp"

namespace daicho {

inline constexpr std::size_t answer_values_max = 10;  ///< of one field
inline constexpr std::size_t answer_value_bytes_max = 256;
inline constexpr std::size_t single_values_max =
    2;                                            ///< compared of a field with one value: today's, and an earlier one
inline constexpr std::size_t shingles_max = 128;  ///< of one text; what comes after is not compared
inline constexpr std::size_t outline_shingles_min = 4;   ///< fewer say nothing
inline constexpr std::size_t outline_own_percent = 70;   ///< of the outline's shingles that the text must have
inline constexpr std::size_t outline_text_percent = 30;  ///< of the text's shingles that the outline must have

struct RecoveryAnswer {
  std::string field;
  std::vector<std::string> values;
  bool not_registered = false;
};

/// The form's fields by their public names; [i] is field i + 1 (R-REC-5).
std::span<const char* const> recovery_fields();
/// nullopt: no such field.
std::optional<fb::RecoveryField> parse_recovery_field(std::string_view name);
bool is_several(fb::RecoveryField field);   ///< more than one value counts
bool is_evidence(fb::RecoveryField field);  ///< what services observe, and not the account's own events

/// What equality is judged by; empty: nothing comparable in it.
std::string normalise(fb::RecoveryField field, std::string_view value);

/// The hashes of a value, ready to be recorded or compared.
Evidence evidence_of(fb::RecoveryField field, const std::string& normalised, const Vault& vault);
bool is_outline_of(const std::vector<std::uint64_t>& outline, const std::vector<std::uint64_t>& text);

/// Every field of the form, in order. `passwords_matched`: of the answers, how many were passwords of the account.
std::vector<FieldMatch> match_answers(const Account& account, const std::vector<RecoveryAnswer>& answers,
                                      std::size_t passwords_matched, const Context& context);

}  // namespace daicho
