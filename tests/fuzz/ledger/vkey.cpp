// Key texts: verifiers of logs and of witnesses, and secret keys. What parses is printed, reads back as the
// same, and its key id is the key's.
#include "ledger/cosignature.hpp"
#include "ledger/sealing.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace daicho;
  using namespace daicho::fuzz;
  const std::string text = input_text(data, size);
  if (const auto verifier = Verifier::parse_vkey(text)) {
    must(Verifier::parse_vkey(verifier->vkey()) == verifier, "a verifier that is printed reads back");
    must(is_key_name(verifier->name), "its name is one");
    must(verifier->id == key_id(verifier->name, KeyType::note, verifier->key), "its id is its own");
  }
  if (const auto witness = CosignatureVerifier::parse_vkey(text)) {
    must(CosignatureVerifier::parse_vkey(witness->vkey()) == witness, "a witness's reads back");
    must(!Verifier::parse_vkey(text), "no key is of both types");
  }
  if (const auto signer = Signer::parse_secret(text)) {
    std::string printed = signer->secret_text();
    const auto again = Signer::parse_secret(printed);
    must(again && again->verifier() == signer->verifier(), "a secret key that is printed reads back");
    wipe(printed);
    must(signer->verifier().verify(as_bytes("x"), signer->sign(as_bytes("x"))), "it signs for its verifier");
  }
  return 0;
}
