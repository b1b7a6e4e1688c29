#include "tools/json_fields.hpp"

#include "commands/text.hpp"

namespace daicho {

namespace {

/// Refuses what nlohmann's reader lets pass: duplicate members and great depth.
class StrictReader {
 public:
  bool operator()(int depth, Json::parse_event_t event, const Json& parsed) {
    const bool opens = event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start;
    if (opens && depth >= static_cast<int>(json_depth_max)) is_too_deep = true;
    if (event == Json::parse_event_t::object_start) members_.emplace_back();
    if (event == Json::parse_event_t::object_end && !members_.empty()) members_.pop_back();
    if (event == Json::parse_event_t::key && !members_.empty() &&
        !members_.back().insert(parsed.get<std::string>()).second) {
      duplicate = parsed.get<std::string>();
    }
    return true;
  }
  bool is_too_deep = false;
  std::optional<std::string> duplicate;

 private:
  std::vector<std::set<std::string>> members_;
};

}  // namespace

Json parse_object(std::string_view text, const std::string& what) {
  if (text.size() > body_bytes_max)
    throw Failure(Exit::usage, what + ": more than " + std::to_string(body_bytes_max) + " bytes");
  if (!is_utf8(text)) throw Failure(Exit::usage, what + ": not valid UTF-8");
  if (text.find('\0') != std::string_view::npos) throw Failure(Exit::usage, what + ": a NUL");  // to the parser, an end
  StrictReader reader;
  Json json;
  try {
    json = Json::parse(text, std::ref(reader));
  } catch (const Json::exception& error) {
    std::string words = error.what();
    words = words.substr(words.find("] ") == std::string::npos ? 0 : words.find("] ") + 2);
    for (const char* quoting : {"; last read", " parsing '"})
      words = words.substr(0, words.find(quoting));  // a secret?
    throw Failure(Exit::usage, what + ": not JSON: " + words);
  }
  if (!json.is_object()) throw Failure(Exit::usage, what + ": a JSON object is wanted");
  if (reader.is_too_deep) throw Failure(Exit::usage, what + ": nested deeper than " + std::to_string(json_depth_max));
  if (reader.duplicate) throw Failure(Exit::usage, what + ": the member `" + *reader.duplicate + "` stands twice");
  return json;
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

std::optional<std::string> Fields::optional_text(const std::string& name) {
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
  auto text = optional_text(name);
  if (!text || text->empty()) wrong(name, "a text that is not empty");
  return *std::move(text);
}

std::optional<bool> Fields::optional_boolean(const std::string& name) {
  const Json* value = find(name);
  if (!value) return std::nullopt;
  if (!value->is_boolean()) wrong(name, "true or false");
  return value->get<bool>();
}

std::optional<std::uint64_t> Fields::optional_count(const std::string& name) {
  const Json* value = find(name);
  if (!value) return std::nullopt;
  if (!value->is_number_unsigned()) wrong(name, "a whole number, 0 or more");
  return value->get<std::uint64_t>();
}

std::optional<Id> Fields::optional_id(const std::string& name) {
  const auto text = optional_text(name);
  if (!text) return std::nullopt;
  const auto id = parse_id(*text);
  if (!id) wrong(name, "a UUID");
  return id;
}

Id Fields::id(const std::string& name) {
  const auto id = optional_id(name);
  if (!id) wrong(name, "a UUID");
  return *id;
}

std::vector<Id> Fields::ids_or_none(const std::string& name) {
  std::vector<Id> ids;
  const Json* array = optional_array(name);
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
  const auto text = optional_text(name);
  if (!text) return std::nullopt;
  const auto time = parse_rfc3339(*text);
  if (!time) wrong(name, "a time such as 2026-03-01T09:00:00Z");
  return time;
}

const Json* Fields::optional_object(const std::string& name) {
  const Json* value = find(name);
  if (value && !value->is_object()) wrong(name, "an object");
  return value;
}

const Json& Fields::object(const std::string& name) {
  const Json* value = optional_object(name);
  if (!value) wrong(name, "an object");
  return *value;
}

const Json* Fields::optional_array(const std::string& name) {
  const Json* value = find(name);
  if (value && !value->is_array()) wrong(name, "a list");
  return value;
}

void Fields::done() const {
  for (const auto& [name, value] : object_.items()) {
    if (!read_.contains(name)) throw Failure(Exit::usage, "field `" + path_ + name + "` is not known here");
  }
}

}  // namespace daicho
