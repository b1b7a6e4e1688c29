#include "tools/log_files.hpp"

#include "ledger/event.hpp"
#include "ledger/exported_log.hpp"
#include "tools/failure.hpp"
#include "tools/ledger_files.hpp"

namespace daicho {

bool is_ledger(const std::filesystem::path& directory) {
  std::error_code ignored;
  return std::filesystem::exists(directory / "store", ignored);
}

std::unique_ptr<LogSource> open_log(const std::filesystem::path& directory) {
  if (is_ledger(directory)) return value_or_fail(Store::open(directory, Store::Mode::read));
  return value_or_fail(ExportedLog::open(directory));
}

std::vector<Verifier> parse_vkeys(const std::vector<std::string>& texts) {
  std::vector<Verifier> keys;
  for (const std::string& text : texts) {
    auto key = Verifier::parse_vkey(text);
    if (!key) throw Failure(Exit::usage, "--vkey: not a verifier key");
    keys.push_back(*std::move(key));
  }
  return keys;
}

Verifier first_verifier(const std::filesystem::path& directory, const std::optional<std::string>& vkey) {
  return vkey ? parse_vkeys({*vkey}).front() : read_verifier(directory);
}

Verifier first_verifier(const std::filesystem::path& directory, const LogSource& source,
                        const std::vector<Verifier>& given) {
  if (!given.empty()) return given.front();
  if (is_ledger(directory)) return read_verifier(directory);
  const auto envelope = value_or_fail(source.get(Family::events, ByteView(big_endian(0))));
  const auto event = envelope ? Event::parse(as_bytes(*envelope)) : Unexpected{EventFault::malformed};
  const auto* const created = event ? event->as<fb::LedgerCreated>() : nullptr;
  const auto named = created && created->vkey() ? Verifier::parse_vkey(created->vkey()->string_view()) : std::nullopt;
  if (!named) throw Failure(Exit::integrity, directory.string() + ": the first event names no verifier");
  return *named;
}

OpenLog open_with_checkpoint(const std::filesystem::path& directory, const std::vector<Verifier>& given) {
  auto source = open_log(directory);
  KeyHistory keys(first_verifier(directory, *source, given));
  if (auto error = read_key_history(*source, keys)) fail(*error);
  auto last = value_or_fail(source->last(Family::checkpoints));
  if (!last) throw Failure(Exit::integrity, "the log has no checkpoint");
  const auto checkpoint = keys.open(last->second);
  if (!checkpoint) throw Failure(Exit::integrity, "the newest checkpoint is not signed by " + keys.newest().vkey());
  return {std::move(source), std::move(keys), std::move(last->second), *checkpoint};
}

}  // namespace daicho
