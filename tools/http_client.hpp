// tools/http_client.hpp — one HTTP/1.1 request to one peer, with one deadline for all of it. Any thread.
#pragma once

#include "ledger/result.hpp"
#include "tools/http.hpp"

namespace daicho {

struct HttpAskLimits {
  std::chrono::milliseconds time{10'000};  ///< from the name's resolution to the answer's last byte
  std::size_t answer_bytes = 65'536;
};

/// `request.target` is a path below the URL's. The error is words: who, and what went wrong.
Result<HttpAnswer, std::string> ask_http(const HttpUrl& url, const HttpRequest& request, const HttpAskLimits& limits);

}  // namespace daicho
