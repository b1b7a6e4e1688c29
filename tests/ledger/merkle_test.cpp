// tests/ledger/merkle_test.cpp — the Merkle tree against a plain reference tree, and proofs against forgers.
#include "ledger/merkle.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <bit>

#include "ledger/sha256.hpp"

namespace daicho {
namespace {

using Leaves = std::vector<Hash>;
using Proof = std::vector<Hash>;
using LeafSpan = std::span<const Hash>;

// ---- the reference: RFC 6962 sections 2.1 to 2.1.2, word by word
// -----------------------------------------------------

std::size_t reference_split(std::size_t n) {
  std::size_t k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}
Hash reference_root(LeafSpan d) {
  if (d.empty()) return sha256(ByteView{});
  if (d.size() == 1) return d[0];
  const std::size_t k = reference_split(d.size());
  return node_hash(reference_root(d.first(k)), reference_root(d.subspan(k)));
}
Proof joined(Proof proof, const Hash& last) {
  proof.push_back(last);
  return proof;
}
Proof reference_path(std::size_t m, LeafSpan d) {
  if (d.size() == 1) return {};
  const std::size_t k = reference_split(d.size());
  return m < k ? joined(reference_path(m, d.first(k)), reference_root(d.subspan(k)))
               : joined(reference_path(m - k, d.subspan(k)), reference_root(d.first(k)));
}
Proof reference_subproof(std::size_t m, LeafSpan d, bool b) {
  if (m == d.size()) return b ? Proof{} : Proof{reference_root(d)};
  const std::size_t k = reference_split(d.size());
  return m <= k ? joined(reference_subproof(m, d.first(k), b), reference_root(d.subspan(k)))
                : joined(reference_subproof(m - k, d.subspan(k), false), reference_root(d.first(k)));
}

// ---- helpers
// ---------------------------------------------------------------------------------------------------------

Hash hash_from(std::string_view hex) { return *Hash::from(as_bytes(*from_hex(hex))); }

Leaves numbered_leaves(std::size_t count) {
  Leaves leaves;
  for (std::size_t i = 0; i < count; ++i) leaves.push_back(leaf_hash(big_endian(i)));
  return leaves;
}

/// Only of subtrees that are full.
SubtreeReader reader(const Leaves& leaves) {
  return [&leaves](unsigned level, std::uint64_t index) -> std::optional<Hash> {
    const std::size_t count = std::size_t{1} << level;
    const std::size_t first = static_cast<std::size_t>(index) * count;
    REQUIRE(first + count <= leaves.size());
    return reference_root(LeafSpan(leaves).subspan(first, count));
  };
}
Proof inclusion(std::size_t index, std::size_t size, const Leaves& leaves) {
  return inclusion_proof(index, size, reader(leaves)).value();
}
Proof consistency(std::size_t old_size, std::size_t new_size, const Leaves& leaves) {
  return consistency_proof(old_size, new_size, reader(leaves)).value();
}

Frontier frontier_of(LeafSpan leaves) {
  Frontier frontier;
  for (const Hash& leaf : leaves) frontier.append(leaf);
  return frontier;
}

/// 0..70, and the powers of two with their neighbours to 1025.
std::vector<std::size_t> sizes_of_interest() {
  std::vector<std::size_t> sizes;
  for (std::size_t size = 0; size <= 70; ++size) sizes.push_back(size);
  for (std::size_t power = 128; power <= 1024; power *= 2) sizes.insert(sizes.end(), {power - 1, power, power + 1});
  return sizes;
}

Hash flipped(Hash hash, std::size_t bit) {
  hash.bytes[bit / 8 % Hash::size] ^= static_cast<std::uint8_t>(1U << (bit % 8));
  return hash;
}

/// Truncated at either end, extended at either end and by a repetition, neighbours swapped, one bit flipped in each
/// hash.
std::vector<Proof> forgeries(const Proof& proof) {
  std::vector<Proof> out;
  out.push_back(joined(proof, Hash{}));
  out.push_back(joined(proof, proof.empty() ? empty_root() : proof.back()));
  out.push_back(proof);
  out.back().insert(out.back().begin(), Hash{});
  if (!proof.empty()) {
    out.emplace_back(proof.begin(), proof.end() - 1);
    out.emplace_back(proof.begin() + 1, proof.end());
  }
  for (std::size_t i = 0; i + 1 < proof.size(); ++i) {
    out.push_back(proof);
    std::swap(out.back()[i], out.back()[i + 1]);
  }
  for (std::size_t i = 0; i < proof.size(); ++i) {
    out.push_back(proof);
    out.back()[i] = flipped(proof[i], 37 * i);
  }
  return out;
}

// ---- known answers
// ---------------------------------------------------------------------------------------------------

/// The eight usual RFC 6962 test inputs.
Leaves golden_leaves() {
  Leaves leaves;
  for (const auto* entry :
       {"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"}) {
    leaves.push_back(leaf_hash(as_bytes(*from_hex(entry))));
  }
  return leaves;
}

TEST_CASE("merkle golden vector: the roots by size") {
  const std::string_view roots[] = {
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
      "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
      "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
      "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
      "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
      "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
  };
  const Leaves leaves = golden_leaves();
  for (std::size_t size = 0; size <= leaves.size(); ++size) {
    CAPTURE(size);
    CHECK(to_hex(frontier_of(LeafSpan(leaves).first(size)).root().view()) == roots[size]);
  }
  CHECK(empty_root() == hash_from(roots[0]));
}

TEST_CASE("merkle golden vector: the leaf hashes are the tile") {
  std::string tile;
  for (const Hash& leaf : golden_leaves()) append(tile, leaf.view());
  CHECK(tile.size() == 256);
  CHECK(sha256(as_bytes(tile)) == hash_from("aea2f1bbb5140fd5f8eacb503fdf54c00c3d860c72588e40233addd416bc8f10"));
}

TEST_CASE("merkle golden vector: inclusion of index 5 and consistency of 6 with 8") {
  const Leaves leaves = golden_leaves();
  const Proof path = inclusion(5, 8, leaves);
  REQUIRE(path.size() == 3);
  CHECK(to_base64(path[0].view()) == "vBoGQ7EuTS18d5GPROD095qDi2z57FtcKD4fTYhZnms=");
  CHECK(to_base64(path[1].view()) == "yoVOoSjtBQtBs1/8G4e46yveRh6eO1WW7Oa51ZdaCuA=");
  CHECK(to_base64(path[2].view()) == "037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc=");
  const Proof steps = consistency(6, 8, leaves);
  REQUIRE(steps.size() == 3);
  CHECK(to_base64(steps[0].view()) == "DrxdNDf74tsVi58Sah0RjjCBgQMdCpSfje3t68VY72o=");
  CHECK(to_base64(steps[1].view()) == "yoVOoSjtBQtBs1/8G4e46yveRh6eO1WW7Oa51ZdaCuA=");
  CHECK(to_base64(steps[2].view()) == "037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc=");
}

// ---- the frontier
// ----------------------------------------------------------------------------------------------------

TEST_CASE("frontier: its root is the reference tree's") {
  const Leaves leaves = numbered_leaves(1025);
  for (const std::size_t size : sizes_of_interest()) {
    CAPTURE(size);
    const Frontier frontier = frontier_of(LeafSpan(leaves).first(size));
    CHECK(frontier.size() == size);
    CHECK(frontier.root() == reference_root(LeafSpan(leaves).first(size)));
  }
}

TEST_CASE("frontier: encoded and decoded it is the same, and grows the same") {
  const Leaves leaves = numbered_leaves(1025);
  for (const std::size_t size : sizes_of_interest()) {
    CAPTURE(size);
    Frontier frontier = frontier_of(LeafSpan(leaves).first(size));
    const std::string bytes = frontier.encode();
    CHECK(bytes.size() == 8 + 32 * static_cast<std::size_t>(std::popcount(size)));
    auto decoded = Frontier::decode(as_bytes(bytes));
    REQUIRE(decoded);
    CHECK(*decoded == frontier);
    frontier.append(leaves[0]);
    decoded->append(leaves[0]);
    CHECK(decoded->root() == frontier.root());
  }
}

TEST_CASE("frontier: the layout of its bytes") {
  const Leaves leaves = golden_leaves();
  CHECK(to_hex(as_bytes(Frontier{}.encode())) == "0000000000000000");
  CHECK(to_hex(as_bytes(frontier_of(LeafSpan(leaves).first(3)).encode())) ==
        "0000000000000003"
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125" +
            to_hex(leaves[2].view()));
}

TEST_CASE("frontier: malformed bytes are refused") {
  const std::string good = frontier_of(numbered_leaves(5)).encode();
  REQUIRE(Frontier::decode(as_bytes(good)));
  for (std::size_t length = 0; length < good.size(); ++length) {
    CAPTURE(length);
    CHECK_FALSE(Frontier::decode(as_bytes(good).first(length)));
  }
  CHECK_FALSE(Frontier::decode(as_bytes(good + '\0')));
  CHECK_FALSE(Frontier::decode(as_bytes(good + std::string(32, '\0'))));
  std::string other_size = good;
  other_size[7] = 7;  // three roots wanted, two there
  CHECK_FALSE(Frontier::decode(as_bytes(other_size)));
  other_size[7] = 4;
  CHECK_FALSE(Frontier::decode(as_bytes(other_size)));
  CHECK_FALSE(Frontier::decode({}));
}

TEST_CASE("frontier: the greatest size has 64 roots") {
  const std::string bytes = std::string(8, '\xFF') + std::string(64 * 32, 'r');
  const auto frontier = Frontier::decode(as_bytes(bytes));
  REQUIRE(frontier);
  CHECK(frontier->size() == UINT64_MAX);
  CHECK(frontier->encode() == bytes);
  CHECK_FALSE(frontier->root().is_zero());
}

// ---- inclusion
// -------------------------------------------------------------------------------------------------------

/// Every index up to size 70; above, both ends and the neighbourhood of the split.
std::vector<std::size_t> indexes_of_interest(std::size_t size) {
  std::vector<std::size_t> indexes;
  for (std::size_t index = 0; size <= 70 && index < size; ++index) indexes.push_back(index);
  if (size > 70) indexes = {0, 1, 2, std::bit_floor(size - 1) - 1, std::bit_floor(size - 1), size - 2, size - 1};
  return indexes;
}

TEST_CASE("inclusion: every proof is the reference's and verifies") {
  const Leaves leaves = numbered_leaves(1025);
  for (const std::size_t size : sizes_of_interest()) {
    const LeafSpan tree = LeafSpan(leaves).first(size);
    const Hash root = reference_root(tree);
    for (const std::size_t index : indexes_of_interest(size)) {
      CAPTURE(size);
      CAPTURE(index);
      const Proof proof = inclusion(index, size, leaves);
      CHECK(proof == reference_path(index, tree));
      CHECK(verify_inclusion(leaves[index], index, size, proof, root));
    }
  }
}

TEST_CASE("inclusion: forged proofs are refused") {
  const Leaves leaves = numbered_leaves(70);
  std::size_t tried = 0;
  std::size_t accepted = 0;
  for (std::size_t size = 1; size <= leaves.size(); ++size) {
    const Hash root = reference_root(LeafSpan(leaves).first(size));
    for (std::size_t index = 0; index < size; ++index) {
      for (const Proof& forged : forgeries(inclusion(index, size, leaves))) {
        ++tried;
        accepted += verify_inclusion(leaves[index], index, size, forged, root) ? 1 : 0;
      }
    }
  }
  CHECK(tried > 20'000);
  CHECK(accepted == 0);
}

TEST_CASE("inclusion: a wrong leaf, index, root or depth is refused") {
  const Leaves leaves = numbered_leaves(70);
  for (std::size_t size = 1; size <= leaves.size(); ++size) {
    CAPTURE(size);
    const Hash root = reference_root(LeafSpan(leaves).first(size));
    std::size_t accepted = 0;
    for (std::size_t index = 0; index < size; ++index) {
      const Proof proof = inclusion(index, size, leaves);
      for (std::size_t other = 0; other <= size; ++other) {
        if (other != index) accepted += verify_inclusion(leaves[index], other, size, proof, root) ? 1 : 0;
      }
      accepted += verify_inclusion(flipped(leaves[index], index), index, size, proof, root) ? 1 : 0;
      accepted += verify_inclusion(leaves[index], index, size, proof, flipped(root, index)) ? 1 : 0;
      accepted += verify_inclusion(leaves[index], index, index, proof, root) ? 1 : 0;  // index is not below the size
      // A size is bound by the signed checkpoint, not by the path; a size with a longer path is refused here already.
      accepted += verify_inclusion(leaves[index], index, std::bit_ceil(size) + index + 1, proof, root) ? 1 : 0;
    }
    CHECK(accepted == 0);
  }
}

TEST_CASE("a proof that needs a hash which cannot be read is none") {
  const Leaves leaves = numbered_leaves(70);
  for (std::size_t size = 2; size <= leaves.size(); ++size) {
    CAPTURE(size);
    std::size_t asked = 0, failing = 0;
    const SubtreeReader unreliable = [&](unsigned level, std::uint64_t index) {
      return ++asked == failing ? std::nullopt : reader(leaves)(level, index);
    };
    CHECK(tree_root(size, unreliable) == reference_root(LeafSpan(leaves).first(size)));
    const std::size_t needed = asked;
    for (failing = 1; failing <= needed; ++failing) {
      asked = 0;
      CHECK_FALSE(tree_root(size, unreliable));
      asked = 0;
      const bool has_path = inclusion_proof(0, size, unreliable).has_value();
      CHECK(has_path == (asked < failing));
      asked = 0;
      const bool has_steps = consistency_proof(size / 2, size, unreliable).has_value();
      CHECK(has_steps == (asked < failing));
    }
  }
}

TEST_CASE("inclusion: nothing is in an empty tree, and huge sizes end") {
  CHECK_FALSE(inclusion_proof(0, 0, SubtreeReader{}));
  CHECK_FALSE(inclusion_proof(5, 5, SubtreeReader{}));
  CHECK_FALSE(verify_inclusion(Hash{}, 0, 0, {}, empty_root()));
  CHECK_FALSE(verify_inclusion(Hash{}, 0, 0, {}, Hash{}));
  CHECK_FALSE(verify_inclusion(Hash{}, UINT64_MAX, UINT64_MAX, {}, Hash{}));
  CHECK_FALSE(verify_inclusion(Hash{}, UINT64_MAX - 1, UINT64_MAX, Proof(64), Hash{}));
  Hash root;
  for (int level = 0; level < 64; ++level) root = node_hash(root, Hash{});
  CHECK(verify_inclusion(Hash{}, 0, UINT64_MAX, Proof(64), root));
  CHECK_FALSE(verify_inclusion(Hash{}, 0, UINT64_MAX, Proof(65), root));
}

// ---- consistency
// -----------------------------------------------------------------------------------------------------

TEST_CASE("consistency: every proof is the reference's and verifies") {
  const Leaves leaves = numbered_leaves(1025);
  for (const std::size_t new_size : sizes_of_interest()) {
    const LeafSpan tree = LeafSpan(leaves).first(new_size);
    const Hash new_root = reference_root(tree);
    for (const std::size_t old_size : sizes_of_interest()) {
      if (old_size > new_size || (new_size > 70 && old_size > 3 && old_size < 64)) continue;
      CAPTURE(old_size);
      CAPTURE(new_size);
      const Proof proof = consistency(old_size, new_size, leaves);
      CHECK(proof == (old_size == 0 ? Proof{} : reference_subproof(old_size, tree, true)));
      CHECK(verify_consistency(old_size, new_size, proof, reference_root(tree.first(old_size)), new_root));
    }
  }
}

TEST_CASE("consistency: forged proofs are refused") {
  const Leaves leaves = numbered_leaves(70);
  std::size_t tried = 0;
  std::size_t accepted = 0;
  for (std::size_t new_size = 0; new_size <= leaves.size(); ++new_size) {
    const Hash new_root = reference_root(LeafSpan(leaves).first(new_size));
    for (std::size_t old_size = 0; old_size <= new_size; ++old_size) {
      const Hash old_root = reference_root(LeafSpan(leaves).first(old_size));
      for (const Proof& forged : forgeries(consistency(old_size, new_size, leaves))) {
        ++tried;
        accepted += verify_consistency(old_size, new_size, forged, old_root, new_root) ? 1 : 0;
      }
    }
  }
  CHECK(tried > 20'000);
  CHECK(accepted == 0);
}

TEST_CASE("consistency: a wrong root, old size or depth is refused") {
  const Leaves leaves = numbered_leaves(70);
  for (std::size_t new_size = 1; new_size <= leaves.size(); ++new_size) {
    CAPTURE(new_size);
    const Hash new_root = reference_root(LeafSpan(leaves).first(new_size));
    std::size_t accepted = 0;
    for (std::size_t old_size = 1; old_size <= new_size; ++old_size) {
      const Hash old_root = reference_root(LeafSpan(leaves).first(old_size));
      const Proof proof = consistency(old_size, new_size, leaves);
      for (std::size_t other = 0; other <= new_size + 1; ++other) {
        if (other != old_size) accepted += verify_consistency(other, new_size, proof, old_root, new_root) ? 1 : 0;
      }
      accepted += verify_consistency(old_size, new_size, proof, flipped(old_root, old_size), new_root) ? 1 : 0;
      accepted += verify_consistency(old_size, new_size, proof, old_root, flipped(new_root, old_size)) ? 1 : 0;
      accepted += verify_consistency(old_size, std::bit_ceil(new_size) + 1, proof, old_root, new_root) ? 1 : 0;
      if (old_size == new_size) continue;
      accepted += verify_consistency(old_size, new_size, proof, new_root, old_root) ? 1 : 0;
      accepted += verify_consistency(new_size, old_size, proof, new_root, old_root) ? 1 : 0;
    }
    CHECK(accepted == 0);
  }
}

TEST_CASE("consistency: from nothing, and with itself") {
  const Hash root = numbered_leaves(1).front();
  CHECK(verify_consistency(0, 0, {}, empty_root(), empty_root()));
  CHECK(verify_consistency(0, 9, {}, empty_root(), root));
  CHECK(verify_consistency(9, 9, {}, root, root));
  CHECK_FALSE(verify_consistency(0, 9, {root}, empty_root(), root));
  CHECK_FALSE(verify_consistency(0, 9, {}, root, root));  // an empty tree has one root only
  CHECK_FALSE(verify_consistency(0, 0, {}, root, root));
  CHECK_FALSE(verify_consistency(9, 9, {root}, root, root));
  CHECK_FALSE(verify_consistency(9, 9, {}, root, flipped(root, 0)));
  CHECK_FALSE(verify_consistency(9, 10, {}, root, root));
  CHECK_FALSE(verify_consistency(8, 10, {}, root, root));
  CHECK_FALSE(verify_consistency(10, 9, {}, root, root));
  CHECK_FALSE(verify_consistency(1ULL << 63, UINT64_MAX, Proof(63), root, root));
  CHECK(consistency_proof(0, 9, SubtreeReader{}) == Proof());
  CHECK(consistency_proof(9, 9, SubtreeReader{}) == Proof());
  CHECK_FALSE(consistency_proof(10, 9, SubtreeReader{}));
}

TEST_CASE("merkle: any tree, any index, any earlier size") {
  CHECK(rc::check("proofs verify; a changed history does not", [] {
    const auto size = *rc::gen::inRange<std::size_t>(1, 300);
    const auto index = *rc::gen::inRange<std::size_t>(0, size);
    const Leaves leaves = numbered_leaves(size);
    const Hash root = frontier_of(leaves).root();
    RC_ASSERT(verify_inclusion(leaves[index], index, size, inclusion(index, size, leaves), root));
    const Hash old_root = frontier_of(LeafSpan(leaves).first(index + 1)).root();
    RC_ASSERT(verify_consistency(index + 1, size, consistency(index + 1, size, leaves), old_root, root));
    Leaves rewritten = leaves;
    rewritten[index] = flipped(rewritten[index], index);
    const Hash forked = frontier_of(rewritten).root();
    const Proof proof = consistency(index + 1, size, rewritten);
    RC_ASSERT(!verify_consistency(index + 1, size, proof, old_root, forked));
  }));
}

}  // namespace
}  // namespace daicho
