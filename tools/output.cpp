#include "tools/output.hpp"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iostream>

#include "tools/system.hpp"
#include "tools/wiped_streams.hpp"

namespace daicho {

namespace {

constexpr std::size_t cell_columns_max = 60;

/// Lines of a text stay lines in CSV, and nowhere else.
std::string csv_text(const std::string& text) {
  std::string shown;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    shown += printable(std::string_view(text).substr(begin, end - begin));
    if (end < text.size()) shown += '\n';
    begin = end + 1;
  }
  return shown;
}

std::string cell(const Json& value) {
  if (value.is_null()) return "";
  if (value.is_string()) return printable(value.get<std::string>());
  if (value.is_array()) {
    std::string text;
    for (const Json& item : value) text += (text.empty() ? "" : " ") + cell(item);
    return text;
  }
  if (value.is_object()) {
    std::string text;
    for (const auto& [name, item] : value.items()) {
      const std::string shown = cell(item);
      if (!shown.empty()) text += (text.empty() ? "" : " ") + printable(name) + "=" + shown;
    }
    return text;
  }
  return json_text(value);
}

bool is_rows(const Json& value) {
  return value.is_array() && !value.empty() &&
         std::ranges::all_of(value, [](const Json& row) { return row.is_object(); });
}

std::vector<std::string> columns_of(const Json& rows) {
  std::vector<std::string> columns;
  for (const Json& row : rows) {
    for (const auto& [name, value] : row.items()) {
      if (std::ranges::find(columns, name) == columns.end()) columns.push_back(name);
    }
  }
  return columns;
}

/// Terminal columns: code points, those of East Asian scripts counted twice.
std::size_t width(const std::string& text) {
  std::size_t columns = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xc0U) != 0x80U) columns += byte >= 0xe3U ? 2 : 1;
  }
  return columns;
}

void print_table(const Json& rows) {
  const auto columns = columns_of(rows);
  std::vector<std::vector<std::string>> lines(1);
  for (const std::string& column : columns) lines.front().push_back(printable(column));
  for (const Json& row : rows) {
    std::vector<std::string> line;
    for (const std::string& column : columns) line.push_back(row.contains(column) ? cell(row[column]) : "");
    lines.push_back(std::move(line));
  }
  std::vector<std::size_t> widths(columns.size());
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i)
      widths[i] = std::max(widths[i], std::min(width(line[i]), cell_columns_max));
  }
  for (const auto& line : lines) {
    std::string text = "  ";
    for (std::size_t i = 0; i < line.size(); ++i) {
      text += line[i];
      if (i + 1 < line.size())
        text += std::string(widths[i] > width(line[i]) ? widths[i] - width(line[i]) + 2 : 2, ' ');
    }
    text.erase(text.find_last_not_of(' ') + 1);
    std::cout << text << '\n';
  }
}

void print_person(const Json& answer) {
  if (!answer.is_object()) {
    std::cout << cell(answer) << '\n';
    return;
  }
  std::size_t name_width = 0;
  for (const auto& [name, value] : answer.items()) {
    if (!is_rows(value)) name_width = std::max(name_width, name.size());
  }
  for (const auto& [name, value] : answer.items()) {
    if (!is_rows(value))
      std::cout << printable(name) << std::string(name_width - name.size() + 2, ' ') << cell(value) << '\n';
  }
  for (const auto& [name, value] : answer.items()) {
    if (!is_rows(value)) continue;
    std::cout << printable(name) << ":\n";
    print_table(value);
  }
}

std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

void print_csv(const Json& rows) {
  const auto columns = columns_of(rows);
  const auto print_row = [&](auto&& cell_of) {
    for (std::size_t i = 0; i < columns.size(); ++i) std::cout << (i ? "," : "") << csv_cell(cell_of(columns[i]));
    std::cout << "\r\n";  // RFC 4180 section 2
  };
  print_row([](const std::string& column) { return printable(column); });
  for (const Json& row : rows) {
    print_row([&](const std::string& column) {
      if (!row.contains(column)) return std::string();
      return row[column].is_string() ? csv_text(row[column].get<std::string>()) : cell(row[column]);
    });
  }
}

}  // namespace

std::optional<Format> parse_format(std::string_view word) {
  if (word == "table") return Format::table;
  if (word == "json") return Format::json;
  if (word == "ndjson") return Format::ndjson;
  if (word == "csv") return Format::csv;
  return std::nullopt;
}

Format default_format() { return isatty(STDOUT_FILENO) == 1 ? Format::table : Format::json; }

void print(const Json& answer, Format format, const std::string& rows) {
  const bool has_rows = !rows.empty() && answer.contains(rows) && answer[rows].is_array();
  const Json list = has_rows ? answer[rows] : Json::array({answer});
  switch (format) {
    case Format::table:
      print_person(answer);
      break;
    case Format::json:
      std::cout << answer.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
      break;
    case Format::ndjson:
      for (const Json& row : list) std::cout << json_text(row) << '\n';
      break;
    case Format::csv:
      print_csv(list);
      break;
  }
  flush_output();
}

std::string json_text(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string json_line(const Json& value) { return json_text(value) + '\n'; }

std::string printable(std::string_view text) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string shown;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto byte = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0U;
    const bool is_c1 = byte == 0xC2U && next >= 0x80U && next < 0xA0U;  // in UTF-8
    if (!is_c1 && byte >= 0x20 && byte != 0x7F) {
      shown += text[i];
      continue;
    }
    if (is_c1) byte = static_cast<unsigned char>(next), ++i;
    shown += {'\\', 'u', '0', '0', digits[byte >> 4U], digits[byte & 15U]};
  }
  return shown;
}

void print_line(const Json& answer, Format format) {
  if (format == Format::table) {
    print_person(answer);
    std::cout << '\n';
  } else {
    std::cout << json_line(answer);
  }
  flush_output();
}

Progress::Progress(std::string what)
    : what_(std::move(what)), started_us_(system_time()), is_terminal_(isatty(STDERR_FILENO) == 1) {}

void Progress::at(std::uint64_t done, std::uint64_t total) {
  const std::int64_t now = system_time();
  if (!is_terminal_ || now - started_us_ < second_us || now - shown_us_ < second_us / 5) return;
  shown_us_ = now;
  is_shown_ = true;
  const double seconds = static_cast<double>(now - started_us_) / 1e6;
  const std::string of = total > 0 ? " of " + std::to_string(total) : "";
  const double per_second = static_cast<double>(done) / seconds;
  const bool is_known = total > done && done > 0;
  const std::string left =
      is_known ? ", " + std::to_string(std::lround(static_cast<double>(total - done) / per_second)) + " s left" : "";
  std::fprintf(stderr, "\r%s: %llu%s, %.0f/s%s \033[K", what_.c_str(), static_cast<unsigned long long>(done),
               of.c_str(), per_second, left.c_str());
  std::fflush(stderr);
}

Progress::~Progress() {
  if (is_shown_) std::fputs("\r\033[K", stderr);
}

}  // namespace daicho
