// docs/disclosure.md, sections "The file" and "To check one".
#include "ledger/disclosure.hpp"

#include "ledger/lines.hpp"
#include "ledger/merkle.hpp"
#include "ledger/tlog_proof.hpp"

namespace daicho {
namespace {

constexpr std::string_view file_header = "daicho disclosure v1";
constexpr std::string_view event_prefix = "event ";
constexpr std::string_view envelope_prefix = "envelope ";
constexpr std::string_view key_prefix = "key ";
constexpr std::string_view checkpoint_line = "checkpoint";
constexpr std::size_t key_bytes = 32;

using Fault = std::optional<DisclosureFault>;

DisclosureFault fault(DisclosureCheck check, Position position, const std::string& words) {
  return {check, "event " + std::to_string(position) + ": " + words};
}

/// The lines of a file, counted; the first that is wrong ends the reading.
class Reader {
 public:
  explicit Reader(std::string_view file) : rest_(file) {}

  Result<Disclosure, DisclosureFault> read() {
    Disclosure disclosure;
    if (rest_.size() > disclosure_bytes_max) return wrong("more than a disclosure may have, 32 MiB");
    if (!next() || line_ != file_header) return wrong("not a disclosure of this version");
    while (next() && line_.starts_with(event_prefix)) {
      if (disclosure.events.size() == disclosure_events_max) return wrong("more than 256 events");
      const auto position = parse_decimal(line_.substr(event_prefix.size()));
      if (!position) return wrong("the event's sequence number is wanted");
      if (!disclosure.events.empty() && *position <= disclosure.events.back().position)
        return wrong("events stand in order, each once");
      disclosure.events.push_back({.position = *position});
      if (const char* const wanted = read_event(disclosure.events.back())) return wrong(wanted);
    }
    if (line_ != checkpoint_line || disclosure.events.empty()) return wrong("an event or the checkpoint is wanted");
    disclosure.checkpoint = rest_;
    if (!parse_note(disclosure.checkpoint)) return wrong("a signed note is wanted up to the end of the file");
    return disclosure;
  }

 private:
  bool next() {
    const auto taken = take_line(rest_);
    line_ = taken.value_or(std::string_view());
    ++number_;
    return taken.has_value();
  }

  Unexpected<DisclosureFault> wrong(const char* words) const {
    return Unexpected{DisclosureFault{DisclosureCheck::form, "line " + std::to_string(number_) + ": " + words}};
  }

  /// What comes after its first line, with the empty one; otherwise what is wanted instead.
  const char* read_event(DisclosedEvent& event) {
    if (!next() || !line_.starts_with(envelope_prefix)) return "the event's envelope is wanted";
    auto envelope = from_base64(line_.substr(envelope_prefix.size()));
    if (!envelope || envelope->size() > envelope_bytes_max) return "an envelope in base64 is wanted";
    event.envelope = *std::move(envelope);
    bool has_line = next();
    if (has_line && line_.starts_with(key_prefix)) {
      auto key = from_base64(line_.substr(key_prefix.size()));
      if (!key || key->size() != key_bytes) return "a key of 32 bytes in base64 is wanted";
      event.key.emplace(as_bytes(*key));
      wipe(*key);
      has_line = next();
    }
    for (; has_line && !line_.empty(); has_line = next()) {
      const auto bytes = from_base64(line_);
      const auto hash = bytes ? Hash::from(as_bytes(*bytes)) : std::nullopt;
      if (!hash || event.path.size() == proof_hashes_max)
        return "a hash in base64, at most 63 of them, or the empty line behind them is wanted";
      event.path.push_back(*hash);
    }
    return has_line ? nullptr : "the file ends too early";
  }

