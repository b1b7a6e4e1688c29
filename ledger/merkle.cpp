#include "ledger/merkle.hpp"

#include <algorithm>
#include <bit>

#include "ledger/sha256.hpp"

namespace daicho {
namespace {

constexpr std::uint8_t leaf_prefix = 0x00;
constexpr std::uint8_t node_prefix = 0x01;

/// RFC 6962 section 2.1: the largest power of two smaller than `count`; count > 1.
std::uint64_t split_of(std::uint64_t count) { return std::bit_floor(count - 1); }

/// The root over subtrees, largest first.
Hash folded(const std::vector<Hash>& roots) {
  Hash root = roots.back();
  for (auto left = roots.rbegin() + 1; left != roots.rend(); ++left) root = node_hash(*left, root);
  return root;
}

/// Collects the roots of ranges, until one cannot be read.
class Collector {
 public:
  explicit Collector(const SubtreeReader& subtree) : subtree_(subtree) {}

  /// MTH(D[begin:end]), begin < end. `begin` is a multiple of the largest power of two in the length, as all ranges of
  /// RFC 6962 are: the subtrees that cover it have the powers of its length, largest first.
  Hash root(std::uint64_t begin, std::uint64_t end) {
    std::vector<Hash> roots;
    for (std::uint64_t at = begin; at < end && is_complete_;) {
      const auto level = static_cast<unsigned>(std::bit_width(end - at) - 1);
      const auto hash = subtree_(level, at >> level);
      is_complete_ = hash.has_value();
      roots.push_back(hash.value_or(Hash{}));
      at += std::uint64_t{1} << level;
    }
    return folded(roots);
  }
  void add(std::uint64_t begin, std::uint64_t end) {
    if (is_complete_) hashes_.push_back(root(begin, end));
  }

  /// SUBPROOF(m, D[begin:end], whole) of RFC 6962 section 2.1.2, with m counted from `begin`.
  void add_subproof(std::uint64_t m, std::uint64_t begin, std::uint64_t end, bool whole) {
    if (m == end - begin) {
      if (!whole) add(begin, end);
      return;
    }
    const std::uint64_t middle = begin + split_of(end - begin);
    if (m <= middle - begin) {
      add_subproof(m, begin, middle, whole);
      add(middle, end);
    } else {
      add_subproof(m - (middle - begin), middle, end, false);
      add(begin, middle);
    }
  }

  bool is_complete() const { return is_complete_; }
  std::optional<std::vector<Hash>> take() { return is_complete_ ? std::optional(std::move(hashes_)) : std::nullopt; }

