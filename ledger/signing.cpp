#include "ledger/signing.hpp"

#include <sodium.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "ledger/sealing.hpp"
#include "ledger/sha256.hpp"

namespace daicho {
namespace {

constexpr std::string_view signature_prefix = "\xE2\x80\x94 ";  // U+2014 and a space
constexpr std::string_view secret_prefix = "PRIVATE+KEY+";
constexpr std::size_t seed_bytes = crypto_sign_SEEDBYTES;
constexpr std::size_t ed25519_secret_bytes = crypto_sign_SECRETKEYBYTES;  // seed || public key

PublicKey public_key_of(ByteView seed) {
  require_sodium();
  if (seed.size() != seed_bytes) std::abort();
  PublicKey key;
  std::array<std::uint8_t, ed25519_secret_bytes> secret;
  crypto_sign_seed_keypair(key.bytes.data(), secret.data(), seed.data());
  sodium_memzero(secret.data(), secret.size());
  return key;
}

std::string typed(KeyType type, ByteView key) {
  std::string out;
  out.reserve(1 + key.size());
  out += static_cast<char>(type);
  append(out, key);
  return out;
}

struct KeyText {
  std::string name;
  KeyId id;
  std::string key;  // 32 bytes
};

/// `name+hhhhhhhh+base64(type || key)`; the base64 part may contain further plus signs.
std::optional<KeyText> parse_key_text(std::string_view text, KeyType type) {
  const std::size_t first = text.find('+');
  if (first == std::string_view::npos) return std::nullopt;
  const std::size_t second = text.find('+', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const std::string_view name = text.substr(0, first);
  const std::string_view id_text = text.substr(first + 1, second - first - 1);
  const auto id_bytes = from_hex(id_text);
  auto key = from_base64(text.substr(second + 1));
  if (!is_key_name(name) || !id_bytes || !key) return std::nullopt;
  const auto id = KeyId::from(as_bytes(*id_bytes));
  const bool well_formed =
      id && to_hex(id->view()) == id_text && key->size() == 33 && key->front() == static_cast<char>(type);
  std::optional<KeyText> result;
  if (well_formed) result = KeyText{std::string(name), *id, key->substr(1)};
  wipe(*key);
  return result;
}

/// Takes one code point from the front; nullopt unless well-formed UTF-8 (RFC 3629 section 4).
std::optional<char32_t> take_code_point(std::string_view& rest) {
  const auto lead = static_cast<std::uint8_t>(rest.front());
  const std::size_t size = lead < 0x80                   ? 1
                           : lead >= 0xC2 && lead < 0xE0 ? 2
                           : (lead & 0xF0) == 0xE0       ? 3
                           : lead >= 0xF0 && lead < 0xF5 ? 4
                                                         : 0;
  if (size == 0 || rest.size() < size) return std::nullopt;
  char32_t point = size == 1 ? lead : lead & (0x7FU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    const auto byte = static_cast<std::uint8_t>(rest[i]);
    if ((byte & 0xC0) != 0x80) return std::nullopt;
    point = point << 6 | (byte & 0x3FU);
  }
  const bool overlong = (size == 3 && point < 0x800) || (size == 4 && point < 0x10000);
  if (overlong || (point >= 0xD800 && point < 0xE000) || point > 0x10FFFF) return std::nullopt;
  rest.remove_prefix(size);
  return point;
}

/// Unicode's White_Space property.
bool is_space(char32_t point) {
  return (point >= 0x09 && point <= 0x0D) || point == 0x20 || point == 0x85 || point == 0xA0 || point == 0x1680 ||
         (point >= 0x2000 && point <= 0x200A) || point == 0x2028 || point == 0x2029 || point == 0x202F ||
         point == 0x205F || point == 0x3000;
}

/// signed-note: UTF-8 without control bytes other than newline.
bool is_note_text(std::string_view rest) {
  while (!rest.empty()) {
    const auto point = take_code_point(rest);
    if (!point || (*point < 0x20 && *point != '\n')) return false;
  }
  return true;
}

/// `line` without its newline.
std::optional<NoteSignature> parse_signature_line(std::string_view line) {
  if (!line.starts_with(signature_prefix)) return std::nullopt;
  line.remove_prefix(signature_prefix.size());
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos || !is_key_name(line.substr(0, space))) return std::nullopt;
  const auto content = from_base64(line.substr(space + 1));
  if (!content || content->size() <= KeyId::size) return std::nullopt;
  const KeyId id = *KeyId::from(as_bytes(*content).first(KeyId::size));
  return NoteSignature{std::string(line.substr(0, space)), id, content->substr(KeyId::size)};
}

enum class Outcome { unknown, good, bad };

Outcome check_signature(std::string_view text, const NoteSignature& signature, const std::vector<Verifier>& known) {
  Outcome outcome = Outcome::unknown;
  const auto bytes = Signature::from(as_bytes(signature.payload));
  for (const Verifier& verifier : known) {
    if (verifier.name != signature.name || verifier.id != signature.id) continue;
    if (bytes && verifier.verify(as_bytes(text), *bytes)) return Outcome::good;
    outcome = Outcome::bad;
  }
  return outcome;
}

}  // namespace

bool is_key_name(std::string_view name) {
  if (name.empty() || name.size() > key_name_bytes_max) return false;
  while (!name.empty()) {
    const auto point = take_code_point(name);
    if (!point || *point < 0x20 || *point == '+' || is_space(*point)) return false;
  }
  return true;
}

KeyId key_id(std::string_view name, KeyType type, const PublicKey& key) {
  const std::uint8_t name_end_and_type[] = {'\n', static_cast<std::uint8_t>(type)};
  const Hash hash = sha256({as_bytes(name), name_end_and_type, key.view()});
  return *KeyId::from(hash.view().first(KeyId::size));
}

std::string vkey_text(std::string_view name, KeyType type, const PublicKey& key) {
  const std::string content = typed(type, key.view());
  return std::string(name) + '+' + to_hex(key_id(name, type, key).view()) + '+' + to_base64(as_bytes(content));
}

std::optional<NamedKey> parse_vkey_text(std::string_view text, KeyType type) {
  const auto parsed = parse_key_text(text, type);
  if (!parsed) return std::nullopt;
  NamedKey named{parsed->name, *PublicKey::from(as_bytes(parsed->key))};
  if (key_id(named.name, type, named.key) != parsed->id) return std::nullopt;
  return named;
}

bool verify_ed25519(const PublicKey& key, ByteView message, const Signature& signature) {
  require_sodium();
  return crypto_sign_verify_detached(signature.bytes.data(), message.data(), message.size(), key.bytes.data()) == 0;
}

Verifier::Verifier(std::string key_name, const PublicKey& public_key)
    : name(std::move(key_name)), key(public_key), id(key_id(name, KeyType::note, key)) {}

bool Verifier::verify(ByteView message, const Signature& signature) const {
  return verify_ed25519(key, message, signature);
}

std::string Verifier::vkey() const { return vkey_text(name, KeyType::note, key); }

std::optional<Verifier> Verifier::parse_vkey(std::string_view text) {
  auto named = parse_vkey_text(text, KeyType::note);
  if (!named) return std::nullopt;
  return Verifier(std::move(named->name), named->key);
}

struct Signer::Secret {
  Verifier verifier;
  std::optional<SecretKey> seed;  // absent: `ask`
  AskSignature ask;
  std::mutex failure_mutex;  // guards `failure`
  std::optional<std::string> failure;

