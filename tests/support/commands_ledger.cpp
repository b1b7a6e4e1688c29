#include "tests/support/commands_ledger.hpp"

#include <doctest/doctest.h>

#include "ledger/merkle.hpp"
#include "projections/event_fields.hpp"
#include "projections/history.hpp"
#include "projections/lookup_rotation.hpp"

namespace daicho::test {

namespace {

constexpr const char* directory = "/ledger";
constexpr const char* origin = "daicho.example/memory";

Hash filled(std::uint8_t byte) {
  Hash hash;
  hash.bytes.fill(byte);
  return hash;
}
Signer ledger_signer() { return {origin, filled(0x51).view()}; }

OneTime secret_kind(fb::NotificationKind kind) {
  switch (kind) {
    case fb::NotificationKind::security_code:
      return OneTime::security_code;
    case fb::NotificationKind::replacement_pending:
      return OneTime::notice_link;
    default:
      return OneTime::link;
  }
}

Entropy counting_entropy(std::atomic<std::uint64_t>& next) {
  return [&next](std::span<std::uint8_t> bytes) {
    for (std::size_t i = 0; i < bytes.size(); i += 8) {  // splitmix64
      std::uint64_t word = next++ * 0x9e3779b97f4a7c15U;
      word = (word ^ (word >> 30U)) * 0xbf58476d1ce4e5b9U;
      word = (word ^ (word >> 27U)) * 0x94d049bb133111ebU;
      const auto random = big_endian(word ^ (word >> 31U));
      std::copy_n(random.begin(), std::min<std::size_t>(8, bytes.size() - i),
                  bytes.begin() + static_cast<std::ptrdiff_t>(i));
    }
  };
}

}  // namespace

MemoryLedger::MemoryLedger(const Json& changes, std::uint64_t seed) : entropy_(counting_entropy(drawn_)) {
  draw_from(seed);
  found(changes);
}
MemoryLedger::~MemoryLedger() = default;

void MemoryLedger::found(const Json& changes) {
  auto store = Store::open(directory, Store::Mode::create, disk.get());
  REQUIRE(store);
  store_ = *std::move(store);
  auto [keys, key_rows] = KeyRing::create(master_key(first_master), entropy_);
  keys_ = std::make_unique<KeyRing>(std::move(keys));
  REQUIRE(!store_->write(key_rows, true));
  log_ = Log::create(*store_, ledger_signer(), [this] { return clock.load(); });

  Policy policy;
  policy.version = 1;
  policy.argon2_memory_kib = 8;
  policy.argon2_passes = 1;
  const auto first = amended(policy, changes);
  REQUIRE(first);
  const Issuer issuer{.service = "init", .command = "init", .command_id = "init", .entry = fb::Entry::cli};
  const Log::Decide decide = [&](Time) {
    Decided decided{{}, first->version};
    decided.drafts.push_back(
        draft(fb::LedgerCreatedT{.origin = origin, .vkey = ledger_signer().verifier().vkey()}, {Rule::led_5}));
    decided.drafts.push_back(draft(adopt(*first), {Rule::led_4}));
    return decided;
  };
  const Log::Fold fold = [](const std::vector<Event>& events, const std::vector<Hash>& leaves) {
    LedgerState ledger;
    for (std::size_t i = 0; i < events.size(); ++i) evolve(ledger, events[i], leaves[i]);
    return Rows{{Family::rows, ledger_row_key(), encode_row(ledger)}};
  };
  const auto data_key = keys_->data_key(*store_, Id{});
  REQUIRE(data_key);
  REQUIRE(log_->append({Id{}, AccountHead{}, issuer, only_data_key(*data_key), decide, fold}));
  auto executor = Executor::open(*store_, *log_, *keys_, entropy_, 2);
  REQUIRE(executor);
  executor_ = *std::move(executor);
}

void MemoryLedger::reopen(std::uint8_t master, std::optional<std::uint8_t> other) {
  executor_.reset();
  log_.reset();
  keys_.reset();
  store_.reset();
  auto store = Store::open(directory, Store::Mode::write, disk.get());
  REQUIRE(store);
  store_ = *std::move(store);
  auto keys = KeyRing::open(master_key(master), *store_, other ? std::optional(master_key(*other)) : std::nullopt);
  REQUIRE(keys);
  keys_ = std::make_unique<KeyRing>(*std::move(keys));
  const auto state = load_ledger(*store_);
  REQUIRE(state);
  if (const auto error = finish_lookup_rotation(*store_, *keys_, state->lookup_rotations, nullptr)) FAIL(error->detail);
  auto log = Log::open(*store_, ledger_signer(), [this] { return clock.load(); });
  REQUIRE(log);
  log_ = *std::move(log);
  auto executor = Executor::open(*store_, *log_, *keys_, entropy_, 2);
  REQUIRE(executor);
  executor_ = *std::move(executor);
}

Result<Answer, Fault> MemoryLedger::execute(Command command, const std::optional<Id>& account,
                                            const Envelope& envelope) {
  Request request{.command = std::move(command)};
  request.account = account;
  request.issuer.service = envelope.service;
  request.issuer.command =
      envelope.command.empty() ? "command-" + std::to_string(request.command.index()) : envelope.command;
  request.unknown_name = envelope.unknown_name;
  request.issuer.command_id = envelope.key.empty() ? "key-" + std::to_string(++next_key_) : envelope.key;
  request.issuer.entry = fb::Entry::http;
  request.body = envelope.body.empty() ? "{\"of\":\"" + request.issuer.command_id + "\"}" : envelope.body;
  request.expected_version = envelope.expected_version;
  request.is_anybody = envelope.is_anybody;
  return executor_->execute(std::move(request));
}

Answer MemoryLedger::run(Command command, const std::optional<Id>& account, const Envelope& envelope) {
  auto answer = execute(std::move(command), account, envelope);
  REQUIRE_MESSAGE(answer.has_value(), (answer ? std::string{} : answer.error().detail));
  return *std::move(answer);
}

std::vector<Answer> MemoryLedger::tick() {
  auto done = executor_->tick();
  REQUIRE(done.has_value());
  return *std::move(done);
}

Id MemoryLedger::make_owner(const std::string& sign_in_name) {
  const Answer answer = run(registration(sign_in_name));
  REQUIRE(!answer.is_refusal);
  const Id id = id_in(answer, "account");
  for (const Mail& mail : outbox()) {
    if (mail.account != id || mail.kind != fb::NotificationKind::proof_link) continue;
    REQUIRE(!run(VerifyProof{.proof = mail.proof, .link_token = mail.secret}, id).is_refusal);
  }
  REQUIRE(account(id).proofs.usable_count() == 2);
  return id;
}

Id MemoryLedger::pass_challenge(const Id& id, fb::Purpose purpose, std::size_t n) {
  const Answer started = run(StartChallenge{purpose, std::nullopt, CharacterCheck{"aB3", "Ab3"}}, id);
  REQUIRE_MESSAGE(!started.is_refusal, started.body.dump());
  const Id challenge = id_in(started, "challenge_id");
  const Proof proof = account(id).proofs.all.at(n);
  const auto event = read_event(*store_, proof.added);
  REQUIRE(event);
  const std::string address = keys_->personal(*store_, *Event::parse(as_bytes(**event)))->address;
  const std::string confirmation = address.substr(0, address.find('@'));
  const Answer sent = run(SendCode{challenge, proof.id, fb::Channel::email, confirmation}, id);
  REQUIRE_MESSAGE(!sent.is_refusal, sent.body.dump());
  const std::string code = newest_mail(id, fb::NotificationKind::security_code).secret;
  const Answer passed = run(SubmitCode{challenge, code}, id);
  REQUIRE_MESSAGE(!passed.is_refusal, passed.body.dump());
  return challenge;
}

MemoryLedger::Opened MemoryLedger::open_window(const Id& id, const std::string& new_address) {
  Opened opened;
  const Answer marked = run(MarkProofsLost{}, id);
  REQUIRE_MESSAGE(!marked.is_refusal, marked.body.dump());
  opened.window = id_in(marked, "replacement_id");
  opened.token = marked.body.at("replacement_token").get<std::string>();
  REQUIRE(!run(ProposeReplacementProof{opened.window, new_mailbox(new_address)}, id).is_refusal);
  const auto registered = read_event(*store_, account(id).identity.registered);
  const std::string name = keys_->personal(*store_, *Event::parse(as_bytes(**registered)))->sign_in_name;
  const std::string token = newest_mail(id, fb::NotificationKind::proof_link).secret;
  const Answer confirmed =
      run(ConfirmReplacementProof{.replacement = opened.window, .link_token = token, .account_named = name}, id);
  REQUIRE_MESSAGE(!confirmed.is_refusal, confirmed.body.dump());
  opened.effective_at = *account(id).windows.open->effective_at;
  return opened;
}

Account MemoryLedger::account(const Id& id) const {
  auto account = load_account(*store_, id);
  REQUIRE(account);
  REQUIRE(account->has_value());
  return **std::move(account);
}

std::vector<Mail> MemoryLedger::outbox() const {
  std::vector<Mail> waiting;
  for (const auto& [key, value] : rows(Family::rows)) {
    const auto row = decode_outbox_row(as_bytes(key), as_bytes(value));
    if (!row) continue;
    const auto envelope = read_event(*store_, row->position);
    REQUIRE(envelope);
    const auto event = Event::parse(as_bytes(**envelope));
    REQUIRE(event);
    const fb::Notification* notification = event->body().notifications()->Get(row->index);
    Mail mail{row->notification,
              row->account,
              notification->kind(),
              notification->recipient(),
              id_of(notification->proof_id()),
              row->position,
              std::string{}};
    const Id secret_id = id_of(notification->secret_id());
    if (!secret_id.is_zero()) mail.secret = secret(mail.account, secret_kind(mail.kind), secret_id);
    waiting.push_back(std::move(mail));
  }
  std::ranges::stable_sort(waiting, {}, &Mail::position);
  return waiting;
}

Mail MemoryLedger::newest_mail(const Id& id, fb::NotificationKind kind) const {
  std::optional<Mail> newest;
  for (const Mail& mail : outbox()) {
    if (mail.account == id && mail.kind == kind) newest = mail;
  }
  REQUIRE(newest);
  return *newest;
}

std::string MemoryLedger::secret(const Id& id, OneTime kind, const Id& secret_id) const {
  const auto data_key = keys_->data_key(*store_, id);
  REQUIRE(data_key);
  return Vault(id, *data_key, keys_->code_key()).secret(kind, secret_id, executor_->ledger().policy.code_digits);
}

std::vector<std::string> MemoryLedger::envelopes() const {
  std::vector<std::string> all;
  for (const auto& [key, value] : rows(Family::events)) all.push_back(value);
  return all;
}

std::string MemoryLedger::history(const Id& id) const {
  std::string names;
  for (const std::string& envelope : envelopes()) {
    const auto event = Event::parse(as_bytes(envelope));
    REQUIRE(event);
    if (event->account() == id) names += (names.empty() ? "" : " ") + std::string(event->type_name());
  }
  return names;
}

std::map<std::string, std::string> MemoryLedger::rows(Family family) const {
  std::map<std::string, std::string> found;
  const auto failed = store_->scan(family, {}, [&](ByteView key, ByteView value) {
    found.emplace(as_text(key), as_text(value));
    return true;
  });
  REQUIRE(!failed);
  return found;
}

std::string outcome(const Answer& answer) {
  std::string words = "accepted";
  if (answer.is_refusal)
    words = answer.body.at("rule").get<std::string>() + " " + answer.body.at("code").get<std::string>();
  std::string names;
  if (answer.body.contains("events")) {
    for (const Json& event : answer.body["events"]) names += " " + event.at("type").get<std::string>();
  }
  return names.empty() ? words : words + ":" + names;
}

Id id_in(const Answer& answer, const char* member) {
  REQUIRE(answer.body.contains(member));
  const auto id = parse_id(answer.body[member].get<std::string>());
  REQUIRE(id);
  return *id;
}

}  // namespace daicho::test
