#include "tools/witness/server.hpp"

#include <spdlog/spdlog.h>

#include "tools/failure.hpp"

namespace daicho {

namespace {

HttpAnswer words(unsigned status, const std::string& text) { return {status, note_content_type, text + "\n"}; }

HttpAnswer add_checkpoint(WitnessStore& store, const std::string& body, std::uint64_t seconds) {
  try {
    WitnessAnswer answer = store.add_checkpoint(body, seconds);
    return {answer.status, std::move(answer.content_type), std::move(answer.body)};
  } catch (const Failure& failure) {
    spdlog::error("nothing cosigned: {}", failure.what());
    return words(503, "what would be cosigned cannot be kept now, try again");
  }
}

/// `/<64 hex digits>/checkpoint`: the digits.
std::optional<std::string_view> hash_in(std::string_view target) {
  constexpr std::string_view end = "/checkpoint";
  constexpr std::size_t hash_digits = 64;
  if (target.size() != 1 + hash_digits + end.size() || !target.ends_with(end)) return std::nullopt;
  return target.substr(1, hash_digits);
}

}  // namespace

HttpLimits witness_limits() {
  HttpLimits limits;
  limits.body_bytes = add_checkpoint_bytes_max;
  return limits;
}

HttpHandler witness_handler(WitnessStore& store, std::function<std::uint64_t()> seconds) {
  return [&store, seconds = std::move(seconds)](const HttpRequest& request) -> HttpAnswer {
    if (request.target == "/add-checkpoint") {
      return request.method == "POST" ? add_checkpoint(store, request.body, seconds()) : words(405, "POST is wanted");
    }
    const auto hash = hash_in(request.target);
    if (!hash) return words(404, "POST /add-checkpoint, or GET /<SHA-256 of an origin>/checkpoint");
    if (request.method != "GET") return words(405, "GET is wanted");
    const auto note = store.checkpoint(*hash);
    return note ? HttpAnswer{200, note_content_type, *note} : words(404, "nothing of this log was cosigned here");
  };
}

}  // namespace daicho