  Secret(Verifier of, std::optional<SecretKey> held, AskSignature asked)
      : verifier(std::move(of)), seed(std::move(held)), ask(std::move(asked)) {}
  void fail(std::string words) {
    const std::lock_guard lock(failure_mutex);
    if (!failure) failure = std::move(words);
  }
};

Signer::Signer(std::string name, ByteView seed) {
  Verifier verifier(std::move(name), public_key_of(seed));
  secret_ = std::make_unique<Secret>(std::move(verifier), SecretKey(seed), nullptr);
}

Signer::Signer(Verifier verifier, AskSignature ask)
    : secret_(std::make_unique<Secret>(std::move(verifier), std::nullopt, std::move(ask))) {}

Signer Signer::draw(std::string name, const std::function<void(std::span<std::uint8_t>)>& entropy) {
  std::array<std::uint8_t, seed_bytes> seed{};
  entropy(seed);
  Signer signer(std::move(name), seed);
  sodium_memzero(seed.data(), seed.size());
  return signer;
}

Signer::~Signer() = default;
Signer::Signer(Signer&&) noexcept = default;
Signer& Signer::operator=(Signer&&) noexcept = default;

const Verifier& Signer::verifier() const { return secret_->verifier; }

bool Signer::holds_key() const { return secret_->seed.has_value(); }

std::optional<std::string> Signer::failure() const {
  if (secret_->seed) return std::nullopt;
  const std::lock_guard lock(secret_->failure_mutex);
  return secret_->failure;
}

Signature Signer::sign(ByteView message) const {
  if (!secret_->seed) {
    if (failure()) return {};
    const auto answer = secret_->ask(message);
    if (answer && secret_->verifier.verify(message, *answer)) return *answer;
    secret_->fail(answer ? "the signer answered with a signature that is not by " + secret_->verifier.vkey()
                         : answer.error());
    return {};
  }
  std::array<std::uint8_t, ed25519_secret_bytes> secret;
  std::memcpy(secret.data(), secret_->seed->view().data(), seed_bytes);
  std::memcpy(secret.data() + seed_bytes, secret_->verifier.key.bytes.data(), PublicKey::size);
  Signature signature;
  crypto_sign_detached(signature.bytes.data(), nullptr, message.data(), message.size(), secret.data());
  sodium_memzero(secret.data(), secret.size());
  return signature;
}

std::string Signer::secret_text() const {
  if (!secret_->seed) std::abort();  // there is none here
  std::string seed = typed(KeyType::note, secret_->seed->view());
  std::string encoded = to_base64(as_bytes(seed));
  std::string text;
  text.reserve(secret_prefix.size() + secret_->verifier.name.size() + 10 + encoded.size());  // no copy is left behind
  text.append(secret_prefix).append(secret_->verifier.name).append("+");
  text.append(to_hex(secret_->verifier.id.view())).append("+").append(encoded);
  wipe(seed);
  wipe(encoded);
  return text;
}

std::optional<Signer> Signer::parse_secret(std::string_view text) {
  if (!text.starts_with(secret_prefix)) return std::nullopt;
  auto parsed = parse_key_text(text.substr(secret_prefix.size()), KeyType::note);
  if (!parsed) return std::nullopt;
  Signer signer(parsed->name, as_bytes(parsed->key));
  wipe(parsed->key);
  if (signer.verifier().id != parsed->id) return std::nullopt;
  return signer;
}

std::string signature_line(const NoteSignature& signature) {
  const std::string content = std::string(signature.id.text()) + signature.payload;
  return std::string(signature_prefix) + signature.name + ' ' + to_base64(as_bytes(content)) + '\n';
}

std::string signature_line(const Verifier& verifier, const Signature& signature) {
  return signature_line(NoteSignature{verifier.name, verifier.id, std::string(signature.text())});
}

std::string sign_note(std::string_view text, const std::vector<const Signer*>& signers) {
  if (!text.ends_with('\n') || !is_note_text(text)) std::abort();  // nobody could open it
  std::string note = std::string(text) + '\n';
  for (const Signer* signer : signers) note += signature_line(signer->verifier(), signer->sign(as_bytes(text)));
  return note;
}

std::optional<Note> parse_note(std::string_view bytes) {
  if (bytes.size() > note_bytes_max || !bytes.ends_with('\n') || !is_note_text(bytes)) return std::nullopt;
  const std::size_t separator = bytes.rfind("\n\n");  // the last empty line
  if (separator == std::string_view::npos) return std::nullopt;
  Note note;
  note.text = bytes.substr(0, separator + 1);
  std::string_view rest = bytes.substr(separator + 2);
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    auto signature = parse_signature_line(rest.substr(0, end));
    if (!signature || note.signatures.size() == note_signatures_max) return std::nullopt;
    note.signatures.push_back(std::move(*signature));
    rest.remove_prefix(end + 1);
  }
  if (note.signatures.empty()) return std::nullopt;
  return note;
}

Result<std::string, NoteFault> open_note(std::string_view bytes, const std::vector<Verifier>& known) {
  auto note = parse_note(bytes);
  if (!note) return Unexpected{NoteFault::malformed};
  bool opened = false;
  for (const NoteSignature& signature : note->signatures) {
    const Outcome outcome = check_signature(note->text, signature, known);
    if (outcome == Outcome::bad) return Unexpected{NoteFault::bad_signature};
    opened = opened || outcome == Outcome::good;
  }
  if (!opened) return Unexpected{NoteFault::unknown_key};
  return std::move(note->text);
}

}  // namespace daicho
