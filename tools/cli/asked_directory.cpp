#include "tools/answers.hpp"
#include "tools/cli/asked_ledger.hpp"
#include "tools/deliver/outbox.hpp"
#include "tools/query/rule_index.hpp"
#include "tools/routes.hpp"

namespace daicho {

namespace {

class DirectoryLedger : public AskedLedger {
 public:
  DirectoryLedger(std::filesystem::path directory, std::string language)
      : directory_(std::move(directory)), language_(std::move(language)) {}

  Json query(const Query& query, const Json& options) override {
    const ReadableLedger ledger = open_for_reading(directory_);
    return answer_query(ledger.view(), query, options, language_);
  }

  Outcome command(const std::string& name, Json body) override {
    WritableLedger ledger = open_at(body);
    return outcome(execute_json(ledger, name, body, {}));
  }

  Outcome lease(Json options) override {
    WritableLedger ledger = open_at(options);
    Fields fields(options);
    const LeaseOptions wanted = read_lease_options(fields, std::string(owner_service));
    fields.mark_read("at");
    fields.done();
    return outcome(lease_notifications(ledger, wanted));
  }

  Json rules(const std::optional<std::string>& id) override { return rule_index(id); }

 private:
  WritableLedger open_at(const Json& asked) const {
    return open_for_writing(directory_, Fields(asked).optional_time("at"));
  }

  Outcome outcome(const Result<Answer, Fault>& answer) const {
    if (!answer) return {fault_json(answer.error()), exit_of(answer.error().kind)};
    Json told = shown(*answer);
    translate(told, language_);
    const Exit exit = answer->is_refusal ? exit_of_refusal(told) : Exit::done;
    return {std::move(told), exit};
  }

  const std::filesystem::path directory_;
  const std::string language_;
};

}  // namespace

std::unique_ptr<AskedLedger> ledger_in(const std::filesystem::path& directory, const std::string& language) {
  return std::make_unique<DirectoryLedger>(directory, language);
}

}  // namespace daicho
