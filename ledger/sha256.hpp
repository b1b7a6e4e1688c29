// ledger/sha256.hpp — SHA-256 through OpenSSL, one reused context a thread.
#pragma once

#include <initializer_list>

#include "ledger/bytes.hpp"

namespace daicho {

Hash sha256(std::initializer_list<ByteView> parts);
inline Hash sha256(ByteView bytes) { return sha256({bytes}); }

}  // namespace daicho
