// tools/cli/asked_ledger.hpp — the ledger that the terminal asks: one in a directory, or one that a service answers
// for. Questions and answers are the same JSON either way (catalog.md, section 4), and so are the exit codes.
#pragma once

#include <filesystem>

#include "tools/http/service_address.hpp"
#include "tools/query/queries.hpp"

namespace daicho {

/// What a command came to, and how the program ends on it.
struct Outcome {
  Json shown;
  Exit exit = Exit::done;
};

/// What is wrong with a question, and that nobody answers, is a Failure.
class AskedLedger {
 public:
  virtual ~AskedLedger() = default;
  virtual Json query(const Query& query, const Json& options) = 0;  ///< as answer_query() takes them
  /// `body`: the command's own members, and those around them as parse_request() has them.
  virtual Outcome command(const std::string& name, Json body) = 0;
  /// As read_lease_options() takes them, and `service` and `at`; the account may be named by its sign-in name.
  virtual Outcome lease(Json options) = 0;
  virtual Json rules(const std::optional<std::string>& id) = 0;  ///< as rule_index() has them
};

/// `language`: of refusals' titles. The directory is opened for each question anew.
std::unique_ptr<AskedLedger> ledger_in(const std::filesystem::path& directory, const std::string& language);

/// A command is sent again under the same idempotency key, which is drawn when `body` has none, while it is not known
/// what became of it. When the time is over and it still is not, the outcome says so, with the key.
std::unique_ptr<AskedLedger> ledger_behind(ServiceAddress address, const std::string& language);

}  // namespace daicho
