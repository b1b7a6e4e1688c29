// Key files: encrypted ones, and master keys in hex. What parses keeps to the limits of what it makes a reader do; a
// key reads back. No passphrase is tried: that is Argon2id's work.
#include "tools/keys/key_files.hpp"

#include "tests/fuzz/failures.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace daicho;
  using namespace daicho::fuzz;
  const std::string text = input_text(data, size);
  if (const auto key = parse_encrypted_key(text)) {
    must(is_encrypted_key(text), "it begins as one");
    must(is_key_cost(key->cost), "its cost keeps to the limits");
    must(key->what.find('\n') == std::string::npos, "what it holds is one line");
    const std::string end = to_base64(as_bytes(key->sealed)) + '\n';
    must(text.ends_with(end), "what is sealed is read as it is written");
  }
  accepts([&] {
    const SecretKey key = parse_master_key(text, "a file");
    must(to_hex(key.view()) == text.substr(0, 64) ||
             parse_master_key(to_hex(key.view()), "it").view()[0] == key.view()[0],
         "a master key reads back");
  });
  return 0;
}
