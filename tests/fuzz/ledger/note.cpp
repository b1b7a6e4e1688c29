// Signed notes, checkpoints and cosignatures. What parses is printed as the same bytes; only the golden text opens
// under the golden key.
#include "ledger/cosignature.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace daicho;
  using namespace daicho::fuzz;
  const std::string bytes = input_text(data, size);
  const auto note = parse_note(bytes);
  if (note) {
    std::string printed = note->text + '\n';
    for (const NoteSignature& signature : note->signatures) printed += signature_line(signature);
    must(printed == bytes, "a note is printed as it was read");
    must(note->signatures.size() <= note_signatures_max, "a note has no more signatures than it may");
    const auto same = with_signatures(bytes, note->signatures);
    must(same == bytes, "no signature stands there twice");
    static const CosignatureVerifier witness("witness.example/w1", golden().verifier.key);
    for (const NoteSignature& signature : note->signatures) {
      if (witness.verify(note->text, signature))
        must(note->text == checkpoint_text(golden().checkpoint), "only the golden text is cosigned");
    }
  }
  if (const auto text = open_note(bytes, {golden().verifier}))
    must(note && *text == checkpoint_text(golden().checkpoint), "only the golden text opens");
  if (const auto checkpoint = open_checkpoint(bytes, golden().verifier))
    must(*checkpoint == golden().checkpoint, "only the golden checkpoint opens");
  if (const auto checkpoint = parse_checkpoint_text(bytes)) {
    must(bytes.starts_with(checkpoint_text(*checkpoint)), "a checkpoint is printed as it was read");
    must(parse_checkpoint_text(checkpoint_text(*checkpoint)) == checkpoint, "what is printed reads as the same");
  }
  return 0;
}
