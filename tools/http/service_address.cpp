#include "tools/http/service_address.hpp"

namespace daicho {

HttpRequest service_request(const ServiceAddress& service, const char* method, const std::string& target,
                            const nlohmann::ordered_json& body) {
  HttpRequest request{method, target, body.is_null() ? "" : json_type, body.is_null() ? "" : body.dump()};
  if (!service.token.empty()) request.fields.add("Authorization", "Bearer " + service.token);
  return request;
}

}  // namespace daicho
