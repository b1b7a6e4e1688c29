#include "tools/http/client.hpp"

#include <malloc.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "tools/http/curl.hpp"

namespace daicho {

namespace {

constexpr std::size_t answer_header_bytes_max = 8'192;

void free_wiped(void* memory) {
  if (!memory) return;
  explicit_bzero(memory, malloc_usable_size(memory));
  std::free(memory);
}

void* grow_wiped(void* memory, std::size_t bytes) {
  void* const grown = std::malloc(bytes);
  if (!grown || !memory) return grown;
  std::memcpy(grown, memory, std::min(bytes, malloc_usable_size(memory)));
  free_wiped(memory);
  return grown;
}

}  // namespace

bool is_curl_ready() {
  static const CURLcode started =
      curl_global_init_mem(CURL_GLOBAL_DEFAULT, std::malloc, free_wiped, grow_wiped, ::strdup, std::calloc);
  return started == CURLE_OK;
}

void set_common(CURL* curl, const std::string& ca_file) {
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (ca_file.empty()) return;
  curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file.c_str());
  curl_easy_setopt(curl, CURLOPT_CAPATH, nullptr);  // else the system's are trusted beside it
}

void add_line(CurlLines& lines, const std::string& line) {
  curl_slist* const longer = curl_slist_append(lines.get(), line.c_str());
  if (!longer) throw std::bad_alloc();
  (void)lines.release();
  lines.reset(longer);
}

namespace {

/// What has come of an answer, within its limits.
struct Received {
  std::string body;
  const std::size_t body_bytes_max;
  std::size_t header_bytes = 0;
  bool is_too_large = false;

  /// As curl's callbacks want it: what was not taken ends the transfer.
  static std::size_t take_body(const char* bytes, std::size_t, std::size_t count, void* self) {
    auto& received = *static_cast<Received*>(self);
    received.is_too_large = count > received.body_bytes_max - received.body.size();
    if (!received.is_too_large) received.body.append(bytes, count);
    return received.is_too_large ? 0 : count;
  }
  static std::size_t count_header(const char*, std::size_t, std::size_t count, void* self) {
    auto& received = *static_cast<Received*>(self);
    received.header_bytes += count;
    received.is_too_large = received.header_bytes > answer_header_bytes_max;
    return received.is_too_large ? 0 : count;
  }
};

CurlLines header_lines(const HttpRequest& request) {
  CurlLines lines;
  add_line(lines, "Expect:");  // without a value: none is sent, where curl would send its own
  add_line(lines, request.content_type.empty() ? "Content-Type:" : "Content-Type: " + request.content_type);
  for (const auto& [name, value] : request.fields) add_line(lines, name + (value.empty() ? ";" : ": " + value));
  return lines;
}

void set_certificate(CURL* curl, const HttpTls& tls) {
  if (tls.certificate_file.empty()) return;
  curl_easy_setopt(curl, CURLOPT_SSLCERT, tls.certificate_file.c_str());
  curl_easy_setopt(curl, CURLOPT_SSLKEY, tls.key_file.c_str());
  curl_easy_setopt(curl, CURLOPT_KEYPASSWD, "");  // else an encrypted key asks at the terminal
}

void set_request(CURL* curl, const HttpUrl& url, const HttpRequest& request) {
  const char* scheme = url.is_encrypted ? "https" : "http";
  curl_easy_setopt(
      curl, CURLOPT_URL,
      (std::string(scheme) + "://" + in_url(url.host) + ":" + url.port + url.path + request.target).c_str());
  curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, scheme);
  curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  if (request.method != "GET") {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.c_str());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
}

HttpAnswer read_answer(CURL* curl, std::string body) {
  HttpAnswer answer;
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  answer.status = static_cast<unsigned>(status);
  answer.body = std::move(body);
  curl_header* field = nullptr;
  while ((field = curl_easy_nextheader(curl, CURLH_HEADER, -1, field))) answer.fields.add(field->name, field->value);
  answer.content_type = answer.fields.get("Content-Type").value_or("");
  return answer;
}

}  // namespace

Result<HttpAnswer, HttpTrouble> ask_http(const HttpUrl& url, const HttpRequest& request, const HttpAskLimits& limits,
                                         const HttpTls& tls) {
  const std::string peer = url.host + " port " + url.port + ": ";
  const Curl curl(is_curl_ready() ? curl_easy_init() : nullptr);
  if (!curl) return Unexpected{HttpTrouble{peer + "curl does not start"}};
  const CurlLines lines = header_lines(request);
  Received received{.body = {}, .body_bytes_max = limits.answer_bytes};
  std::array<char, CURL_ERROR_SIZE> words{};
  set_request(curl.get(), url, request);
  set_common(curl.get(), tls.ca_file);
  set_certificate(curl.get(), tls);
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, lines.get());
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT_MS, std::max(1L, static_cast<long>(limits.time.count())));
  curl_easy_setopt(curl.get(), CURLOPT_QUICK_EXIT, 1L);  // the deadline holds for a name that is being resolved, too
  curl_easy_setopt(curl.get(), CURLOPT_ERRORBUFFER, words.data());
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, Received::take_body);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &received);
  curl_easy_setopt(curl.get(), CURLOPT_HEADERFUNCTION, Received::count_header);
  curl_easy_setopt(curl.get(), CURLOPT_HEADERDATA, &received);
  const CURLcode ended = curl_easy_perform(curl.get());
  if (ended == CURLE_OK) return read_answer(curl.get(), std::move(received.body));
  HttpTrouble trouble{peer + (words[0] ? words.data() : curl_easy_strerror(ended))};
  if (received.is_too_large) trouble.words = peer + "the answer is longer than it may be";
  if (ended == CURLE_OPERATION_TIMEDOUT)
    trouble.words = peer + "no answer within " + std::to_string(limits.time.count()) + " ms";
  long sent_bytes = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_REQUEST_SIZE, &sent_bytes);
  trouble.was_sent = sent_bytes > 0;
  return Unexpected{std::move(trouble)};
}

}  // namespace daicho
