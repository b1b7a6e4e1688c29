// tools/json_fields.hpp — reading a JSON object field by field: every field is checked, and those nobody asked for are
// named. Errors are Failure(usage) that name the field and what is wanted.
#pragma once

#include <set>

#include "commands/decision.hpp"
#include "commands/names.hpp"
#include "tools/failure.hpp"

namespace daicho {

inline constexpr std::size_t body_bytes_max = 65'536;  ///< of one command's JSON
inline constexpr std::size_t text_bytes_max = 4'096;   ///< of one text field
inline constexpr std::size_t json_depth_max = 16;

/// Parses strict JSON: one object, UTF-8, no duplicate members, within the limits above.
Json parse_object(std::string_view text, const std::string& what);

class Fields {
 public:
  /// `path` prefixes the names in errors: `proofs[0].`
  explicit Fields(const Json& object, std::string path = "");

  bool has(const std::string& name) const { return object_.contains(name); }
  std::string text(const std::string& name);
  std::optional<std::string> optional_text(const std::string& name);
  std::string text_or_empty(const std::string& name) { return optional_text(name).value_or(""); }
  std::optional<bool> optional_boolean(const std::string& name);
  std::optional<std::uint64_t> optional_count(const std::string& name);
  Id id(const std::string& name);
  std::optional<Id> optional_id(const std::string& name);
  std::vector<Id> ids_or_none(const std::string& name);
  std::optional<Time> optional_time(const std::string& name);
  /// One of the catalogue's words for this enum.
  template <class Enum>
  Enum word(const std::string& name) {
    const std::string given = text(name);
    if (const auto value = parse_name<Enum>(given)) return *value;
    std::string words;
    for (int i = static_cast<int>(Enum::MIN); i <= static_cast<int>(Enum::MAX); ++i) {
      const auto each = daicho::name(static_cast<Enum>(i));
      if (each != "none") words += (words.empty() ? "" : ", ") + std::string(each);
    }
    wrong(name, "one of " + words);
  }
  const Json& object(const std::string& name);
  const Json* optional_object(const std::string& name);
  const Json* optional_array(const std::string& name);
  const Json& rest() const { return object_; }

  /// Fails when the object has members that were not read.
  void done() const;
  [[noreturn]] void wrong(const std::string& name, const std::string& wanted) const;
  void mark_read(const std::string& name) { read_.insert(name); }

 private:
  const Json* find(const std::string& name);

  const Json& object_;
  std::string path_;
  std::set<std::string> read_;
};

}  // namespace daicho
