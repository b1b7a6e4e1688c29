// tools/http/tls.hpp — what a server shows and asks for in TLS 1.3 (RFC 8446): its certificate and key, and the
// authorities of its clients' certificates, from PEM files that may be replaced while it runs. OpenSSL's headers stay
// in tls.cpp.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

struct ssl_ctx_st;

namespace daicho {

struct TlsFiles {
  std::filesystem::path certificate;      ///< the server's first, then those that lead to its root
  std::filesystem::path key;              ///< in clear; no mode bit for others may be set
  std::filesystem::path client_ca = {};   ///< roots of clients' certificates; empty: none is asked for
  bool wants_client_certificates = true;  ///< with `client_ca`: refuse a handshake without one; a foreign one always
};

/// TLS 1.3 and nothing else; HTTP/1.1 by ALPN (RFC 7301) where the client names protocols; no session tickets, so that
/// each connection is judged by what is in force. One thread.
class Tls {
 public:
  using Context = std::shared_ptr<ssl_ctx_st>;

  /// A Failure when the files cannot be read, do not belong together, or the key is others' to read.
  explicit Tls(TlsFiles files);

  /// For a new connection; those that have an older one go on with it.
  const Context& context() const { return context_; }

  /// Reads the files anew. What is wrong with them goes to the log, and what was in force stays. Some milliseconds.
  void reload();
  /// To be called every few seconds: reload(), once what changed has stood still from one call to the next, so that
  /// certificate and key may be replaced one after the other.
  void reload_if_changed();

 private:
  std::string stamp() const;  ///< tells whether any of the files was touched

  const TlsFiles files_;
  Context context_;
  std::string loaded_stamp_, last_stamp_;
};

}  // namespace daicho
