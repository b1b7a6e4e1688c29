#include "ledger/time.hpp"

#include <algorithm>
#include <chrono>

namespace daicho {
namespace {

void append_digits(std::string& out, std::int64_t value, std::size_t width) {
  const std::size_t start = out.size();
  out.append(width, '0');
  for (std::size_t i = width; i > 0; --i, value /= 10) out[start + i - 1] = static_cast<char>('0' + value % 10);
}

/// Takes a text apart from its front; any mismatch sticks in `failed`.
struct Scanner {
  std::string_view rest;
  bool failed = false;

  bool next_is(char wanted) const { return !rest.empty() && rest.front() == wanted; }

  char any_of(std::string_view accepted) {
    if (rest.empty() || accepted.find(rest.front()) == std::string_view::npos) {
      failed = true;
      return '\0';
    }
    const char found = rest.front();
    rest.remove_prefix(1);
    return found;
  }

  unsigned digits(std::size_t count, unsigned max) {
    unsigned value = 0;
    for (std::size_t i = 0; i < count; ++i) value = value * 10 + static_cast<unsigned>(any_of("0123456789") - '0');
    if (value > max) failed = true;
    return failed ? 0 : value;
  }
};

/// RFC 3339 section 5.6 time-secfrac, cut to microseconds' six digits.
std::int64_t scan_fraction(Scanner& scanner) {
  if (!scanner.next_is('.')) return 0;
  scanner.any_of(".");
  std::int64_t value = 0;
  std::int64_t unit = second_us;
  do {
    unit /= 10;
    value += unit * static_cast<std::int64_t>(scanner.digits(1, 9));
  } while (!scanner.failed && unit > 1 && !scanner.rest.empty() && scanner.rest.front() >= '0' &&
           scanner.rest.front() <= '9');
  return value;
}

/// RFC 3339 section 5.6 time-offset: what the local time is ahead of UTC.
Duration scan_offset(Scanner& scanner) {
  const char sign = scanner.any_of("Zz+-");
  if (sign != '+' && sign != '-') return 0;
  const Duration hours = scanner.digits(2, 23);
  scanner.any_of(":");
  const Duration offset = hours * hour_us + scanner.digits(2, 59) * minute_us;
  return sign == '+' ? offset : -offset;
}

}  // namespace

std::string to_rfc3339(Time time) {
  const Time shown = std::clamp(time, time_min, time_max);
  const std::chrono::sys_days day{std::chrono::days{shown / day_us}};
  const std::chrono::year_month_day date{day};
  const Duration of_day = shown % day_us;
  std::string out;
  append_digits(out, static_cast<int>(date.year()), 4);
  out += '-';
  append_digits(out, static_cast<unsigned>(date.month()), 2);
  out += '-';
  append_digits(out, static_cast<unsigned>(date.day()), 2);
  out += 'T';
  append_digits(out, of_day / hour_us, 2);
  out += ':';
  append_digits(out, of_day % hour_us / minute_us, 2);
  out += ':';
  append_digits(out, of_day % minute_us / second_us, 2);
  out += '.';
  append_digits(out, of_day % second_us, 6);
  out += 'Z';
  return out;
}

std::optional<Time> parse_rfc3339(std::string_view text) {
  Scanner scanner{text};
  const unsigned year = scanner.digits(4, 9999);
  scanner.any_of("-");
  const unsigned month = scanner.digits(2, 12);
  scanner.any_of("-");
  const unsigned day = scanner.digits(2, 31);
  scanner.any_of("Tt");
  const Duration hours = scanner.digits(2, 23);
  scanner.any_of(":");
  const Duration minutes = scanner.digits(2, 59);
  scanner.any_of(":");
  const Duration seconds = scanner.digits(2, 59);
  const Duration fraction = scan_fraction(scanner);
  const Duration offset = scan_offset(scanner);
  if (scanner.failed || !scanner.rest.empty()) return std::nullopt;

  const std::chrono::year_month_day date{std::chrono::year{static_cast<int>(year)}, std::chrono::month{month},
                                         std::chrono::day{day}};
  if (!date.ok()) return std::nullopt;
  const Duration days = std::chrono::sys_days{date}.time_since_epoch().count();
  const Time time = days * day_us + hours * hour_us + minutes * minute_us + seconds * second_us + fraction - offset;
  if (time < time_min || time > time_max) return std::nullopt;
  return time;
}

}  // namespace daicho
