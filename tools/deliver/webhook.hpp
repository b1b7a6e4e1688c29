// tools/deliver/webhook.hpp — SMS and calls, posted to the provider's own sender as the ledger signed them. Any thread.
#pragma once

#include "tools/deliver/dispatcher.hpp"
#include "tools/http/client.hpp"

namespace daicho {

/// `accepted`: 2xx. `failed`: a 4xx that says the job is wrong. 401, 403, 404, 405, 407, 408, 425 and 429, redirects,
/// 5xx and no answer come later: they say something about the peer, or about how it was asked.
DeliveryResult post_job(const HttpUrl& url, const HttpTls& tls, const DeliveryJob& job, std::chrono::milliseconds time);
DeliveryResult judge_webhook(unsigned status);

}  // namespace daicho
