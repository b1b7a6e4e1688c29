// tools/http/service_address.hpp — a service that is asked over HTTP, and as whom: a bearer token (RFC 6750), a
// client's certificate. Any thread.
#pragma once

#include <nlohmann/json.hpp>

#include "tools/http/client.hpp"

namespace daicho {

struct ServiceAddress {
  HttpUrl url;
  HttpTls tls;
  std::string token;                  ///< empty: none
  std::chrono::seconds patience{30};  ///< for a question and its answer, tries of a command included
};

/// With the token; a body that is no null as JSON. Json::exception when a text in it is no UTF-8.
HttpRequest service_request(const ServiceAddress& service, const char* method, const std::string& target,
                            const nlohmann::ordered_json& body);

}  // namespace daicho
