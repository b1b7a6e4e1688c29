// tests/crash/check.hpp — what must hold in a ledger whose writer was killed.
#pragma once

#include <map>

#include "tools/ledger_files.hpp"

namespace daicho::crash {

using Positions = std::vector<Position>;

/// What a killed writer said (tests/crash/writer.hpp), by idempotency key.
struct Said {
  struct Issued {
    std::string name;
    Json body;
  };
  std::map<std::string, Issued> issued;
  std::map<std::string, Positions> answered;
  std::string last_answered;
};
/// A line cut short by the kill is left out. Throws Broken on a `failed` line.
Said parse_said(const std::string& output);

/// Every command in the log: (service, idempotency key) -> positions of its events.
using Commands = std::map<std::pair<std::string, std::string>, Positions>;

/// Reads the whole log: positions and account versions have no gaps, a command's events stand together, each command
/// has one first answer and no answer is without its command, and the projections equal their replay. Throws Broken.
Commands check_ledger(const WritableLedger& ledger);
/// The log alone.
Commands check_log(const Store& store);

/// Acknowledged commands are there once, at the positions that were answered.
void check_acknowledged(const std::map<std::string, Positions>& acknowledged, const Commands& commands);

/// Issues every stored command of the round again, and some that were never answered: the first answer, or one fresh
/// effect. Returns what was fresh, acknowledged now.
std::map<std::string, Positions> check_repeated(WritableLedger& ledger, const Said& said, const Commands& commands);

}  // namespace daicho::crash
