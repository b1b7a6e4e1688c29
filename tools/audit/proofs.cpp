// docs/ledger-format.md, sections "Export" and "Proof files".
#include "tools/audit/proofs.hpp"

#include "ledger/exported_log.hpp"
#include "ledger/key_history.hpp"
#include "ledger/stored_tree.hpp"
#include "ledger/tlog_proof.hpp"
#include "ledger/witness.hpp"
#include "tools/ledger_files.hpp"
#include "tools/log_files.hpp"

namespace daicho {

namespace {

Failure violated(const std::string& words) { return {Exit::integrity, words}; }

std::string read_event(const LogSource& source, Position position) {
  auto envelope = value_or_fail(source.get(Family::events, ByteView(big_endian(position))));
  if (!envelope) throw violated("event " + std::to_string(position) + " is missing");
  return *std::move(envelope);
}

ProofFile proof_file(const OpenLog& log, TlogProof proof) {
  auto path = inclusion_proof(proof.index, log.checkpoint.size, stored_subtrees(*log.source));
  if (!path) throw violated("the hash tiles cannot be read");
  proof.path = *std::move(path);
  proof.checkpoint = log.note;
  if (const auto wrong = refute(proof, log.checkpoint, log.keys.all())) throw violated(*wrong);
  const auto event = Event::parse(as_bytes(proof.envelopes.back()));
  Json summary = {{"position", proof.index},
                  {"type", event->type_name()},
                  {"events", proof.envelopes.size()},
                  {"size", log.checkpoint.size},
                  {"hashes", proof.path.size()}};
  if (!event->account().is_zero()) summary["account"] = to_text(event->account());
  return {write_proof(proof), std::move(summary)};
}

/// The position of an account's last event.
Position last_position(const LogSource& source, const Id& account, std::uint64_t size) {
  std::optional<Position> last;
  const auto error = source.scan(Family::events, {}, [&](ByteView key, ByteView value) {
    const std::string envelope(as_text(value));  // at an aligned address
    const auto event = Event::parse(as_bytes(envelope));
    if (read_big_endian(key) >= size) return false;
    if (event && event->account() == account) last = read_big_endian(key);
    return true;
  });
  if (error) fail(*error);
  if (!last) throw Failure(Exit::usage, "the log has no event of account " + to_text(account));
  return *last;
}

Checkpoint open_given(const KeyHistory& keys, const std::string& note, const char* which) {
  const auto opened = keys.open(note);
  if (!opened) throw violated(std::string(which) + " checkpoint is not signed by the log's key");
  return *opened;
}

}  // namespace

Json export_log(const std::filesystem::path& directory, const std::filesystem::path& folder) {
  read_verifier(directory);
  const auto store = value_or_fail(Store::open(directory, Store::Mode::read));
  const auto report = value_or_fail(export_tiles(*store, folder));
  return {{"exported", folder.string()},
          {"size", report.size},
          {"size_before", report.size_before},
          {"files", report.files},
          {"bytes", report.bytes}};
}

ProofFile prove_event(const std::filesystem::path& directory, std::uint64_t position,
                      const std::vector<Verifier>& keys) {
  const OpenLog log = open_with_checkpoint(directory, keys);
  if (position >= log.checkpoint.size)
    throw Failure(Exit::usage, "the newest checkpoint covers " + std::to_string(log.checkpoint.size) + " events");
  return proof_file(log, {.envelopes = {read_event(*log.source, position)}, .index = position});
}

ProofFile prove_account(const std::filesystem::path& directory, const Id& account, const std::vector<Verifier>& keys) {
  const OpenLog log = open_with_checkpoint(directory, keys);
  TlogProof proof{.index = last_position(*log.source, account, log.checkpoint.size)};
  for (std::optional<Position> at = proof.index; at;) {
    proof.envelopes.push_back(read_event(*log.source, *at));
    const auto event = Event::parse(as_bytes(proof.envelopes.back()));
    if (!event) throw violated("event " + std::to_string(*at) + " is no event of a known format");
    const AccountHead previous = event->previous();
    if (previous.version > 0 && previous.position >= *at)
      throw violated("event " + std::to_string(*at) + " links forward");
    at = previous.version > 0 ? std::optional(previous.position) : std::nullopt;
  }
  std::ranges::reverse(proof.envelopes);
  return proof_file(log, std::move(proof));
}

ProofFile prove_consistency(const std::filesystem::path& directory, const std::string& from,
                            const std::optional<std::string>& to, const std::vector<Verifier>& keys) {
  const OpenLog log = open_with_checkpoint(directory, keys);
  const Checkpoint before = open_given(log.keys, from, "the earlier");
  const Checkpoint after = to ? open_given(log.keys, *to, "the later") : log.checkpoint;
  if (before.size > after.size)
    throw violated("the earlier checkpoint covers " + std::to_string(before.size) + " events, the later one " +
                   std::to_string(after.size));
  if (after.size > log.checkpoint.size)
    throw violated("the log has " + std::to_string(log.checkpoint.size) + " events, the later checkpoint covers " +
                   std::to_string(after.size));
  auto hashes = consistency_proof(before.size, after.size, stored_subtrees(*log.source));
  if (!hashes) throw violated("the hash tiles cannot be read");
  if (!verify_consistency(before.size, after.size, *hashes, before.root, after.root))
    throw violated("the two checkpoints are of different histories: the log was forked or rewritten");
  const AddCheckpoint step{before.size, *std::move(hashes), to.value_or(log.note)};
  return {add_checkpoint_body(step),
          {{"result", "consistent"}, {"from", before.size}, {"to", after.size}, {"hashes", step.proof.size()}}};
}

namespace {

/// Signed by one of the keys, and cosigned as the policy asks, if there is one.
Checkpoint open_trusted(const std::string& note, const CheckOptions& options) {
  auto checkpoint = open_checkpoint(note, options.keys);
  if (!checkpoint) throw violated("the checkpoint is not signed by any of the keys given");
  if (options.policy) {
    const PolicyJudgement judgement = judge(*options.policy, note);
    if (!judgement.is_met) throw violated("the policy is not met: " + judgement.words);
  }
  return *std::move(checkpoint);
}

Json check_events(const TlogProof& proof, const CheckOptions& options) {
  const auto checkpoint = open_trusted(proof.checkpoint, options);
  if (const auto wrong = refute(proof, checkpoint, options.keys)) throw violated(*wrong);
  const auto event = Event::parse(as_bytes(proof.envelopes.back()));
  Json answer = {{"result", "proven"},
                 {"origin", checkpoint.origin},
                 {"size", checkpoint.size},
                 {"position", proof.index},
                 {"type", event->type_name()},
                 {"time", to_rfc3339(event->time())},
                 {"events", proof.envelopes.size()}};
  if (!event->account().is_zero()) answer["account"] = to_text(event->account());
  if (proof.envelopes.size() > 1 || event->account_version() == 1)
    answer["history"] = "complete up to version " + std::to_string(event->account_version());
  return answer;
}

Json check_step(const AddCheckpoint& step, const CheckOptions& options) {
  if (!options.since) throw Failure(Exit::usage, "--since CHECKPOINT is wanted: what the proof starts from");
  const auto before = open_checkpoint(*options.since, options.keys);
  if (!before) throw violated("the earlier checkpoint is not signed by any of the keys given");
  const Checkpoint after = open_trusted(step.note, options);
  if (before->size != step.old_size)
    throw violated("the proof starts from " + std::to_string(step.old_size) + " events, the checkpoint given covers " +
                   std::to_string(before->size));
  if (!verify_consistency(before->size, after.size, step.proof, before->root, after.root))
    throw violated("the later checkpoint does not extend the earlier one");
  return {{"result", "consistent"}, {"origin", after.origin}, {"from", before->size}, {"to", after.size}};
}

}  // namespace

Json check_proof(const std::string& file, CheckOptions options) {
  if (options.policy) {
    for (const TlogPolicy::Log& log : options.policy->logs) options.keys.push_back(log.verifier);
  }
  if (options.keys.empty())
    throw Failure(Exit::usage, "--vkey or --policy is wanted: the key that the log is trusted by");
  if (const auto proof = read_proof(file)) return check_events(*proof, options);
  if (const auto step = parse_add_checkpoint(file)) return check_step(*step, options);
  throw Failure(Exit::usage, "neither a proof of events nor one of consistency");
}

}  // namespace daicho
