#include "tools/json_fields.hpp"

#include <algorithm>

#include "commands/text.hpp"

namespace daicho {

namespace {

/// Passes over a text before it is parsed, for what the parser lets pass. nlohmann's own callback would do, but walks
/// through all of an object's or list's items again at each one's end.
class StrictReader : public nlohmann::json_sax<Json> {
 public:
  StrictReader(std::size_t depth_max, std::size_t members_max) : depth_max_(depth_max), members_max_(members_max) {}

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return open(); }
  bool key(string_t& name) override {
    if (levels_.back().size() >= members_max_)
      wrong = "an object with more than " + std::to_string(members_max_) + " members";
    if (!levels_.back().insert(name).second) wrong = "the member `" + name + "` stands twice";
    return wrong.empty();
  }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

  std::string wrong;  ///< in words; empty as well when it is no JSON

 private:
  bool open() {
    if (levels_.size() >= depth_max_) wrong = "nested deeper than " + std::to_string(depth_max_);
    levels_.emplace_back();
    return wrong.empty();
  }
  bool close() {
    levels_.pop_back();
    return true;
  }
  const std::size_t depth_max_, members_max_;
  std::vector<std::set<std::string>> levels_;  ///< the members of each object that is open
};

Json count_schema() { return {{"type", "integer"}, {"minimum", 0}}; }

Json id_schema() { return {{"type", "string"}, {"format", "uuid"}}; }

const Json& items_of(const Json* list) {
  static const Json none = Json::array();
  return list ? *list : none;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

}  // namespace

Json parse_object(std::string_view text, const std::string& what) {
  if (text.size() > body_bytes_max)
    throw Failure(Exit::usage, what + ": more than " + std::to_string(body_bytes_max) + " bytes");
  if (!is_utf8(text)) throw Failure(Exit::usage, what + ": not valid UTF-8");
  if (text.find('\0') != std::string_view::npos) throw Failure(Exit::usage, what + ": a NUL");  // to the parser, an end
  StrictReader reader(json_depth_max, json_members_max);
  Json::sax_parse(text, &reader);
  if (!reader.wrong.empty()) throw Failure(Exit::usage, what + ": " + reader.wrong);
  Json json;
  try {
    json = Json::parse(text);
  } catch (const Json::exception& error) {
    std::string words = error.what();
    words = words.substr(words.find("] ") == std::string::npos ? 0 : words.find("] ") + 2);
    for (const char* quoting : {"; last read", " parsing '"})
      words = words.substr(0, words.find(quoting));  // a secret?
    throw Failure(Exit::usage, what + ": not JSON: " + words);
  }
  if (!json.is_object()) throw Failure(Exit::usage, what + ": a JSON object is wanted");
  return json;
}

std::optional<Json> parse_peers_object(std::string_view text, std::size_t depth_max) {
  StrictReader reader(depth_max, json_members_max);
  if (!Json::sax_parse(text, &reader)) return std::nullopt;
  Json json = Json::parse(text, nullptr, false);
  return json.is_object() ? std::optional(std::move(json)) : std::nullopt;
}

Fields::Fields(const Json& object, std::string path) : object_(object), path_(std::move(path)) {
  if (!object.is_object()) throw Failure(Exit::usage, path_ + " an object is wanted");
}

void Fields::wrong(const std::string& name, const std::string& wanted) const {
  throw Failure(Exit::usage, "field `" + path_ + name + "`: " + wanted + " is wanted");
}

const Json* Fields::find(const std::string& name) {
  read_.insert(name);
  const auto found = object_.find(name);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

/// Of several members of one name the first counts: a text that must be there is asked for as one that may be, too.
void Fields::describe_member(const std::string& name, bool is_required, Json schema) {
  if (!(*described_)["properties"].emplace(name, std::move(schema)).second) return;
  if (is_required) (*described_)["required"].push_back(name);
}

std::optional<std::string> Fields::optional_text(const std::string& name) {
  if (described_) describe_member(name, false, {{"type", "string"}});
  const Json* value = find(name);
  if (!value) return std::nullopt;
  if (!value->is_string()) wrong(name, "a text");
  auto text = value->get<std::string>();
  if (text.size() > text_bytes_max) wrong(name, "at most " + std::to_string(text_bytes_max) + " bytes");
  if (text.find('\0') != std::string::npos) wrong(name, "a text without NUL");
  if (!is_utf8(text)) wrong(name, "valid UTF-8");
  return text;
}

std::string Fields::text(const std::string& name) {
  if (described_) {
    describe_member(name, true, {{"type", "string"}, {"minLength", 1}});
    return "…";
  }
  auto text = optional_text(name);
  if (!text || text->empty()) wrong(name, "a text that is not empty");
  return *std::move(text);
}

const Json* Fields::list(const std::string& name, bool is_wanted, const std::string& wanted) {
  const Json* value = find(name);
  const bool is_wrong = value ? !value->is_array() : is_wanted && !described_;
  if (is_wrong) wrong(name, wanted);
  return value;
}

std::vector<std::string> Fields::texts(const std::string& name) {
  if (described_) describe_member(name, true, {{"type", "array"}, {"items", {{"type", "string"}}}});
  std::vector<std::string> texts;
  const Json* value = list(name, true, "a list of texts");
  for (const Json& item : items_of(value)) {
    if (!item.is_string()) wrong(name, "a list of texts");
    texts.push_back(item.get<std::string>());
  }
  return texts;
}

std::optional<bool> Fields::optional_boolean(const std::string& name) {
  if (described_) describe_member(name, false, {{"type", "boolean"}});
  const Json* value = find(name);
  if (!value) return std::nullopt;
  if (!value->is_boolean()) wrong(name, "true or false");
  return value->get<bool>();
}

std::optional<std::uint64_t> Fields::optional_count(const std::string& name) {
  if (described_) describe_member(name, false, count_schema());
  const Json* value = find(name);
  if (!value) return std::nullopt;
  if (!value->is_number_unsigned()) wrong(name, "a whole number, 0 or more");
  return value->get<std::uint64_t>();
}

std::int64_t Fields::count_between(const std::string& name, std::int64_t min, std::int64_t max,
                                   std::int64_t by_default) {
  if (described_)
    describe_member(name, false, {{"type", "integer"}, {"minimum", min}, {"maximum", max}, {"default", by_default}});
  const auto given = optional_count(name);
  if (!given) return by_default;
  if (*given < static_cast<std::uint64_t>(min) || *given > static_cast<std::uint64_t>(max))
    wrong(name, std::to_string(min) + " to " + std::to_string(max));
  return static_cast<std::int64_t>(*given);
}

std::vector<std::uint64_t> Fields::counts(const std::string& name) {
  if (described_) describe_member(name, true, {{"type", "array"}, {"items", count_schema()}});
  std::vector<std::uint64_t> counts;
  const Json* value = list(name, true, "a list of whole numbers");
  for (const Json& item : items_of(value)) {
    if (!item.is_number_unsigned()) wrong(name, "a list of whole numbers");
    counts.push_back(item.get<std::uint64_t>());
  }
  return counts;
}

std::optional<Id> Fields::optional_id(const std::string& name) {
  if (described_) describe_member(name, false, id_schema());
  const auto text = optional_text(name);
  if (!text) return std::nullopt;
  const auto id = parse_id(*text);
  if (!id) wrong(name, "a UUID");
  return id;
}

Id Fields::id(const std::string& name) {
  if (described_) {
    describe_member(name, true, id_schema());
    return {};
  }
  const auto id = optional_id(name);
  if (!id) wrong(name, "a UUID");
  return *id;
}

std::vector<Id> Fields::ids_or_none(const std::string& name) {
  if (described_) describe_member(name, false, {{"type", "array"}, {"items", id_schema()}, {"minItems", 1}});
  std::vector<Id> ids;
  const Json* array = list(name, false, "a list of UUIDs");
  if (!array) return ids;
  for (const Json& item : *array) {
    const auto id = item.is_string() ? parse_id(item.get<std::string>()) : std::nullopt;
    if (!id) wrong(name, "a list of UUIDs");
    ids.push_back(*id);
  }
  if (ids.empty()) wrong(name, "at least one UUID, or no such field");
  return ids;
}

std::optional<Time> Fields::optional_time(const std::string& name) {
  if (described_) describe_member(name, false, {{"type", "string"}, {"format", "date-time"}});
  const auto text = optional_text(name);
  if (!text) return std::nullopt;
  const auto time = parse_rfc3339(*text);
  if (!time) wrong(name, "a time such as 2026-03-01T09:00:00Z");
  return time;
}

std::string Fields::one_of(const std::string& name, const std::vector<std::string>& words) {
  if (described_) {
    describe_member(name, true, {{"enum", words}});
    return words.front();
  }
  const auto given = optional_one_of(name, words);
  if (!given) wrong(name, "one of " + joined(words));
  return *given;
}

std::optional<std::string> Fields::optional_one_of(const std::string& name, const std::vector<std::string>& words) {
  if (described_) describe_member(name, false, {{"enum", words}});
  auto given = optional_text(name);
  if (given && std::ranges::find(words, *given) == words.end()) wrong(name, "one of " + joined(words));
  return given;
}

std::vector<std::string> Fields::list_of(const std::string& name, const std::vector<std::string>& words,
                                         bool is_wanted) {
  if (described_) describe_member(name, is_wanted, {{"type", "array"}, {"items", {{"enum", words}}}});
  const std::string wanted = "a list of " + joined(words);
  const Json* array = list(name, is_wanted, wanted);
  std::vector<std::string> given;
  for (const Json& item : items_of(array)) {
    const bool is_word = item.is_string() && std::ranges::find(words, item.get<std::string>()) != words.end();
    if (!is_word) wrong(name, wanted);
    given.push_back(item.get<std::string>());
  }
  return given;
}

bool Fields::object(const std::string& name, const Reader& read) {
  if (described_) describe_member(name, false, describe(read));
  const Json* value = find(name);
  if (!value) return false;
  if (!value->is_object()) wrong(name, "an object");
  Fields within(*value, path_ + name + ".");
  read(within);
  within.done();
  return true;
}

std::size_t Fields::objects(const std::string& name, std::size_t count_min, std::size_t count_max, const Reader& read) {
  if (described_) {
    Json schema = {{"type", "array"}, {"items", describe(read)}, {"maxItems", count_max}};
    if (count_min > 0) schema["minItems"] = count_min;
    describe_member(name, count_min > 0, std::move(schema));
  }
  const std::string wanted = "a list of " + std::to_string(count_min) + " to " + std::to_string(count_max) + " objects";
  const Json* array = list(name, count_min > 0, wanted);
  if (!array) return 0;
  if (array->size() < count_min || array->size() > count_max) wrong(name, wanted);
  for (std::size_t i = 0; i < array->size(); ++i) {
    Fields within(array->at(i), path_ + name + "[" + std::to_string(i) + "].");
    read(within);
    within.done();
  }
  return array->size();
}

Json describe(const Fields::Reader& read) {
  static const Json nothing = Json::object();
  Json schema = {{"type", "object"}, {"properties", Json::object()}};
  Fields fields(nothing);
  fields.described_ = &schema;
  try {
    read(fields);
  } catch (const Failure&) {  // it has compared what it asked for
  }
  schema["additionalProperties"] = false;
  return schema;
}

void Fields::done() const {
  for (const auto& [name, value] : object_.items()) {
    if (!read_.contains(name)) throw Failure(Exit::usage, "field `" + path_ + name + "` is not known here");
  }
}

}  // namespace daicho
