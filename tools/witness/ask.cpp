#include "tools/witness/ask.hpp"

#include "ledger/log_rows.hpp"
#include "ledger/stored_tree.hpp"
#include "tools/backup/restored_mark.hpp"
#include "tools/ledger_files.hpp"
#include "tools/log_files.hpp"
#include "tools/witness/client.hpp"

namespace daicho {

namespace {

/// Beside a writer. Nobody is to cosign, or be handed, the end of a log that has lost what it published.
OpenLog open_whole(const std::filesystem::path& directory) {
  OpenLog log = open_with_checkpoint(directory, {read_verifier(directory)});
  if (const auto words = published_disagrees(*log.source, log.keys, log.checkpoint))
    throw Failure(Exit::integrity, *words);
  return log;
}

/// A policy without logs is for a log known from elsewhere (tlog-policy): for this one.
TlogPolicy for_this_log(TlogPolicy policy, const KeyHistory& keys) {
  if (policy.logs.empty()) policy.logs.push_back({keys.newest(), ""});
  return policy;
}

std::string size_key(std::uint64_t size) { return checkpoint_row(size, "").key; }

std::vector<NoteSignature> cosignatures_in(const std::vector<WitnessReport>& reports) {
  std::vector<NoteSignature> cosignatures;
  for (const WitnessReport& report : reports) {
    if (report.cosignature) cosignatures.push_back(*report.cosignature);
  }
  return cosignatures;
}

std::string stored_note(const LogSource& log, std::uint64_t size) {
  auto stored = value_or_fail(log.get(Family::checkpoints, as_bytes(size_key(size))));
  if (!stored) throw Failure(Exit::integrity, "the checkpoint of size " + std::to_string(size) + " is gone");
  return *std::move(stored);
}

/// Puts the cosignatures with the stored note of that size.
void store_cosignatures(const std::filesystem::path& directory, std::uint64_t size,
                        const std::vector<NoteSignature>& cosignatures) {
  const auto store = value_or_fail(Store::open(directory, Store::Mode::write));
  KeyHistory keys(read_verifier(directory));
  if (const auto end = read_log_end(*store, keys); !end) fail(end.error());
  const std::string stored = stored_note(*store, size);
  auto merged = with_signatures(stored, cosignatures);
  if (!merged) throw Failure(Exit::unavailable, "the checkpoint cannot take more signature lines");
  if (*merged == stored) return;
  if (auto error = store->write({checkpoint_row(size, *std::move(merged))}, true)) fail(*error);
}

/// What a checkpoint that a witness holds proves against the ledger as it is now; nullopt: nothing.
std::optional<std::string> proves_against(const OpenLog& now, const std::string& seen) {
  const auto other = now.keys.open(seen);
  if (!other) return std::nullopt;
  if (other->size > now.checkpoint.size) {
    return "the ledger has lost its end: it signed a checkpoint of " + std::to_string(other->size) +
           " events, and holds " + std::to_string(now.checkpoint.size);
  }
  const auto stored = value_or_fail(now.source->get(Family::checkpoints, as_bytes(size_key(other->size))));
  const auto own = stored ? now.keys.open(*stored) : Result<Checkpoint, NoteFault>(Unexpected{NoteFault::malformed});
  if (own && own->root == other->root) return std::nullopt;
  return "the ledger signed two histories: the witness holds another checkpoint of " + std::to_string(other->size) +
         " events";
}

Json report_json(const TlogPolicy& policy, const WitnessReport& report) {
  const TlogPolicy::Witness& witness = policy.witnesses[report.witness];
  Json json = {{"witness", witness.name}, {"result", name(report.outcome)}};
  if (!witness.url.empty()) json["url"] = witness.url;
  if (!report.words.empty()) json["detail"] = report.words;
  return json;
}

/// The checkpoint, and what the policy says of it.
CheckpointReport report_of(const Checkpoint& checkpoint, const std::string& note, const PolicyJudgement& judgement) {
  CheckpointReport report{{{"origin", checkpoint.origin},
                           {"size", checkpoint.size},
                           {"policy", judgement.is_met ? "met" : "not met"},
                           {"detail", judgement.words},
                           {"checkpoint", note}}};
  if (!judgement.is_met) {
    report.exit = Exit::unavailable;
    report.json["retry"] = "`daicho witness ask` asks those that are missing again";
  }
  return report;
}

bool has_cosignature(const TlogPolicy& policy, std::string_view note) {
  const auto parsed = parse_note(note);
  if (!parsed) return false;
  return std::ranges::any_of(parsed->signatures, [&](const NoteSignature& line) {
    return std::ranges::any_of(policy.witnesses,
                               [&](const auto& witness) { return witness.verifier.is_claimed_by(line); });
  });
}

/// Reads all checkpoints, and verifies those that have cosignatures from the newest on.
std::optional<std::string> newest_that_meets(const TlogPolicy& policy, const LogSource& log) {
  std::vector<std::string> keys;
  const auto error = log.scan(Family::checkpoints, {}, [&](ByteView key, ByteView note) {
    if (has_cosignature(policy, as_text(note))) keys.emplace_back(as_text(key));
    return true;
  });
  if (error) fail(*error);
  for (auto key = keys.rbegin(); key != keys.rend(); ++key) {
    auto note = value_or_fail(log.get(Family::checkpoints, as_bytes(*key)));
    if (note && judge(policy, *note).is_met) return note;
  }
  return std::nullopt;
}

}  // namespace

CheckpointReport ask_for_cosignatures(const std::filesystem::path& directory, const TlogPolicy& given,
                                      std::chrono::milliseconds time) {
  std::optional<OpenLog> log = open_whole(directory);
  const TlogPolicy policy = for_this_log(given, log->keys);
  const Checkpoint asked = log->checkpoint;
  const ConsistencyProver prove = [&](std::uint64_t old_size, std::uint64_t new_size) {
    return consistency_proof(old_size, new_size, stored_subtrees(*log->source));
  };
  const auto reports = ask_witnesses(policy, log->note, asked, prove, time);
  const auto cosignatures = cosignatures_in(reports);
  log.reset();
  if (!cosignatures.empty()) store_cosignatures(directory, asked.size, cosignatures);
  log = open_with_checkpoint(directory, {read_verifier(directory)});
  const std::string note = stored_note(*log->source, asked.size);

  CheckpointReport result = report_of(asked, note, judge(policy, note));
  result.json["witnesses"] = Json::array();
  for (const WitnessReport& report : reports) {
    Json json = report_json(policy, report);
    if (const auto words = report.seen ? proves_against(*log, *report.seen) : std::nullopt) {
      json["proof"] = {{"finding", *words}, {"seen_by_witness", *report.seen}};
      hold_back(directory, *report.seen);
      result.exit = Exit::integrity;
    }
    result.json["witnesses"].push_back(std::move(json));
  }
  return result;
}

CheckpointReport checkpoint_for_auditors(const std::filesystem::path& directory,
                                         const std::optional<TlogPolicy>& given) {
  const OpenLog log = open_whole(directory);
  if (!given) {
    return {{{"origin", log.checkpoint.origin},
             {"size", log.checkpoint.size},
             {"policy", "none given"},
             {"checkpoint", log.note}}};
  }
  const TlogPolicy policy = for_this_log(*given, log.keys);
  const PolicyJudgement newest = judge(policy, log.note);
  if (newest.is_met) return report_of(log.checkpoint, log.note, newest);
  const auto best = newest_that_meets(policy, *log.source);
  const auto checkpoint = best ? log.keys.open(*best) : Result<Checkpoint, NoteFault>(Unexpected{NoteFault::malformed});
  if (!checkpoint) return report_of(log.checkpoint, log.note, newest);
  CheckpointReport report = report_of(*checkpoint, *best, judge(policy, *best));
  report.json["newest_size"] = log.checkpoint.size;
  report.json["newest_detail"] = newest.words;
  return report;
}

}  // namespace daicho