  std::string_view rest_, line_;
  std::uint64_t number_ = 0;
};

/// Event by event: whether it is one, whose turn it was to sign it, and whose turn is next.
Fault verify_events(const Disclosure& disclosure, CheckedDisclosure& checked) {
  for (const DisclosedEvent& given : disclosure.events) {
    const Position position = given.position;
    const auto event = Event::parse(as_bytes(given.envelope));
    if (!event) return fault(DisclosureCheck::event, position, "the envelope is no event of a known format");
    if (event->position() != position)
      return fault(DisclosureCheck::event, position, "the envelope is that of " + std::to_string(event->position()));
    const Verifier& key = checked.keys.at(position);
    if (event->key_id() != key.id) {
      return fault(DisclosureCheck::signature, position,
                   "signed by " + to_hex(event->key_id().view()) + " where " + to_hex(key.id.view()) + " is in force");
    }
    if (!event->verify(key)) return fault(DisclosureCheck::signature, position, "the signature does not verify");
    if (event->as<fb::SigningKeyRotated>()) {
      auto next = checked.keys.named_by(*event);
      if (!next) return fault(DisclosureCheck::signature, position, "a rotation from or to a key that may not be");
      checked.keys.rotate(position, *std::move(next));
    }
    checked.events.push_back({*event, std::nullopt});
  }
  return std::nullopt;
}

Fault verify_inclusions(const Disclosure& disclosure, const Checkpoint& checkpoint) {
  for (const DisclosedEvent& given : disclosure.events) {
    if (given.position >= checkpoint.size) {
      return fault(DisclosureCheck::inclusion, given.position,
                   "the checkpoint covers " + std::to_string(checkpoint.size) + " events");
    }
    if (!verify_inclusion(leaf_hash(as_bytes(given.envelope)), given.position, checkpoint.size, given.path,
                          checkpoint.root)) {
      return fault(DisclosureCheck::inclusion, given.position, "the path does not lead to the checkpoint's root");
    }
  }
  return std::nullopt;
}

Fault open_events(const Disclosure& disclosure, CheckedDisclosure& checked) {
  for (std::size_t i = 0; i < disclosure.events.size(); ++i) {
    const DisclosedEvent& given = disclosure.events[i];
    if (!given.key) continue;
    OpenedEvent& opened = checked.events[i];
    if (!opened.event.is_sealed())
      return fault(DisclosureCheck::commitment, given.position, "a key for an event that has nothing sealed");
    if (!opened.event.commits_to(*given.key)) {
      return fault(DisclosureCheck::commitment, given.position,
                   "the key is not the one that the event commits to: another event's, or altered");
    }
    opened.personal = opened.event.open_with(*given.key);
    if (!opened.personal) {
      return fault(DisclosureCheck::sealed_part, given.position,
                   "the key is the right one, and the sealed part or the header is not what was sealed");
    }
  }
  return std::nullopt;
}

}  // namespace

const char* name(DisclosureCheck check) {
  switch (check) {
    case DisclosureCheck::form:
      return "form";
    case DisclosureCheck::event:
      return "event";
    case DisclosureCheck::signature:
      return "signature";
    case DisclosureCheck::checkpoint:
      return "checkpoint";
    case DisclosureCheck::inclusion:
      return "inclusion";
    case DisclosureCheck::commitment:
      return "commitment";
    case DisclosureCheck::sealed_part:
      return "sealed_part";
  }
  return "";
}

std::string write_disclosure(const Disclosure& disclosure) {
  // At once as long as it gets: a string that grows leaves keys behind where it was.
  std::size_t size = file_header.size() + checkpoint_line.size() + 2 + disclosure.checkpoint.size();
  constexpr std::size_t around_bytes = 128, hash_line_bytes = 45;
  for (const DisclosedEvent& event : disclosure.events)
    size += around_bytes + event.envelope.size() * 4 / 3 + event.path.size() * hash_line_bytes;
  std::string file;
  file.reserve(size);
  const auto add_line = [&](std::string_view prefix, std::string_view text) {
    file.append(prefix).append(text).append("\n");
  };
  add_line(file_header, "");
  for (const DisclosedEvent& event : disclosure.events) {
    add_line(event_prefix, std::to_string(event.position));
    add_line(envelope_prefix, to_base64(as_bytes(event.envelope)));
    if (event.key) {
      std::string key = to_base64(event.key->view());
      add_line(key_prefix, key);
      wipe(key);
    }
    for (const Hash& hash : event.path) add_line(to_base64(hash.view()), "");
    add_line("", "");
  }
  add_line(checkpoint_line, "");
  file += disclosure.checkpoint;
  return file;
}

bool is_disclosure(std::string_view file) { return take_line(file) == file_header; }

Result<Disclosure, DisclosureFault> read_disclosure(std::string_view file) { return Reader(file).read(); }

Result<CheckedDisclosure, DisclosureFault> check_disclosure(const Disclosure& disclosure, const Verifier& first) {
  CheckedDisclosure checked{{}, KeyHistory(first), {}};
  if (auto wrong = verify_events(disclosure, checked)) return Unexpected{*std::move(wrong)};
  auto checkpoint = checked.keys.open(disclosure.checkpoint);
  if (!checkpoint) {
    return Unexpected{DisclosureFault{DisclosureCheck::checkpoint,
                                      "the checkpoint is not signed by the key that is in force at its size, by the "
                                      "rotations in the file"}};
  }
  checked.checkpoint = *std::move(checkpoint);
  if (auto wrong = verify_inclusions(disclosure, checked.checkpoint)) return Unexpected{*std::move(wrong)};
  if (auto wrong = open_events(disclosure, checked)) return Unexpected{*std::move(wrong)};
  return checked;
}

}  // namespace daicho
