#include "tools/witness/client.hpp"

#include <algorithm>
#include <mutex>
#include <thread>

#include "ledger/lines.hpp"
#include "ledger/witness.hpp"

namespace daicho {

namespace {

constexpr int rounds_max = 4;  ///< others may ask the same witness meanwhile and move it on

/// A decimal size and a newline.
std::optional<std::uint64_t> stated_size(std::string_view body) {
  const auto line = take_line(body);
  return line && body.empty() ? parse_decimal(*line) : std::nullopt;
}

/// One witness and one checkpoint.
class Asking {
 public:
  Asking(const TlogPolicy::Witness& witness, const std::string& note, const Checkpoint& checkpoint,
         const ConsistencyProver& prove, std::chrono::milliseconds time)
      : witness_(witness), note_(note), checkpoint_(checkpoint), prove_(prove) {
    limits_.time = time;
    limits_.answer_bytes = note_bytes_max;
  }

  void run(WitnessReport& report) {
    const auto url = parse_http_url(witness_.url);
    if (!url) {
      end(report, WitnessOutcome::silent,
          witness_.url.empty() ? "the policy has no URL for it" : "its URL is no http URL");
      return;
    }
    url_ = *url;
    AddCheckpoint request{.note = note_};
    for (int round = 0; round < rounds_max; ++round) {
      const auto answer =
          ask_http(url_, {"POST", "/add-checkpoint", note_content_type, add_checkpoint_body(request)}, limits_);
      if (!answer) return end(report, WitnessOutcome::silent, answer.error().words);
      if (answer->status != 409) return judge_answer(*answer, report);
      if (!take_size(*answer, round > 0, request, report)) return;
    }
    end(report, WitnessOutcome::silent, "it was moved on by others each time, ask again");
  }

 private:
  static void end(WitnessReport& report, WitnessOutcome outcome, std::string words) {
    report.outcome = outcome;
    report.words = std::move(words);
  }

  /// Goes on from the size that a 409 states; false when there is nothing to go on from.
  bool take_size(const HttpAnswer& answer, bool has_stated_one, AddCheckpoint& request, WitnessReport& report) {
    const auto stated = answer.content_type == tree_size_content_type ? stated_size(answer.body) : std::nullopt;
    if (!stated) {
      end(report, WitnessOutcome::lied, "a conflict that states no tree size");
      return false;
    }
    const std::uint64_t size = *stated;
    if (size > checkpoint_.size) {
      end(report, WitnessOutcome::ahead,
          "it says that it has cosigned " + std::to_string(size) + " events, here are " +
              std::to_string(checkpoint_.size));
      fetch_seen(report);
      return false;
    }
    if (size == request.old_size || (has_stated_one && size < request.old_size)) {
      end(report, WitnessOutcome::lied,
          "it was asked from size " + std::to_string(request.old_size) + " on and now states " + std::to_string(size));
      return false;
    }
    auto proof = prove_(size, checkpoint_.size);
    if (!proof) {
      end(report, WitnessOutcome::silent, "no consistency proof from size " + std::to_string(size) + " can be made");
      return false;
    }
    request.old_size = size;
    request.proof = *std::move(proof);
    return true;
  }

  void judge_answer(const HttpAnswer& answer, WitnessReport& report) {
    switch (answer.status) {
      case 200:
        return take_cosignature(answer, report);
      case 403:
        return end(report, WitnessOutcome::refused, "it does not accept the key that signed the checkpoint");
      case 404:
        return end(report, WitnessOutcome::refused, "it does not know this log");
      case 422:
        end(report, WitnessOutcome::refused, "it says that the checkpoint does not extend what it has cosigned");
        return fetch_seen(report);
      default:
        break;
    }
    const bool is_its_own = answer.status >= 500;
    end(report, is_its_own ? WitnessOutcome::silent : WitnessOutcome::refused,
        "it answered " + std::to_string(answer.status));
  }

  void take_cosignature(const HttpAnswer& answer, WitnessReport& report) {
    const std::string text = checkpoint_text(checkpoint_);
    const auto lines = parse_note(text + "\n" + answer.body);
    if (!lines || lines->text != text) return end(report, WitnessOutcome::lied, "it answered no signature lines");
    std::optional<NoteSignature> own;
    for (const NoteSignature& line : lines->signatures) {
      if (!witness_.verifier.is_claimed_by(line)) continue;
      if (!witness_.verifier.verify(text, line)) {
        return end(report, WitnessOutcome::lied, "its cosignature does not verify");
      }
      own = line;
    }
    if (!own) return end(report, WitnessOutcome::lied, "it answered without its own cosignature");
    report.cosignature = std::move(own);
    end(report, WitnessOutcome::cosigned, "");
  }

  void fetch_seen(WitnessReport& report) {
    const std::string target = "/" + origin_hash(checkpoint_.origin) + "/checkpoint";
    auto answer = ask_http(url_, {"GET", target, "", ""}, limits_);
    if (!answer || answer->status != 200) return;
    const auto seen = read_witnessed(answer->body, witness_.verifier);
    if (seen && seen->checkpoint.origin == checkpoint_.origin) report.seen = seen->note;
  }

  const TlogPolicy::Witness& witness_;
  const std::string& note_;
  const Checkpoint& checkpoint_;
  const ConsistencyProver& prove_;
  HttpAskLimits limits_;
  HttpUrl url_;
};

}  // namespace

const char* name(WitnessOutcome outcome) {
  switch (outcome) {
    case WitnessOutcome::cosigned:
      return "cosigned";
    case WitnessOutcome::cosigned_before:
      return "cosigned_before";
    case WitnessOutcome::silent:
      return "silent";
    case WitnessOutcome::refused:
      return "refused";
    case WitnessOutcome::ahead:
      return "ahead";
    case WitnessOutcome::lied:
      return "lied";
  }
  return "";
}

std::vector<WitnessReport> ask_witnesses(const TlogPolicy& policy, const std::string& note,
                                         const Checkpoint& checkpoint, const ConsistencyProver& prove,
                                         std::chrono::milliseconds time) {
  std::mutex mutex;  // of the prover
  const ConsistencyProver prove_alone = [&](std::uint64_t old_size, std::uint64_t new_size) {
    const std::lock_guard lock(mutex);
    return prove(old_size, new_size);
  };
  const PolicyJudgement before = judge(policy, note);
  std::vector<WitnessReport> reports(policy.witnesses.size());
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < reports.size(); ++i) {
    reports[i].witness = i;
    const auto is_its = [&](const Cosigned& each) { return each.witness == i; };
    if (std::ranges::any_of(before.cosigned, is_its)) {
      reports[i].outcome = WitnessOutcome::cosigned_before;
      continue;
    }
    threads.emplace_back([&, i] { Asking(policy.witnesses[i], note, checkpoint, prove_alone, time).run(reports[i]); });
  }
  for (std::thread& thread : threads) thread.join();
  return reports;
}

}  // namespace daicho
