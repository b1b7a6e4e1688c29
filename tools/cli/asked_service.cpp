// A ledger behind a service (docs/service.md): how its answers become what the terminal shows, and what is done when
// none comes.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <stdexcept>
#include <thread>

#include "ledger/ascii.hpp"
#include "tools/answers.hpp"
#include "tools/cli/asked_ledger.hpp"
#include "tools/output.hpp"
#include "tools/service/problem.hpp"
#include "tools/system.hpp"

namespace daicho {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t answer_bytes_max = 64 << 20;  // 10,000 events are a tenth of it
constexpr std::size_t answer_depth_max = 64;
constexpr milliseconds try_time_max{10'000};  // of a command; then it is sent again
constexpr milliseconds first_pause{100}, pause_max{2'000};

/// An answer that reads: JSON, or problem details.
struct Told {
  unsigned status = 0;
  Json body;
  std::string code;  ///< of a problem
};

std::string what_came(const HttpAnswer& answer) {
  return "what answers there is no such service: status " + std::to_string(answer.status);
}

/// nullopt: it is not known who answered, and what was done. A Failure when it was somebody else who did nothing, and
/// nothing was done before. `member`: what the answer has when all is well.
std::optional<Told> read_answer(const HttpAnswer& answer, const char* member, bool may_be_done = false) {
  const bool is_done = answer.status == 200 || answer.status == 201;
  const bool has_type = answer.content_type.starts_with(is_done ? json_type : problem_type);
  auto body = has_type ? parse_peers_object(answer.body, answer_depth_max) : std::nullopt;
  const auto has_text = [&](const char* name) { return body->contains(name) && (*body)[name].is_string(); };
  const bool is_ours = body && body->contains(member);
  if (is_ours && is_done) return Told{answer.status, *std::move(body), ""};
  if (body && !is_done && has_text("code") && has_text("detail")) {
    std::string code = (*body)["code"];
    return Told{answer.status, *std::move(body), std::move(code)};
  }
  if (may_be_done) return std::nullopt;
  if (answer.status == 413 || answer.status == 431) throw Failure(Exit::usage, "the request is longer than it may be");
  if (answer.status >= 400 && answer.status < 500) throw Failure(Exit::unavailable, what_came(answer));
  return std::nullopt;
}

/// A command of this key is being run: one that was sent before.
bool is_running(const Told& told) { return told.code == "still_running"; }

/// The same may be done in a moment.
bool is_passing(const Told& told) {
  return is_running(told) || parse_fault(told.code) == FaultKind::busy || told.code == "unavailable";
}

Exit exit_of(const Told& told) {
  if (told.code == integrity_code) return Exit::integrity;
  if (told.status == 401 || told.status == 403) return Exit::not_permitted;
  return told.status < 500 && told.status != 408 && told.status != 409 ? Exit::usage : Exit::unavailable;
}

/// Problem details back into what a directory's ledger says (tools/service/problem.hpp); Failure for what is neither a
/// command's answer, a refusal nor a fault.
Outcome outcome_of(Told told) {
  if (told.code.empty()) return {std::move(told.body)};
  if (told.body.contains("rule")) {
    told.body.erase("type");
    told.body.erase("status");
    const Exit exit = exit_of_refusal(told.body);
    return {std::move(told.body), exit};
  }
  const auto kind = parse_fault(told.code);
  if (!kind) throw Failure(exit_of(told), told.body["detail"]);
  Fault fault{*kind, told.body["detail"]};
  if (told.body.contains("current_version")) fault.current_version = told.body["current_version"].get<std::uint64_t>();
  return {fault_json(fault), daicho::exit_of(*kind)};
}

/// Tags of the language as a header field takes them (RFC 9110 section 12.5.4): `ja_JP.UTF-8` is `ja-JP`.
std::string accepted_language(const std::string& language) {
  std::string tag = language.substr(0, language.find('.'));
  std::ranges::replace(tag, '_', '-');
  const auto is_of_tag = [](char c) { return is_letter(c) || is_digit(c) || c == '-'; };
  return std::ranges::all_of(tag, is_of_tag) ? tag : "";
}

std::string draw_key() {
  std::array<std::uint8_t, 10> random;
  system_entropy()(random);
  return to_text(make_uuid_v7(system_time(), random));
}

class ServiceLedger : public AskedLedger {
 public:
  ServiceLedger(ServiceAddress address, const std::string& language)
      : address_(std::move(address)), language_(accepted_language(language)) {}

  Json query(const Query& query, const Json& options) override {
    return shown_of(ask_once(request_of("POST", "/v1/queries/" + std::string(query.name), options), "clock"));
  }

  Outcome command(const std::string& name, Json body) override {
    Json& key = body["idempotency_key"];
    if (key.is_null()) key = draw_key();
    const HttpRequest request = request_of("POST", "/v1/commands/" + name, body);
    const auto end = steady_clock::now() + address_.patience;
    bool may_be_done = false;
    std::string trouble;
    for (milliseconds pause = first_pause;; pause = std::min(2 * pause, pause_max)) {
      const auto left = std::chrono::ceil<milliseconds>(end - steady_clock::now());
      const auto answer = try_once(request, std::min(left, try_time_max));
      auto told = answer ? read_answer(*answer, "events", may_be_done) : std::nullopt;
      const bool is_over = steady_clock::now() + pause >= end;
      may_be_done = may_be_done || (answer ? !told || is_running(*told) : answer.error().was_sent);
      if (told && (!is_passing(*told) || (is_over && !may_be_done))) return outcome_of(*std::move(told));
      trouble = told ? told->body["detail"].get<std::string>() : answer ? what_came(*answer) : answer.error().words;
      const bool is_away = !answer && !may_be_done;  // nothing was sent: a clear no, at once
      if (is_away) throw Failure(Exit::unavailable, trouble + "; nothing was done");
      if (is_over) break;
      spdlog::warn("{}; trying again under the idempotency key {}", trouble, key.dump());
      std::this_thread::sleep_for(pause);
    }
    return {{{"error", "unanswered"},
             {"detail", "Whether it was done is not known; the same again with this idempotency key tells. " + trouble},
             {"idempotency_key", key}},
            Exit::unavailable};
  }

  /// Not sent twice: the second lease would be another one.
  Outcome lease(Json options) override {
    return outcome_of(ask_once(request_of("POST", "/v1/outbox/lease", options), "notifications"));
  }

  Json rules(const std::optional<std::string>& id) override {
    Json index = shown_of(ask_once(request_of("GET", "/v1/rules", nullptr), "rules"));
    if (!id) return index;
    Json found = Json::array();
    for (Json& rule : index["rules"]) {
      if (rule.value("rule", "") == *id) found.push_back(std::move(rule));
    }
    if (found.empty()) throw Failure(Exit::usage, "there is no rule `" + *id + "`; `daicho rules` lists them");
    return {{"rules", std::move(found)}};
  }

 private:
  /// What is no command has an answer, or a Failure.
  static Json shown_of(Told told) {
    Outcome outcome = outcome_of(std::move(told));
    if (outcome.exit != Exit::done) throw Failure(outcome.exit, outcome.shown["detail"]);
    return std::move(outcome.shown);
  }

  HttpRequest request_of(const char* method, const std::string& target, const Json& body) const {
    try {
      HttpRequest request = service_request(address_, method, target, body);
      if (!language_.empty()) request.fields.add("Accept-Language", language_);
      return request;
    } catch (const Json::exception&) {
      throw Failure(Exit::usage, "what is asked is not valid UTF-8");
    }
  }

  Result<HttpAnswer, HttpTrouble> try_once(const HttpRequest& request, milliseconds time) const {
    return ask_http(address_.url, request, {.time = time, .answer_bytes = answer_bytes_max}, address_.tls);
  }

  Told ask_once(const HttpRequest& request, const char* member) const {
    const auto answer = try_once(request, address_.patience);
    if (!answer) throw Failure(Exit::unavailable, answer.error().words);
    auto told = read_answer(*answer, member);
    if (!told) throw Failure(Exit::unavailable, what_came(*answer));
    return *std::move(told);
  }

  const ServiceAddress address_;
  const std::string language_;
};

}  // namespace

std::unique_ptr<AskedLedger> ledger_behind(ServiceAddress address, const std::string& language) {
  return std::make_unique<ServiceLedger>(std::move(address), language);
}

}  // namespace daicho
