#include "tools/http/tls.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <algorithm>

#include "ledger/files.hpp"
#include "ledger/sealing.hpp"
#include "tools/failure.hpp"

namespace daicho {

namespace {

constexpr std::size_t pem_bytes_max = 1 << 20;
constexpr std::string_view http_1_1 = "http/1.1";

template <class T, auto release>
struct Release {
  void operator()(T* object) const { release(object); }
};
using Certificate = std::unique_ptr<X509, Release<X509, X509_free>>;
using PrivateKey = std::unique_ptr<EVP_PKEY, Release<EVP_PKEY, EVP_PKEY_free>>;
using Pem = std::unique_ptr<BIO, Release<BIO, BIO_free>>;

/// What OpenSSL says last; nothing of the files' content is in it.
std::string openssl_words() {
  const unsigned long code = ERR_peek_last_error();
  const char* const reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
  ERR_clear_error();
  return reason ? reason : "malformed";
}

Failure wrong_file(const std::filesystem::path& path, const std::string& words) {
  return {Exit::usage, path.string() + ": " + words};
}

std::string read_pem(const std::filesystem::path& path) {
  auto content = read_whole_file(path, pem_bytes_max);
  if (!content) throw wrong_file(path, content.error().detail);
  if (!*content) throw wrong_file(path, "no such file");
  return **std::move(content);
}

std::vector<Certificate> read_certificates(const std::filesystem::path& path) {
  const std::string text = read_pem(path);
  const Pem pem(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  std::vector<Certificate> all;
  for (;;) {
    Certificate next(PEM_read_bio_X509(pem.get(), nullptr, nullptr, nullptr));
    if (!next) break;
    all.push_back(std::move(next));
  }
  const bool is_at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string words = openssl_words();
  if (!is_at_end) throw wrong_file(path, "not certificates in PEM: " + words);
  if (all.empty()) throw wrong_file(path, "no certificate in PEM is in it");
  return all;
}

PrivateKey read_key(const std::filesystem::path& path) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & S_IRWXO) != 0)
    throw Failure(Exit::not_permitted, path.string() + ": others may use this key file: chmod o= takes that from them");
  std::string text = read_pem(path);
  const Pem pem(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  // Without this function OpenSSL would ask the terminal for a passphrase.
  const auto no_passphrase = [](char*, int, int, void*) { return -1; };
  PrivateKey key(PEM_read_bio_PrivateKey(pem.get(), nullptr, no_passphrase, nullptr));
  wipe(text);
  const std::string words = openssl_words();
  if (!key) throw wrong_file(path, "not a private key in PEM, in clear: " + words);
  return key;
}

/// RFC 7301 section 3.2: a client that names protocols and not this one is turned away.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_bytes, const unsigned char* offered,
                    unsigned offered_bytes, void*) {
  for (unsigned at = 0; at < offered_bytes; at += 1U + offered[at]) {
    const unsigned bytes = offered[at];
    if (bytes > offered_bytes - at - 1) break;
    const std::string_view name(reinterpret_cast<const char*>(offered + at + 1), bytes);
    if (name != http_1_1) continue;
    *chosen = offered + at + 1;
    *chosen_bytes = static_cast<unsigned char>(bytes);
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

void ask_clients(SSL_CTX* context, const TlsFiles& files) {
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  for (const Certificate& root : read_certificates(files.client_ca)) {
    if (X509_STORE_add_cert(store, root.get()) != 1 || SSL_CTX_add_client_CA(context, root.get()) != 1)
      throw wrong_file(files.client_ca, openssl_words());
  }
  const int mode =
      files.wants_client_certificates ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT : SSL_VERIFY_PEER;
  SSL_CTX_set_verify(context, mode, nullptr);
}

Tls::Context make_context(const TlsFiles& files) {
  const Tls::Context shared(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  SSL_CTX* const context = shared.get();
  if (!context || SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1 ||
      SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) != 1 || SSL_CTX_set_num_tickets(context, 0) != 1)
    throw Failure(Exit::unavailable, "TLS 1.3: " + openssl_words());
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_CLEANSE_PLAINTEXT);
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
  const std::vector<Certificate> chain = read_certificates(files.certificate);
  if (SSL_CTX_use_certificate(context, chain.front().get()) != 1) throw wrong_file(files.certificate, openssl_words());
  for (std::size_t i = 1; i < chain.size(); ++i) {
    if (SSL_CTX_add1_chain_cert(context, chain[i].get()) != 1) throw wrong_file(files.certificate, openssl_words());
  }
  const PrivateKey key = read_key(files.key);
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1)
    throw wrong_file(files.key, "not the key of the certificate: " + openssl_words());
  if (X509_cmp_current_time(X509_get0_notAfter(chain.front().get())) < 0)
    spdlog::warn("{}: this certificate has expired", files.certificate.string());
  if (!files.client_ca.empty()) ask_clients(context, files);
  return shared;
}

}  // namespace

Tls::Tls(TlsFiles files) : files_(std::move(files)), loaded_stamp_(stamp()), last_stamp_(loaded_stamp_) {
  context_ = make_context(files_);
}

void Tls::reload() {
  loaded_stamp_ = last_stamp_ = stamp();
  try {
    context_ = make_context(files_);
    spdlog::info("new connections get the certificate that is in {} now", files_.certificate.string());
  } catch (const Failure& failure) {
    spdlog::error("the certificate in force stays: {}", failure.what());
  }
}

void Tls::reload_if_changed() {
  const std::string now = stamp();
  const bool stands_still = now == std::exchange(last_stamp_, now);
  if (stands_still && now != loaded_stamp_) reload();
}

std::string Tls::stamp() const {
  std::string all;
  for (const auto* path : {&files_.certificate, &files_.key, &files_.client_ca}) {
    struct stat status = {};
    const bool is_there = !path->empty() && ::stat(path->c_str(), &status) == 0;
    if (!is_there) status = {};
    for (const auto part :
         {static_cast<long long>(status.st_ino), static_cast<long long>(status.st_size),
          static_cast<long long>(status.st_ctim.tv_sec), static_cast<long long>(status.st_ctim.tv_nsec),
          static_cast<long long>(status.st_mtim.tv_sec), static_cast<long long>(status.st_mtim.tv_nsec)})
      all += std::to_string(part) + " ";
  }
  return all;
}

}  // namespace daicho
