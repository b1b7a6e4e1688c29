// The log's events: a page as JSON or NDJSON, or server-sent events (WHATWG HTML, "Server-sent events") that go on with
// what is committed.
#include "tools/output.hpp"
#include "tools/query/queries.hpp"
#include "tools/service/endpoints.hpp"
#include "tools/service/problem.hpp"

namespace daicho {

namespace {

constexpr std::uint64_t stream_rows_max = 500;          // of one piece
constexpr std::chrono::seconds stream_silence_max{15};  // then a comment says that it is alive
constexpr const char* stream_type = "text/event-stream";

bool accepts(const Call& call, std::string_view type) {
  return call.request.fields.get("Accept").value_or("").find(type) != std::string::npos;
}

/// What a stream has got to; its answers come one after the other.
struct Subscription {
  LedgerService& service;
  QueryOptions options;
  Position next = 0;
  std::shared_ptr<void> counted = service.open_stream();
  std::chrono::steady_clock::time_point last_sent = std::chrono::steady_clock::now();

  std::string piece() {
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
  if (last->empty() || last->size() > 19 || last->find_first_not_of("0123456789") != std::string::npos)
    throw Failure(Exit::usage, "header field `Last-Event-ID`: a sequence number is wanted");
  return std::stoull(*last) + 1;
}

}  // namespace

HttpAnswer get_events(LedgerService& service, const Call& call) {
  const Json json = options_json(call);
  Fields fields(json);
  QueryOptions options = read_query_options(fields);
  fields.done();
  const LedgerView view = service.ledger().view();
  check(view, *find_query("events"), options);
  if (accepts(call, stream_type)) {
    if (options.limit) throw Failure(Exit::usage, "a stream takes no limit");
    options.limit = stream_rows_max;
    const auto subscription = std::make_shared<Subscription>(
        Subscription{service, options, after_last(call).value_or(options.from.value_or(0))});
    HttpAnswer answer{200, stream_type, ":\n\n"};
    answer.fields.add("Cache-Control", "no-store");
    answer.stream = [subscription]() -> std::optional<std::string> { return subscription->piece(); };
    return answer;
  }
  Position next = options.from.value_or(0);
  const Json rows = event_rows(view, options, next);
  HttpAnswer answer{200, ndjson_type, ""};
  if (accepts(call, ndjson_type)) {
    for (const Json& row : rows) answer.body += json_line(row);
  } else {
    answer = json_answer(200, {{"events", rows}, {"next", next}});
  }
  answer.fields.add("Link", "</v1/events?from=" + std::to_string(next) + ">; rel=\"next\"");
  return answer;
}

}  // namespace daicho
