// tools/witness/server.hpp — a witness over HTTP: POST /add-checkpoint, GET /<hash of the origin>/checkpoint
// (c2sp.org/tlog-witness). A prefix, and TLS, are a reverse proxy's.
#pragma once

#include "tools/http/server.hpp"
#include "tools/witness/store.hpp"

namespace daicho {

HttpLimits witness_limits();
/// Any thread. `store` must outlive it.
HttpHandler witness_handler(WitnessStore& store, std::function<std::uint64_t()> seconds);

}  // namespace daicho
