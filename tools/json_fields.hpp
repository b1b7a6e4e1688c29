// tools/json_fields.hpp — reading a JSON object field by field: every field is checked, and those nobody asked for are
// named. Errors are Failure(usage) that name the field and what is wanted. What a reader asks for is what it can be
// described by: /openapi.json is made of that.
#pragma once

#include <functional>
#include <set>

#include "commands/decision.hpp"
#include "commands/names.hpp"
#include "tools/failure.hpp"

namespace daicho {

inline constexpr std::size_t body_bytes_max = 65'536;  ///< of one command's JSON
inline constexpr std::size_t text_bytes_max = 4'096;   ///< of one text field
inline constexpr std::size_t json_depth_max = 16;
inline constexpr std::size_t json_members_max = 256;  ///< of one object

/// Parses strict JSON: one object, UTF-8, no duplicate members, within the limits above.
Json parse_object(std::string_view text, const std::string& what);

/// The catalogue's words for this enum, in its order.
template <class Enum>
std::vector<std::string> words_of() {
  std::vector<std::string> words;
  for (int i = static_cast<int>(Enum::MIN); i <= static_cast<int>(Enum::MAX); ++i) {
    const auto word = daicho::name(static_cast<Enum>(i));
    if (word != "none") words.emplace_back(word);
  }
  return words;
}

/// What another program answered; nullopt: no JSON object, nested deeper, or with a member that stands twice. Time and
/// memory grow with the text alone.
std::optional<Json> parse_peers_object(std::string_view text, std::size_t depth_max);

class Fields {
 public:
  using Reader = std::function<void(Fields& fields)>;

  /// `path` prefixes the names in errors: `proofs[0].`
  explicit Fields(const Json& object, std::string path = "");

  std::string text(const std::string& name);  ///< not empty
  std::optional<std::string> optional_text(const std::string& name);
  std::string text_or_empty(const std::string& name) { return optional_text(name).value_or(""); }
  std::vector<std::string> texts(const std::string& name);
  std::optional<bool> optional_boolean(const std::string& name);
  std::optional<std::uint64_t> optional_count(const std::string& name);
  std::int64_t count_between(const std::string& name, std::int64_t min, std::int64_t max, std::int64_t by_default);
  std::vector<std::uint64_t> counts(const std::string& name);
  Id id(const std::string& name);
  std::optional<Id> optional_id(const std::string& name);
  std::vector<Id> ids_or_none(const std::string& name);
  std::optional<Time> optional_time(const std::string& name);
  std::string one_of(const std::string& name, const std::vector<std::string>& words);

  template <class Enum>
  Enum word(const std::string& name) {
    return *parse_name<Enum>(one_of(name, words_of<Enum>()));
  }
  template <class Enum>
  std::optional<Enum> optional_word(const std::string& name) {
    const auto given = optional_one_of(name, words_of<Enum>());
    return given ? parse_name<Enum>(*given) : std::nullopt;
  }
  template <class Enum>
  std::vector<Enum> words(const std::string& name) {
    return to_enums<Enum>(list_of(name, words_of<Enum>(), true));
  }
  template <class Enum>
  std::vector<Enum> words_or_none(const std::string& name) {
    return to_enums<Enum>(list_of(name, words_of<Enum>(), false));
  }

  /// The members of an object within, all of which `read` has to ask for. False: there is none.
  bool object(const std::string& name, const Reader& read);
  /// Those of a list, one after the other; with a `count_min` the list has to be there. How many there were.
  std::size_t objects(const std::string& name, std::size_t count_min, std::size_t count_max, const Reader& read);
  /// Whatever it is; `schema()` says what it should be. Null: there is none.
  template <class Schema>
  const Json* member(const std::string& name, const Schema& schema) {
    if (described_) describe_member(name, false, schema());
    return find(name);
  }
  const Json& rest() const { return object_; }

  /// Fails when the object has members that were not read.
  void done() const;
  [[noreturn]] void wrong(const std::string& name, const std::string& wanted) const;
  void mark_read(const std::string& name) { read_.insert(name); }

 private:
  friend Json describe(const Reader& read);

  const Json* find(const std::string& name);
  const Json* list(const std::string& name, bool is_wanted, const std::string& wanted);
  std::optional<std::string> optional_one_of(const std::string& name, const std::vector<std::string>& words);
  std::vector<std::string> list_of(const std::string& name, const std::vector<std::string>& words, bool is_wanted);
  void describe_member(const std::string& name, bool is_required, Json schema);

  template <class Enum>
  static std::vector<Enum> to_enums(const std::vector<std::string>& words) {
    std::vector<Enum> enums;
    for (const std::string& word : words) enums.push_back(*parse_name<Enum>(word));
    return enums;
  }

  const Json& object_;
  std::string path_;
  std::set<std::string> read_;
  Json* described_ = nullptr;  // while a reader is described: the schema that is made; `object_` is empty then
};

/// The objects that a reader takes, as a JSON Schema (2020-12), found by letting it ask: so it asks for all its members
/// before it compares one with another.
Json describe(const Fields::Reader& read);

}  // namespace daicho
