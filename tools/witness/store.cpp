#include "tools/witness/store.hpp"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <unistd.h>

#include "ledger/files.hpp"
#include "tools/failure.hpp"
#include "tools/keys/key_files.hpp"
#include "tools/ledger_files.hpp"
#include "tools/system.hpp"

namespace daicho {

namespace {

constexpr const char* key_file = "witness.key";
constexpr const char* verifier_file = "witness.vkey";
constexpr const char* logs_folder = "logs";
constexpr const char* checkpoint_file = "checkpoint";
constexpr const char* fork_file = "fork";

int take_lock(const std::filesystem::path& directory) {
  const auto path = directory / "lock";
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) throw Failure(Exit::unavailable, path.string() + ": cannot open");
  if (::flock(file, LOCK_EX | LOCK_NB) == 0) return file;
  ::close(file);
  throw Failure(Exit::unavailable, directory.string() + ": this witness is running already");
}

Cosigner read_cosigner(const std::filesystem::path& directory) {
  if (!std::filesystem::exists(directory / key_file)) {
    throw Failure(Exit::usage, directory.string() + ": no witness here; `daicho witness init` makes one");
  }
  return Cosigner(read_signing_key(directory / key_file));
}

}  // namespace

CosignatureVerifier init_witness(const std::filesystem::path& directory, const std::string& name) {
  if (!is_key_name(name)) {
    throw Failure(Exit::usage,
                  "--name: a name of 1 to 255 bytes without white space or `+`, such as witness.example/w1");
  }
  for (const char* each : {key_file, verifier_file, logs_folder}) {
    if (!std::filesystem::exists(std::filesystem::symlink_status(directory / each))) continue;
    throw Failure(Exit::usage, (directory / each).string() + " is there already: a witness, or what is left of one");
  }
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) throw Failure(Exit::unavailable, directory.string() + ": " + error.message());
  const Signer signer = Signer::draw(name, system_entropy());
  const CosignatureVerifier verifier(name, signer.verifier().key);
  create_signing_key(directory / key_file, signer);
  create_file(directory / verifier_file, verifier.vkey() + "\n", 0644);
  return verifier;
}

WitnessStore::WitnessStore(std::filesystem::path directory, std::vector<Verifier> logs)
    : directory_(std::move(directory)), logs_(std::move(logs)), cosigner_(read_cosigner(directory_)) {
  lock_file_ = take_lock(directory_);
  try {
    read_state();
  } catch (...) {
    ::close(lock_file_);
    throw;
  }
}

WitnessStore::~WitnessStore() { ::close(lock_file_); }

std::filesystem::path WitnessStore::folder_of(std::string_view origin) const {
  return directory_ / logs_folder / origin_hash(origin);
}

void WitnessStore::read_state() {
  create_folder(directory_ / logs_folder);
  for (const auto& folder : std::filesystem::directory_iterator(directory_ / logs_folder)) {
    const auto path = folder.path() / checkpoint_file;
    if (!std::filesystem::exists(path)) continue;  // a crash came before the first one
    auto note = read_file(path);
    auto witnessed = note ? read_witnessed(*std::move(note), cosigner_.verifier()) : std::nullopt;
    if (!witnessed || folder_of(witnessed->checkpoint.origin).filename() != folder.path().filename()) {
      throw Failure(Exit::integrity, path.string() +
                                         ": not what this witness cosigned; until that is known again it "
                                         "must cosign nothing of this log");
    }
    std::string origin = witnessed->checkpoint.origin;
    state_.emplace(std::move(origin), *std::move(witnessed));
  }
}

WitnessAnswer WitnessStore::add_checkpoint(std::string_view body, std::uint64_t seconds) {
  const std::lock_guard lock(mutex_);
  WitnessAnswer answer = answer_add_checkpoint(body, logs_, state_, cosigner_, seconds);
  if (answer.next) {
    const std::string& origin = answer.next->checkpoint.origin;
    if (!state_.contains(origin)) create_folder(folder_of(origin));
    if (const auto error = replace_file_durably(folder_of(origin) / checkpoint_file, answer.next->note)) fail(*error);
    state_.insert_or_assign(origin, *answer.next);
  }
  if (answer.is_fork) {
    const std::string note = parse_add_checkpoint(body)->note;
    const std::string origin = parse_checkpoint_text(parse_note(note)->text)->origin;
    const auto path = folder_of(origin) / fork_file;
    if (!std::filesystem::exists(path)) create_file(path, note, 0644);
    spdlog::error("{} signed two histories: {} and {} beside it", origin, path.string(), checkpoint_file);
  }
  return answer;
}

std::optional<std::string> WitnessStore::checkpoint(std::string_view hash) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [origin, witnessed] : state_) {
    if (origin_hash(origin) == hash) return witnessed.note;
  }
  return std::nullopt;
}

}  // namespace daicho
