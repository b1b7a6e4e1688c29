// tools/http/curl.hpp — libcurl's handles with owners; internal to the .cpp files that speak through it
// (http/client.cpp, deliver/smtp.cpp).
#pragma once

#include <curl/curl.h>

#include <memory>
#include <string>

namespace daicho {

struct FreeCurl {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  void operator()(curl_mime* mime) const { curl_mime_free(mime); }
};
using Curl = std::unique_ptr<CURL, FreeCurl>;
using CurlLines = std::unique_ptr<curl_slist, FreeCurl>;
using CurlMime = std::unique_ptr<curl_mime, FreeCurl>;

/// Starts libcurl for the process, once, with memory that is overwritten when it is freed: curl's own holds what is
/// sent and received. False: it does not start. Any thread; http/client.cpp.
bool is_curl_ready();

/// No proxy of the environment, no signals, TLS 1.2 at least; peers whose certificates lead to `ca_file`, empty: to
/// the system's roots.
void set_common(CURL* curl, const std::string& ca_file);

void add_line(CurlLines& lines, const std::string& line);

}  // namespace daicho
