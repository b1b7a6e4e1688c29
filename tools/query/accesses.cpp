#include "tools/query/accesses.hpp"

#include <algorithm>

#include "projections/event_fields.hpp"
#include "tools/query/event_words.hpp"
#include "tools/query/subject.hpp"

namespace daicho {

namespace {

bool is_wanted(const AccessRow& row, const QueryOptions& options) {
  const Time until = std::min(options.until.value_or(time_max), options.as_of.time.value_or(time_max));
  return (!options.investigator || *options.investigator == row.investigator) &&
         row.position >= options.from.value_or(0) && row.position <= options.as_of.position.value_or(UINT64_MAX) &&
         row.at >= options.since.value_or(time_min) && row.at <= until;
}

std::vector<AccessRow> accesses_of(const LedgerView& ledger, const Subject& subject, const QueryOptions& options) {
  std::vector<AccessRow> rows;
  for (const std::string& envelope :
       value_or_fail(account_events(*ledger.store, subject.account.head, options.as_of))) {
    if (auto row = access_of(*Event::parse(as_bytes(envelope)))) rows.push_back(*std::move(row));
  }
  return rows;
}

/// What is left of sealed text, account by account.
class SealedWords {
 public:
  explicit SealedWords(const Store& store) : store_(store) {}

  const char* of(const Event& event) {
    if (!event.is_sealed()) return "";
    auto [found, is_new] = is_erased_.try_emplace(event.account(), false);
    if (is_new) {
      const auto account = value_or_fail(load_account(store_, event.account()));
      found->second = account && account->life.end && account->life.end->is_erased();
    }
    return found->second ? "(erased)" : "(sealed)";
  }

 private:
  const Store& store_;
  std::map<Id, bool> is_erased_;
};

Json access_json(const Store& store, const AccessRow& access, SealedWords& sealed) {
  const auto envelope = value_or_fail(read_event(store, access.position));
  const auto event =
      envelope ? Event::parse(as_bytes(*envelope)) : Result<Event, EventFault>(Unexpected{EventFault::malformed});
  if (!event || !event->as<fb::AccessRecorded>()) {
    throw Failure(Exit::integrity, "the access at " + std::to_string(access.position) +
                                       " is no event that reads: run audit verify and replay");
  }
  const Json header = header_json(*event), payload = describe(*event).fields;
  Json row = {{"seq", access.position}, {"time", header["time"]}, {"account", header["account"]}};
  row["investigator"] = access.investigator;
  row["service"] = header["service"];
  row["command"] = header["command"];
  row["case_number"] = payload["case_number"];
  row["fields"] = payload["fields"];
  row["reason"] = sealed.of(*event);
  row["from"] = header["from"];
  return row;
}

}  // namespace

std::vector<AccessRow> accesses_of_day(const Store& store, const std::string& investigator, const Event& decided,
                                       const Policy& policy) {
  std::vector<AccessRow> rows = value_or_fail(read_accesses(store, investigator, decided.time() - day_marks_kept));
  std::erase_if(rows, [&](const AccessRow& row) {
    const bool is_of_day = daily_allowance({row.at}, 1, policy, decided.time()).used > 0;
    return row.position > decided.position() || !is_of_day;
  });
  return rows;
}

Json query_accesses(const LedgerView& ledger, const QueryOptions& options) {
  const std::optional<Subject> subject =
      options.account ? std::optional(subject_of(ledger, options)) : std::optional<Subject>();
  Json json = subject ? head_of(ledger, *subject) : clock_of(ledger);
  std::vector<AccessRow> rows =
      subject ? accesses_of(ledger, *subject, options)
              : value_or_fail(read_accesses(*ledger.store, options.investigator, options.since.value_or(0)));
  std::erase_if(rows, [&](const AccessRow& row) { return !is_wanted(row, options); });
  std::ranges::sort(rows, {}, &AccessRow::position);
  if (rows.size() > options.rows_max()) rows.resize(options.rows_max());
  SealedWords sealed(*ledger.store);
  json["accesses"] = Json::array();
  for (const AccessRow& row : rows) json["accesses"].push_back(access_json(*ledger.store, row, sealed));
  json["next"] = rows.empty() ? options.from.value_or(0) : rows.back().position + 1;
  return json;
}

}  // namespace daicho
