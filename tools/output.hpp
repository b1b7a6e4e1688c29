// tools/output.hpp — answers on standard output, as a person or a program wants them.
#pragma once

#include "commands/decision.hpp"

namespace daicho {

enum class Format { table, json, ndjson, csv };

std::optional<Format> parse_format(std::string_view word);
/// Table on a terminal, JSON when piped.
Format default_format();

/// `rows` names the member that holds the list: all that ndjson and csv print.
void print(const Json& answer, Format format, const std::string& rows = "");
/// JSON on one line; bytes that are no UTF-8 are shown as U+FFFD.
std::string json_text(const Json& value);
std::string json_line(const Json& value);  ///< with its end
/// A text as a terminal may have it: control characters (C0, DEL, C1) as JSON escapes, `\u001b`.
std::string printable(std::string_view text);
/// One answer of a stream: a line of JSON, or a table.
void print_line(const Json& answer, Format format);

/// Progress on standard error, if that is a terminal, once a run lasts more than a second.
class Progress {
 public:
  explicit Progress(std::string what);
  ~Progress();
  void at(std::uint64_t done, std::uint64_t total = 0);  ///< total 0: not known

 private:
  std::string what_;
  std::int64_t started_us_, shown_us_ = 0;
  bool is_terminal_, is_shown_ = false;
};

}  // namespace daicho
