// The log's events: a page as JSON or NDJSON, or server-sent events (WHATWG HTML, "Server-sent events") that go on with
// what is committed.
#include <algorithm>

#include "ledger/ascii.hpp"
#include "ledger/lines.hpp"
#include "tools/output.hpp"
#include "tools/query/queries.hpp"
#include "tools/service/endpoints.hpp"
#include "tools/service/problem.hpp"

namespace daicho {

namespace {

constexpr std::uint64_t stream_rows_max = 500;          // of one piece
constexpr std::chrono::seconds stream_silence_max{15};  // then a comment says that it is alive

/// The weight that a media range of `Accept` gives a type by its full name; 0: none does (RFC 9110 section 12.5.1).
double weight_of(const std::string& accept, std::string_view type) {
  double weight = 0;
  for (std::size_t begin = 0; begin < accept.size();) {
    const std::size_t end = std::min(accept.find(',', begin), accept.size());
    std::string range = accept.substr(begin, end - begin);
    std::erase_if(range, [](char c) { return c == ' ' || c == '\t'; });
    std::ranges::transform(range, range.begin(), to_lower);
    const std::size_t q = range.find(";q=");
    if (range.substr(0, range.find(';')) == type)
      weight = std::max(weight, q == std::string::npos ? 1 : std::strtod(range.c_str() + q + 3, nullptr));
    begin = end + 1;
  }
  return weight;
}

/// Of those that events come as the one that is wanted most, JSON when none is named.
std::string_view wanted_type(const Call& call) {
  const std::string accept = call.request.fields.get("Accept").value_or("");
  std::string_view wanted = json_type;
  for (const std::string_view type : {ndjson_type, event_stream_type}) {
    if (weight_of(accept, type) > weight_of(accept, wanted)) wanted = type;
  }
  return wanted;
}

/// The same question, from where this answer ends.
std::string next_page(const Call& call, Position next) {
  std::string target = "/v1/events?from=" + std::to_string(next);
  for (const auto& [name, value] : call.target.parameters) {
    if (name != "from") target += "&" + name + "=" + percent_encode(value);
  }
  return "<" + target + ">; rel=\"next\"";
}

/// What a stream has got to; its answers come one after the other.
struct Subscription {
  LedgerService& service;
  std::string caller;
  bool is_anybody = false;
  QueryOptions options;
  Position next = 0;
  std::shared_ptr<void> counted = service.open_stream();
  std::chrono::steady_clock::time_point last_sent = std::chrono::steady_clock::now();

  /// nullopt: who asked may not read any more.
  std::optional<std::string> piece() {
    if (service.check_reading(caller, is_anybody)) return std::nullopt;
    options.from = next;
    std::string text;
    for (const Json& row : event_rows(service.ledger().view(), options, next)) {
      const std::string line = json_line(row);
      text += "id: " + row["seq"].dump() + "\nevent: " + row["type"].get<std::string>() + "\ndata: " + line + "\n";
    }
    const auto now = std::chrono::steady_clock::now();
    if (text.empty() && now - last_sent >= stream_silence_max) text = ":\n\n";
    if (!text.empty()) last_sent = now;
    return text;
  }
};

/// Where a subscriber that lost its connection goes on (`Last-Event-ID`).
std::optional<Position> after_last(const Call& call) {
  const auto last = call.request.fields.get("Last-Event-ID");
  if (!last) return std::nullopt;
  const auto position = parse_decimal(*last);
  if (!position || *position == UINT64_MAX)
    throw Failure(Exit::usage, "header field `Last-Event-ID`: a sequence number is wanted");
  return *position + 1;
}

}  // namespace

HttpAnswer get_events(LedgerService& service, const Call& call) {
  auto [view, options] = read_query(service.ledger().view(), *find_query("events"), options_json(call), call.language);
  const std::string_view wanted = wanted_type(call);
  if (wanted == event_stream_type) {
    if (options.limit || options.until || options.is_past())
      throw Failure(Exit::usage, "a stream goes on: it takes no limit, until or as_of");
    options.limit = stream_rows_max;
    const auto subscription = std::make_shared<Subscription>(Subscription{
        service, call.caller, call.is_anybody, options, after_last(call).value_or(options.from.value_or(0))});
    HttpAnswer answer{200, event_stream_type, ":\n\n"};
    answer.stream = [subscription] { return subscription->piece(); };
    return answer;
  }
  Position next = options.from.value_or(0);
  const Json rows = event_rows(view, options, next);
  HttpAnswer answer{200, ndjson_type, ""};
  if (wanted == ndjson_type) {
    for (const Json& row : rows) answer.body += json_line(row);
  } else {
    answer = json_answer(200, {{"events", rows}, {"next", next}});
  }
  if (!rows.empty()) answer.fields.add("Link", next_page(call, next));
  return answer;
}

}  // namespace daicho
