#include "tools/deliver/webhook.hpp"

#include <algorithm>
#include <array>

namespace daicho {

DeliveryResult judge_webhook(unsigned status) {
  static constexpr std::array of_the_peer = {401U, 403U, 404U, 405U, 407U, 408U, 425U, 429U};
  const std::string words = "the webhook answered " + std::to_string(status);
  if (status >= 200 && status < 300) return {Delivery::accepted, words};
  const bool is_final = status >= 400 && status < 500 && std::ranges::find(of_the_peer, status) == of_the_peer.end();
  return {is_final ? Delivery::failed : Delivery::later, words};
}

DeliveryResult post_job(const HttpUrl& url, const HttpTls& tls, const DeliveryJob& job,
                        std::chrono::milliseconds time) {
  HttpRequest request{"POST", url.path.empty() ? "/" : "", "", job.body};
  for (const auto& [name, value] : job.fields) {
    if (name == "Content-Type") {
      request.content_type = value;
    } else {
      request.fields.add(name, value);
    }
  }
  const auto answer = ask_http(url, request, {.time = time}, tls);
  return answer ? judge_webhook(answer->status) : DeliveryResult{Delivery::later, answer.error().words};
}

}  // namespace daicho
