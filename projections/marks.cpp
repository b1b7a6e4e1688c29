#include "projections/marks.hpp"

#include <algorithm>

namespace daicho {

std::int64_t count_since(const std::vector<Time>& marks, Time now, Duration span) {
  return std::ranges::count_if(marks, [&](Time mark) { return mark > now - span; });
}

void add_mark(std::vector<Time>& marks, Time now, Duration keep) {
  std::erase_if(marks, [&](Time mark) { return mark <= now - keep; });
  if (marks.size() >= marks_max) marks.erase(marks.begin());
  marks.push_back(now);
}

void RefusalMarks::add(std::uint16_t rule, Time now) {
  auto found = std::ranges::find(by_rule, rule, &RecordedRefusals::rule);
  if (found == by_rule.end()) found = by_rule.insert(found, RecordedRefusals{rule, {}});
  add_mark(found->marks, now);
}

std::int64_t RefusalMarks::within_hour(std::uint16_t rule, Time now) const {
  const auto found = std::ranges::find(by_rule, rule, &RecordedRefusals::rule);
  return found == by_rule.end() ? 0 : count_since(found->marks, now, hour_us);
}

}  // namespace daicho