 private:
  const SubtreeReader& subtree_;
  std::vector<Hash> hashes_;
  bool is_complete_ = true;
};

}  // namespace

Hash leaf_hash(ByteView entry) { return sha256({ByteView(&leaf_prefix, 1), entry}); }

Hash node_hash(const Hash& left, const Hash& right) {
  return sha256({ByteView(&node_prefix, 1), left.view(), right.view()});
}

Hash empty_root() { return sha256(ByteView{}); }

void Frontier::append(const Hash& leaf) {
  Hash root = leaf;
  for (std::uint64_t rest = size_; (rest & 1U) != 0; rest >>= 1) {
    root = node_hash(roots_.back(), root);
    roots_.pop_back();
  }
  roots_.push_back(root);
  ++size_;
}

Hash Frontier::root() const { return roots_.empty() ? empty_root() : folded(roots_); }

std::string Frontier::encode() const {
  std::string out;
  out.reserve(8 + Hash::size * roots_.size());
  daicho::append(out, big_endian(size_));
  for (const Hash& root : roots_) daicho::append(out, root.view());
  return out;
}

std::optional<Frontier> Frontier::decode(ByteView bytes) {
  if (bytes.size() < 8) return std::nullopt;
  Frontier frontier;
  frontier.size_ = read_big_endian(bytes.first(8));
  const auto count = static_cast<std::size_t>(std::popcount(frontier.size_));
  if (bytes.size() != 8 + Hash::size * count) return std::nullopt;
  for (std::size_t i = 0; i < count; ++i) {
    frontier.roots_.push_back(*Hash::from(bytes.subspan(8 + Hash::size * i, Hash::size)));
  }
  return frontier;
}

std::optional<Hash> tree_root(std::uint64_t size, const SubtreeReader& subtree) {
  if (size == 0) return empty_root();
  Collector collector(subtree);
  const Hash root = collector.root(0, size);
  return collector.is_complete() ? std::optional(root) : std::nullopt;
}

std::optional<std::vector<Hash>> inclusion_proof(std::uint64_t index, std::uint64_t size,
                                                 const SubtreeReader& subtree) {
  if (index >= size) return std::nullopt;
  Collector collector(subtree);
  std::uint64_t begin = 0;
  std::uint64_t end = size;
  while (end - begin > 1) {  // from the root down; the proof is wanted from the leaf up
    const std::uint64_t middle = begin + split_of(end - begin);
    const bool is_left = index < middle;
    is_left ? collector.add(middle, end) : collector.add(begin, middle);
    (is_left ? end : begin) = middle;
  }
  auto proof = collector.take();
  if (proof) std::ranges::reverse(*proof);
  return proof;
}

std::optional<std::vector<Hash>> consistency_proof(std::uint64_t old_size, std::uint64_t new_size,
                                                   const SubtreeReader& subtree) {
  if (old_size > new_size) return std::nullopt;
  Collector collector(subtree);
  if (old_size > 0 && old_size < new_size) collector.add_subproof(old_size, 0, new_size, true);
  return collector.take();
}

// RFC 9162 section 2.1.3.2, whose names `fn` and `sn` are kept.
bool verify_inclusion(const Hash& leaf, std::uint64_t index, std::uint64_t size, const std::vector<Hash>& proof,
                      const Hash& root) {
  if (index >= size) return false;
  std::uint64_t fn = index;
  std::uint64_t sn = size - 1;
  Hash computed = leaf;
  for (const Hash& sibling : proof) {
    if (sn == 0) return false;
    if ((fn & 1U) != 0 || fn == sn) {
      computed = node_hash(sibling, computed);
      const int level = std::countr_zero(fn);  // fn > 0: it is odd or equals sn, which is not 0
      fn >>= level;
      sn >>= level;
    } else {
      computed = node_hash(computed, sibling);
    }
    fn >>= 1;
    sn >>= 1;
  }
  return sn == 0 && computed == root;
}

// RFC 9162 section 2.1.4.2, whose names `fn`, `sn`, `fr` and `sr` are kept.
bool verify_consistency(std::uint64_t old_size, std::uint64_t new_size, const std::vector<Hash>& proof,
                        const Hash& old_root, const Hash& new_root) {
  if (old_size > new_size) return false;
  if (old_size == new_size) return proof.empty() && old_root == new_root && (old_size > 0 || old_root == empty_root());
  if (old_size == 0) return proof.empty() && old_root == empty_root();
  const bool starts_at_old_root = std::has_single_bit(old_size);  // then the old root is not in the proof
  if (!starts_at_old_root && proof.empty()) return false;
  const int level = std::countr_one(old_size - 1);
  std::uint64_t fn = (old_size - 1) >> level;
  std::uint64_t sn = (new_size - 1) >> level;
  Hash fr = starts_at_old_root ? old_root : proof.front();
  Hash sr = fr;
  for (std::size_t i = starts_at_old_root ? 0 : 1; i < proof.size(); ++i) {
    if (sn == 0) return false;
    if ((fn & 1U) != 0 || fn == sn) {
      fr = node_hash(proof[i], fr);
      sr = node_hash(proof[i], sr);
      const int zeros = std::countr_zero(fn);  // fn > 0: it is odd or equals sn, which is not 0
      fn >>= zeros;
      sn >>= zeros;
    } else {
      sr = node_hash(sr, proof[i]);
    }
    fn >>= 1;
    sn >>= 1;
  }
  return sn == 0 && fr == old_root && sr == new_root;
}

}  // namespace daicho
