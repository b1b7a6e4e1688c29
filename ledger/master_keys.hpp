// ledger/master_keys.hpp — the master key, or the two of a rotation, and what is wrapped by them
// (docs/ledger-format.md, sections "Keys" and "Rotation of the master key"; docs/decisions/0024-master-key.md).
#pragma once

#include <memory>
#include <optional>

#include "ledger/id.hpp"
#include "ledger/sealing.hpp"
#include "ledger/store.hpp"

namespace daicho {

/// How far a rotation of the master key got, by what the store says.
enum class MasterRotation {
  none,
  begun,    ///< some rows are wrapped by the new key, some may still be by the old one
  wrapped,  ///< all are by the new one, on record; the store's files may still hold what the old one wrapped
};

/// What tells a master key from another, and nothing else of it.
Hash master_fingerprint(const SecretKey& master);

/// Of the family `keys`: account id, u32 big-endian slot.
std::string wrapped_key_row_key(const Id& account, std::uint32_t slot);

/// What a row of family `keys` holds, and where.
RowChange wrap_key(const SecretKey& master, const SecretKey& key, const Id& account, std::uint32_t slot);
std::optional<SecretKey> unwrap_key(const SecretKey& master, std::string_view wrapped, const Id& account,
                                    std::uint32_t slot);

/// Any thread reads; one at a time changes.
class MasterKeys {
 public:
  /// What is held at one instant. It never changes, so what it opens it opens for as long as somebody has it.
  struct Held {
    SecretKey in_force;            ///< wraps
    std::optional<SecretKey> old;  ///< opens what it wrapped, while a rotation lasts
    MasterRotation rotation = MasterRotation::none;

    std::optional<SecretKey> unwrap(std::string_view wrapped, const Id& account, std::uint32_t slot) const;
  };

  explicit MasterKeys(Held held);
  MasterKeys(MasterKeys&&) = default;
  MasterKeys& operator=(MasterKeys&&) = default;
  /// Finds out by the ledger's own rows which of the keys is in force, and by its mark whether another one is wanted.
  enum class Fault {
    wrong,       ///< none opens anything of the ledger's own
    unreadable,  ///< a row of the ledger's own is missing or altered
    unfinished,  ///< a rotation is, and the key it began with is not there
  };
  static Result<MasterKeys, Fault> find(SecretKey master, std::optional<SecretKey> other, const Store& store);

  std::shared_ptr<const Held> held() const;
  /// From here on `next` wraps; the one before still opens.
  void begin(SecretKey next);
  void go_on(MasterRotation rotation);  ///< beyond `begun` the old one is forgotten

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

// The mark of a rotation that is not finished, a row of family `meta`. While it is begun it opens under the old key
// only.
std::string rotation_mark_key();
RowChange rotation_mark(const SecretKey& old);  ///< begun
RowChange wrapped_mark();                       ///< every row is wrapped by the new key
RowChange no_rotation_mark();

}  // namespace daicho
