#include "tools/bench/disclosure.hpp"

#include <algorithm>

#include "tools/answers.hpp"
#include "tools/deliver/outbox.hpp"
#include "tools/ledger_files.hpp"
#include "tools/routes.hpp"
#include "tools/system.hpp"

namespace daicho {

namespace {

constexpr unsigned names = 64;

Json run(WritableLedger& ledger, const std::string& command, const std::string& account, Json body) {
  if (!account.empty()) body["account"] = account;
  const auto answer = execute_json(ledger, command, body, {.service = "bench"});
  if (!answer) throw failure_of(answer.error());
  return answer->body;
}

/// As a decoy looks: a mailbox and a mobile phone, both verified.
void register_known(WritableLedger& ledger, unsigned number) {
  const std::string n = std::to_string(number), phone = "0901234" + std::to_string(1'000 + number);
  const Json account = run(ledger, "register-account", "",
                           {{"sign_in_name", "known" + n + "@outlook.com"},
                            {"password", "Kaze1234"},
                            {"password_repeat", "Kaze1234"},
                            {"proofs",
                             {{{"kind", "email"}, {"value", "owner" + n + "@example.com"}},
                              {{"kind", "mobile_phone"}, {"value", phone}, {"country", "JP"}}}}});
  const std::string id = account["account"];
  const Json mail = lease_notifications(ledger, {.account = id}).value().body["notifications"];
  for (const Json& each : mail) {
    const bool is_code = each.contains("code");
    run(ledger, "verify-proof", id,
        {{"proof_id", account["proof_ids"][is_code ? 1 : 0]},
         {is_code ? "code" : "link_token", each[is_code ? "code" : "token"]}});
  }
}

struct Timed {
  std::vector<Duration> known, unknown;
};

/// How often one of `a` is larger than one of `b`; ties count half (the rank-sum statistic, scaled).
double larger_share(const std::vector<Duration>& a, std::vector<Duration> b) {
  std::ranges::sort(b);
  double larger = 0;
  for (const Duration each : a) {
    const auto [low, high] = std::equal_range(b.begin(), b.end(), each);
    larger += static_cast<double>(low - b.begin()) + static_cast<double>(high - low) / 2;
  }
  return larger / (static_cast<double>(a.size()) * static_cast<double>(b.size()));
}

Json quantiles(std::vector<Duration> times) {
  std::ranges::sort(times);
  const auto at = [&](double share) {
    return times[static_cast<std::size_t>(share * static_cast<double>(times.size()))];
  };
  return {{"p10", at(0.1)}, {"p50", at(0.5)}, {"p90", at(0.9)}, {"p99", at(0.99)}};
}

std::vector<std::string> members(const Json& answer) {
  std::vector<std::string> names_of_members;
  for (const auto& [name, value] : answer.items()) names_of_members.push_back(name);
  return names_of_members;
}

struct Question {
  const char* command;
  Json body;
};

/// Asks a known and an unknown name in turn, which of them first changing each time.
Timed ask(WritableLedger& ledger, const Question& question, Time until) {
  Timed timed;
  for (unsigned i = 0; system_time() < until; ++i) {
    std::vector<std::string> shape;
    for (unsigned turn = 0; turn < 2; ++turn) {
      const bool is_known = (i + turn) % 2 == 0;
      const std::string name = (is_known ? "known" : "ghost") + std::to_string(i % names) + "@outlook.com";
      const Time before = system_time();
      const Json answer = run(ledger, question.command, name, question.body);
      (is_known ? timed.known : timed.unknown).push_back(system_time() - before);
      if (turn > 0 && members(answer) != shape)
        throw Failure(Exit::integrity, std::string(question.command) + ": the answers differ in shape");
      shape = members(answer);
    }
  }
  return timed;
}

}  // namespace

Json bench_disclosure(const std::filesystem::path& directory, unsigned seconds) {
  init_ledger({.directory = directory, .origin = "bench.example/ledger"});
  WritableLedger ledger = open_for_writing(directory, std::nullopt);
  for (unsigned i = 0; i < names; ++i) register_known(ledger, i);
  const Question questions[] = {
      {"start-challenge", {{"purpose", "reset_password"}, {"character_check", {{"shown", "XVMS"}, {"typed", "xvms"}}}}},
      {"record-sign-in", {{"result", "failed"}, {"device_id", "pc-1"}}},
      {"mark-proofs-lost", Json::object()},
      {"submit-recovery",
       {{"contact_address", "stranger@example.net"},
        {"answers", {{"surname", "Yamada"}, {"postal_code", "150-0001"}, {"passwords", {"Umi12345"}}}}}},
  };
  Json json = {{"bench", "disclosure: the same public command on known and on unknown names, one caller, µs"},
               {"fsync", "one before each answer that changed something"},
               {"processors", processor_count()}};
  json["commands"] = Json::array();
  for (const Question& question : questions) {
    const Timed timed = ask(ledger, question, system_time() + static_cast<Time>(seconds) * second_us / 4);
    json["commands"].push_back({{"command", question.command},
                                {"asked", timed.known.size()},
                                {"known", quantiles(timed.known)},
                                {"unknown", quantiles(timed.unknown)},
                                {"known_takes_longer", larger_share(timed.known, timed.unknown)}});
  }
  return json;
}

}  // namespace daicho
