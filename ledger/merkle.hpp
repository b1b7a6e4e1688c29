// ledger/merkle.hpp — the RFC 6962 Merkle tree (section 2.1): hashes, append-only frontier, proofs, their verifiers.
// Pure; a Frontier belongs to one thread at a time. Appending costs O(1) hashes amortised, the root O(log n).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "ledger/bytes.hpp"

namespace daicho {

Hash leaf_hash(ByteView entry);                       ///< SHA-256(00 || entry)
Hash node_hash(const Hash& left, const Hash& right);  ///< SHA-256(01 || left || right)
Hash empty_root();                                    ///< SHA-256("")

/// The roots of the full subtrees that cover a tree of `size` leaves, largest first: one a set bit of size.
class Frontier {
 public:
  Frontier() = default;
  void append(const Hash& leaf);
  std::uint64_t size() const { return size_; }
  Hash root() const;

  /// u64 big-endian size, then the subtree roots, 32 bytes each.
  std::string encode() const;
  static std::optional<Frontier> decode(ByteView bytes);

  bool operator==(const Frontier&) const = default;

 private:
  std::uint64_t size_ = 0;
  std::vector<Hash> roots_;
};

/// Reads the root of the full subtree over the 2^level leaves from number index * 2^level on; a leaf is level 0. Asked
/// only for those that lie within the size in question. nullopt: it cannot be read, and nothing comes of the question.
using SubtreeReader = std::function<std::optional<Hash>(unsigned level, std::uint64_t index)>;

/// O(log n) subtrees each; nullopt when one cannot be read.
std::optional<Hash> tree_root(std::uint64_t size, const SubtreeReader& subtree);
/// RFC 6962 section 2.1.1 (leaf's sibling first) and 2.1.2. nullopt also when index >= size or old_size > new_size.
std::optional<std::vector<Hash>> inclusion_proof(std::uint64_t index, std::uint64_t size, const SubtreeReader& subtree);
std::optional<std::vector<Hash>> consistency_proof(std::uint64_t old_size, std::uint64_t new_size,
                                                   const SubtreeReader& subtree);

/// True iff `proof` shows that `leaf` is number `index` of the tree with this size and root. index < size is required
/// of a valid proof.
bool verify_inclusion(const Hash& leaf, std::uint64_t index, std::uint64_t size, const std::vector<Hash>& proof,
                      const Hash& root);
/// True iff `proof` shows that the old tree is a prefix of the new one. From size 0: the proof must be empty and the
/// old root empty_root(); equal sizes: empty and equal roots.
bool verify_consistency(std::uint64_t old_size, std::uint64_t new_size, const std::vector<Hash>& proof,
                        const Hash& old_root, const Hash& new_root);

}  // namespace daicho
