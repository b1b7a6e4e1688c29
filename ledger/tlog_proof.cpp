// docs/ledger-format.md, section "Proof files".
#include "ledger/tlog_proof.hpp"

#include "ledger/lines.hpp"
#include "ledger/tiles.hpp"

namespace daicho {
namespace {

constexpr std::string_view proof_header = "c2sp.org/tlog-proof@v1";
constexpr std::string_view extra_prefix = "extra ";
constexpr std::string_view index_prefix = "index ";

void append_hashes(std::string& file, const std::vector<Hash>& hashes) {
  for (const Hash& hash : hashes) file += to_base64(hash.view()) + "\n";
  file += "\n";
}

/// Lines of base64 up to an empty one, which is taken, too.
std::optional<std::vector<Hash>> take_hashes(std::string_view& rest) {
  std::vector<Hash> hashes;
  while (const auto line = take_line(rest)) {
    if (line->empty()) return hashes;
    const auto bytes = from_base64(*line);
    const auto hash = bytes ? Hash::from(as_bytes(*bytes)) : std::nullopt;
    if (!hash || hashes.size() == proof_hashes_max) return std::nullopt;
    hashes.push_back(*hash);
  }
  return std::nullopt;
}

std::optional<std::uint64_t> take_number(std::string_view& rest, std::string_view prefix) {
  const auto line = take_line(rest);
  return line && line->starts_with(prefix) ? parse_decimal(line->substr(prefix.size())) : std::nullopt;
}

std::optional<std::vector<std::string>> events_in(std::string_view extra) {
  const auto bundle = from_base64(extra);
  const auto entries = bundle ? entries_of(as_bytes(*bundle)) : std::nullopt;
  if (!entries || entries->empty()) return std::nullopt;
  std::vector<std::string> envelopes;
  for (const ByteView entry : *entries) envelopes.emplace_back(as_text(entry));
  return envelopes;
}

std::string where(std::size_t number, const TlogProof& proof) {
  return "event " + std::to_string(number + 1) + " of " + std::to_string(proof.envelopes.size());
}

}  // namespace

std::string write_proof(const TlogProof& proof) {
  std::string bundle;
  for (const std::string& envelope : proof.envelopes) append_entry(bundle, as_bytes(envelope));
  std::string file = std::string(proof_header) + "\n" + std::string(extra_prefix) + to_base64(as_bytes(bundle)) + "\n" +
                     std::string(index_prefix) + std::to_string(proof.index) + "\n";
  append_hashes(file, proof.path);
  return file + proof.checkpoint;
}

std::optional<TlogProof> read_proof(std::string_view file) {
  if (file.size() > proof_bytes_max || take_line(file) != proof_header) return std::nullopt;
  const auto extra = take_line(file);
  if (!extra || !extra->starts_with(extra_prefix)) return std::nullopt;
  auto envelopes = events_in(extra->substr(extra_prefix.size()));
  const auto index = take_number(file, index_prefix);
  auto path = index ? take_hashes(file) : std::nullopt;
  if (!envelopes || !path) return std::nullopt;
  return TlogProof{*std::move(envelopes), *index, *std::move(path), std::string(file)};
}

std::optional<std::string> refute(const TlogProof& proof, const Checkpoint& checkpoint,
                                  const std::vector<Verifier>& keys) {
  AccountHead head;
  Id account;
  for (std::size_t i = 0; i < proof.envelopes.size(); ++i) {
    const auto event = Event::parse(as_bytes(proof.envelopes[i]));
    if (!event) return where(i, proof) + " is no event of a known format";
    const auto key = std::ranges::find(keys, event->key_id(), &Verifier::id);
    if (key == keys.end()) return where(i, proof) + " is signed by an unknown key";
    if (!event->verify(*key)) return where(i, proof) + " has a signature that does not verify";
    const bool is_first_of_several = i == 0 && proof.envelopes.size() > 1;
    if (is_first_of_several && event->previous() != AccountHead{})
      return where(i, proof) + " is not its account's first";
    if (i > 0 && (event->account() != account || event->previous() != head))
      return where(i, proof) + " does not follow the one before it in its account's history";
    account = event->account();
    head = {event->account_version(), event->position(), leaf_hash(as_bytes(proof.envelopes[i]))};
  }
  if (head.position != proof.index) return "the last event stands at " + std::to_string(head.position);
  if (proof.index >= checkpoint.size) return "the checkpoint covers " + std::to_string(checkpoint.size) + " events";
  if (!verify_inclusion(head.leaf, proof.index, checkpoint.size, proof.path, checkpoint.root))
    return "the path does not lead from the event to the checkpoint's root";
  return std::nullopt;
}

}  // namespace daicho
