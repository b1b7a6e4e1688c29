#include "ledger/sha256.hpp"

#include <openssl/evp.h>

#include <cstdlib>
#include <memory>

namespace daicho {
namespace {

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

/// Fetched once for the life of the process: a fetch costs more than the hash of a leaf.
const EVP_MD* algorithm() {
  static const EVP_MD* const fetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return fetched;
}

EVP_MD_CTX* fresh_context() {
  thread_local const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
  if (!context || EVP_DigestInit_ex(context.get(), algorithm(), nullptr) != 1) std::abort();
  return context.get();
}

}  // namespace

Hash sha256(std::initializer_list<ByteView> parts) {
  EVP_MD_CTX* const context = fresh_context();
  for (const ByteView part : parts) {
    if (EVP_DigestUpdate(context, part.data(), part.size()) != 1) std::abort();
  }
  Hash hash;
  if (EVP_DigestFinal_ex(context, hash.bytes.data(), nullptr) != 1) std::abort();
  return hash;
}

}  // namespace daicho
