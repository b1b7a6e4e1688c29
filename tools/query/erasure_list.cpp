#include "tools/query/erasure_list.hpp"

#include "ledger/log_rows.hpp"
#include "projections/history.hpp"
#include "tools/json_fields.hpp"

namespace daicho {

namespace {

constexpr std::size_t list_bytes_max = std::size_t{1} << 30U;
constexpr const char* end_type = "end";

/// What the rows have in common: an event and where it is.
Json row_of(const Event& event, const std::string& envelope) {
  return {{"type", event.type_name()},
          {"seq", event.position()},
          {"time", to_rfc3339(event.time())},
          {"event", to_base64(as_bytes(envelope))}};
}

std::string envelope_at(const Store& store, Position position) {
  auto envelope = value_or_fail(store.get(Family::events, big_endian(position)));
  if (!envelope || !Event::parse(as_bytes(*envelope)))
    throw Failure(Exit::integrity, "the event at " + std::to_string(position) + " does not read: run audit verify");
  return *std::move(envelope);
}

void append_rotations(Json& rows, const Store& store) {
  const auto positions = value_or_fail(store.get(Family::meta, as_bytes(rotations_key)));
  ByteView rest = as_bytes(positions ? std::string_view(*positions) : std::string_view());
  for (; rest.size() >= sizeof(Position); rest = rest.subspan(sizeof(Position))) {
    const std::string envelope = envelope_at(store, read_big_endian(rest.first(sizeof(Position))));
    rows.push_back(row_of(*Event::parse(as_bytes(envelope)), envelope));
  }
}

Json erasure_row(const Store& store, const PendingErasure& erasure) {
  Json row = row_of(erasure.event(), erasure.envelope);
  row["account"] = to_text(erasure.account);
  row["key_fingerprint"] = to_hex(erasure.fingerprint.view());
  const auto account = value_or_fail(load_account(store, erasure.account));
  const bool is_completed = account && account->life.end && account->life.end->erasure;
  row["completed_seq"] = is_completed ? Json(account->life.end->erasure->position) : Json(nullptr);
  return row;
}

}  // namespace

Json query_erasures(const LedgerView& ledger, const QueryOptions& options) {
  const Store& store = *ledger.store;
  const Position from = options.from.value_or(0);
  const auto newest = value_or_fail(store.last(Family::checkpoints));
  const auto size = newest ? number_of(as_bytes(newest->first)) : std::nullopt;
  if (!size) throw Failure(Exit::integrity, "the log has no checkpoint: run audit verify");
  Json rows = Json::array();
  append_rotations(rows, store);
  std::uint64_t count = 0;
  const auto failed = store.scan(Family::events, big_endian(from), [&](ByteView key, ByteView value) {
    if (read_big_endian(key) >= *size) return false;
    if (const auto erasure = read_erasure({}, std::string(as_text(value)))) {
      rows.push_back(erasure_row(store, *erasure));
      ++count;
    }
    return true;
  });
  if (failed) fail(*failed);
  rows.push_back(
      {{"type", end_type}, {"from", from}, {"events", *size}, {"erasures", count}, {"checkpoint", newest->second}});
  Json json = clock_of(ledger);
  json["erasures"] = std::move(rows);
  return json;
}

namespace {

class ListReader {
 public:
  ListReader(const std::filesystem::path& file, const Verifier& first, Position from)
      : file_(file), first_(first), list_{.known_to = from} {}

  ErasureList read(std::string_view text) {
    while (!text.empty()) {
      ++line_;
      const std::size_t end = text.find('\n');
      if (end == std::string_view::npos) refuse("cut off in the middle");
      take(Json::parse(text.substr(0, end), nullptr, false));
      text.remove_prefix(end + 1);
    }
    if (!is_ended_) refuse("not the end that a list has: it was cut off");
    return std::move(list_);
  }

 private:
  [[noreturn]] void refuse(const std::string& words) const {
    throw Failure(Exit::usage, file_.string() + ", line " + std::to_string(line_) + ": " + words);
  }

  std::string text(const Json& row, const char* member) const {
    if (!row.is_object() || !row.contains(member) || !row[member].is_string())
      refuse("no line of `daicho query erasures --format ndjson`");
    return row[member].get<std::string>();
  }
  std::uint64_t number(const Json& row, const char* member) const {
    if (!row.contains(member) || !row[member].is_number_unsigned()) refuse(std::string("no number `") + member + "`");
    return row[member].get<std::uint64_t>();
  }

  void begin() {
    is_ended_ = false;
    rotations_.clear();
    count_ = 0;
  }

  void take(const Json& row) {
    const std::string type = text(row, "type");
    if (type == end_type) return take_end(row);
    if (is_ended_) begin();  // another list behind the last one
    auto envelope = from_base64(text(row, "event"));
    if (!envelope) refuse("no base64");
    if (type == fb::EnumNamePayload(fb::Payload::SigningKeyRotated)) {
      rotations_.push_back(*std::move(envelope));
      return;
    }
    auto erasure = read_erasure(rotations_, *std::move(envelope));
    if (!erasure) refuse("no event that erases anything");
    std::erase_if(erasure->rotations, [&](const std::string& rotation) {
      const auto event = Event::parse(as_bytes(rotation));
      return event && event->position() > erasure->position;
    });
    if (!is_proven(*erasure, first_)) refuse("an event that no key of this ledger signed");
    list_.erasures.push_back(*std::move(erasure));
    ++count_;
  }

  void take_end(const Json& row) {
    const auto keys = follow_rotations(first_, rotations_);
    if (!keys) refuse("behind a rotation of the signing key that does not fit");
    const auto checkpoint = keys->open(text(row, "checkpoint"));
    if (!checkpoint) refuse("a checkpoint that no key of this ledger signed");
    const std::uint64_t said = number(row, "erasures"), from = number(row, "from");
    if (said != (is_ended_ ? 0 : count_))
      refuse("the list has " + std::to_string(count_) + " erasures, and had " + std::to_string(said));
    if (from <= list_.known_to) list_.known_to = std::max(list_.known_to, checkpoint->size);
    is_ended_ = true;
  }

  const std::filesystem::path& file_;
  const Verifier& first_;
  ErasureList list_;
  std::vector<std::string> rotations_;  // of the list that is being read
  std::uint64_t count_ = 0;             // likewise
  std::uint64_t line_ = 0;
  bool is_ended_ = false;
};

}  // namespace

ErasureList read_erasure_list(const std::filesystem::path& file, const Verifier& first, Position from) {
  const auto text = read_given_file(file, list_bytes_max);
  if (!text) throw Failure(Exit::usage, file.string() + ": cannot be read");
  return ListReader(file, first, from).read(*text);
}

}  // namespace daicho
