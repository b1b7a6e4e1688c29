// The whole service over a ledger: a request line, header fields, an empty line, a body. Every request has an answer
// that is no failure of ours; every no is problem details; nothing of a request becomes a header line of the answer;
// what is wrong in form appends nothing.
#include <cstdlib>
#include <filesystem>

#include "tests/fuzz/fuzz.hpp"
#include "tools/answers.hpp"
#include "tools/ledger_files.hpp"
#include "tools/routes.hpp"
#include "tools/service/ledger_service.hpp"

namespace {

using namespace daicho;
using daicho::fuzz::must;

/// A ledger of its own with one account, removed at the end.
struct ServedLedger {
  std::filesystem::path directory;
  std::optional<WritableLedger> ledger;
  std::optional<LedgerService> service;

  ServedLedger() {
    std::string name = (std::filesystem::temp_directory_path() / "daicho-fuzz-XXXXXX").string();
    must(::mkdtemp(name.data()) != nullptr, "a temporary directory");
    directory = name;
    init_ledger({.directory = directory / "ledger", .policy = {{"argon2_passes", 1}, {"argon2_memory_kib", 8}}});
    ledger.emplace(open_for_writing(directory / "ledger", std::nullopt));
    const Json proofs = Json::array({{{"kind", "email"}, {"value", "taro@example.com"}},
                                     {{"kind", "mobile_phone"}, {"value", "090-9876-5432"}, {"country", "JP"}}});
    const Json taro = {{"sign_in_name", "taro@outlook.com"},
                       {"password", "Kaze1234"},
                       {"password_repeat", "Kaze1234"},
                       {"proofs", proofs}};
    const auto answer = execute_json(*ledger, "register-account", taro, {});
    must(answer && !answer->is_refusal, "an account");
    service.emplace(*ledger, directory / "ledger");
  }
  ~ServedLedger() {
    service.reset();
    ledger.reset();
    std::error_code ignored;
    std::filesystem::remove_all(directory, ignored);
  }
  ServedLedger(const ServedLedger&) = delete;
  ServedLedger& operator=(const ServedLedger&) = delete;
};

std::string take(std::string& rest, char end) {
  const std::size_t at = std::min(rest.find(end), rest.size());
  std::string part = rest.substr(0, at);
  rest.erase(0, at + 1);
  return part;
}

/// As the listener hands it over: a target without spaces, names and values without line ends.
HttpRequest request_of(std::string rest) {
  HttpRequest request;
  std::string line = take(rest, '\n');
  request.method = take(line, ' ');
  request.target = take(line, ' ');
  for (line = take(rest, '\n'); !line.empty(); line = take(rest, '\n')) {
    std::string name = take(line, ':');
    if (line.starts_with(' ')) line.erase(0, 1);
    request.fields.add(name, line);
  }
  request.content_type = request.fields.get("Content-Type").value_or("");
  request.body = std::move(rest);
  return request;
}

void check_line(const std::string& text) {
  must(std::ranges::none_of(text, [](char c) { return c == '\r' || c == '\n' || c == '\0'; }), "one line");
}

void check_answer(const HttpAnswer& answer) {
  must(answer.status >= 200 && answer.status < 600 && answer.status != 500, "no request makes us fail");
  check_line(answer.content_type);
  for (const HttpFields::Field& field : answer.fields) {
    check_line(field.name);
    check_line(field.value);
  }
  if (answer.status < 400) return;
  const Json problem = Json::parse(answer.body, nullptr, false);
  must(problem.is_object() && answer.content_type == "application/problem+json", "a no is problem details");
  for (const char* member : {"type", "title", "status", "code", "detail"})
    must(problem.contains(member), "with all its members");
  must(problem["status"] == answer.status, "that say what the first line says");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static ServedLedger served;
  const HttpRequest request = request_of(daicho::fuzz::input_text(data, size));
  const auto before = served.ledger->log->size();
  const HttpAnswer answer = served.service->answer(request);
  check_answer(answer);
  const bool is_wrong = answer.status == 400 || (answer.status >= 401 && answer.status <= 415 && answer.status != 403);
  must(!is_wrong || served.ledger->log->size() == before, "what is wrong in form appends nothing");
  if (answer.stream) must(answer.status == 200 && answer.stream().has_value(), "a stream begins");
  must(!served.service->has_stopped(), "and the next request is answered");
  return 0;
}
