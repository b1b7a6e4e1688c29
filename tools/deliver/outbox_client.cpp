#include "tools/deliver/outbox_client.hpp"

#include <spdlog/spdlog.h>

#include "tools/failure.hpp"
#include "tools/output.hpp"

namespace daicho {

namespace {

constexpr std::size_t answer_bytes_max = 1 << 20;

/// `code` of problem details; never their words, which a caller may have had a part in.
std::string code_of(const HttpAnswer& answer) {
  const Json problem = Json::parse(answer.body, nullptr, false);
  if (!problem.is_object()) return "";
  const auto code = problem.find("code");
  return code != problem.end() && code->is_string() ? code->get<std::string>() : "";
}

/// What no repetition mends.
void check_answer(const HttpAnswer& answer, const std::string& what) {
  const std::string words = what + ": " + std::to_string(answer.status) + " " + code_of(answer);
  if (answer.status == 401 || answer.status == 403) throw Failure(Exit::not_permitted, words);
  const bool is_wrong = answer.status == 400 || answer.status == 405 || answer.status == 413 || answer.status == 415;
  if (is_wrong || (answer.status == 404 && code_of(answer) == "no_such_endpoint")) throw Failure(Exit::usage, words);
}

}  // namespace

DeliveryJob read_job(const Json& notification, Time leased_at) {
  const auto id_at = [&](const char* name) {
    const auto id = parse_id(notification.at(name).get<std::string>());
    if (!id) throw Failure(Exit::usage, std::string("the service's answer to a lease: `") + name + "` is no id");
    return to_text(*id);
  };
  DeliveryJob job{.id = id_at("notification_id"),
                  .account = id_at("account"),
                  .channel = notification.at("channel"),
                  .destination = notification.at("destination"),
                  .language = notification.value("language", ""),
                  .leased_at = leased_at,
                  .attempt = notification.at("attempt")};
  job.asked_at = parse_rfc3339(notification.at("asked_at").get<std::string>()).value_or(leased_at);
  if (notification.contains("expires_at"))
    job.expires_at = parse_rfc3339(notification.at("expires_at").get<std::string>());
  if (job.channel == "email") {
    job.subject = notification.at("subject").get<std::string>();
    job.text = notification.at("text").get<std::string>();
    return job;
  }
  const Json& request = notification.at("request");
  job.body = request.at("body").get<std::string>();
  for (const auto& [name, value] : request.at("fields").items()) {
    job.fields.emplace_back(name, value.get<std::string>());
    const auto& [given, text] = job.fields.back();
    if (printable(given + text) != given + text)
      throw Failure(Exit::usage, "the service's answer to a lease: control characters in a header field");
  }
  return job;
}

void OutboxClient::note_away(const std::string& words) {
  if (!is_away_) spdlog::warn("the service does not answer: {}", words);
  is_away_ = true;
}

Result<HttpAnswer, HttpTrouble> OutboxClient::post(const std::string& path, const Json& body,
                                                   const std::string& key) const {
  HttpRequest request = service_request(options_.service, "POST", path, body);
  if (!key.empty()) request.fields.add("Idempotency-Key", key);
  const auto patience = std::min(options_.service.patience, options_.lease_time / 2);
  return ask_http(options_.service.url, request, {.time = patience, .answer_bytes = answer_bytes_max},
                  options_.service.tls);
}

std::optional<std::vector<DeliveryJob>> OutboxClient::lease(std::size_t count) {
  const Json body = {{"count_max", count},
                     {"seconds", options_.lease_time.count()},
                     {"channels", options_.channels},
                     {"wording", {{"provider", options_.wording.provider}, {"link", options_.wording.link}}}};
  const auto answer = post("/v1/outbox/lease", body, "");
  if (!answer) {
    note_away(answer.error().words);
    return std::nullopt;
  }
  check_answer(*answer, "a lease");
  if (answer->status != 200) {
    note_away(std::to_string(answer->status));
    return std::nullopt;
  }
  if (is_away_) spdlog::info("the service answers again");
  is_away_ = false;
  try {
    const Json leased = Json::parse(answer->body);
    origin_ = leased.at("origin").get<std::string>();
    std::vector<DeliveryJob> jobs;
    for (const Json& each : leased.at("notifications")) {
      const auto until = parse_rfc3339(each.at("lease_until").get<std::string>());
      jobs.push_back(read_job(each, until.value_or(0) - options_.lease_time.count() * second_us));
    }
    return jobs;
  } catch (const Json::exception&) {
    throw Failure(Exit::usage, "the service's answer to a lease is not one this program knows");
  }
}

Recording OutboxClient::record(const DeliveryJob& job, const DeliveryResult& result) {
  const char* const outcome = result.outcome == Delivery::accepted  ? "accepted"
                              : result.outcome == Delivery::bounced ? "bounced"
                                                                    : "failed";
  Json body = {{"notification_id", job.id}, {"result", outcome}};
  if (!result.detail.empty()) body["detail"] = result.detail;
  const std::string path = "/v1/accounts/" + job.account + "/commands/record-delivery";
  const std::string key = "deliver-" + job.id + "-" + std::to_string(job.attempt);
  auto answer = post(path, body, key);
  const bool is_detail_wrong = answer && answer->status == 400 && body.erase("detail") > 0;  // a peer's words
  if (is_detail_wrong) answer = post(path, body, key);
  if (!answer) {
    note_away(answer.error().words);
    return Recording::later;
  }
  check_answer(*answer, "record-delivery");
  const bool is_settled = answer->status == 200 || answer->status == 404 || answer->status == 422;
  if (answer->status != 200) spdlog::warn("{}: record-delivery: {} {}", job.id, answer->status, code_of(*answer));
  return is_settled ? Recording::recorded : Recording::later;
}

}  // namespace daicho
