// tools/http/client.hpp — one HTTP/1.1 request to one peer over TCP or TLS, with one deadline for all of it. Any
// thread. No redirect is followed, and no proxy, cookie or password is taken from the environment or the home
// directory. What passed through is overwritten when it is freed, as far as it is not the TLS library's.
#pragma once

#include "ledger/result.hpp"
#include "tools/http/message.hpp"

namespace daicho {

struct HttpAskLimits {
  std::chrono::milliseconds time{10'000};  ///< from the name's resolution to the answer's last byte
  std::size_t answer_bytes = 65'536;       ///< of its body; its header has 8,192
};

/// Of an https URL; files in PEM. TLS 1.2 or 1.3; the peer's certificate must be good for the URL's host.
struct HttpTls {
  std::string ca_file = {};           ///< whom to trust for the peer's certificate; empty: whom the system trusts
  std::string certificate_file = {};  ///< to show when asked for one, with what leads to its root; empty: none
  std::string key_file = {};          ///< its key, not encrypted
};

struct HttpTrouble {
  std::string words;      ///< who, and what went wrong
  bool was_sent = false;  ///< the request, or a part of it: what it asks for may have been done
};

/// `request.target` is a path below the URL's; `request.peer` is not looked at. Fields hold no line's end.
Result<HttpAnswer, HttpTrouble> ask_http(const HttpUrl& url, const HttpRequest& request, const HttpAskLimits& limits,
                                         const HttpTls& tls = {});

}  // namespace daicho
