// commands/recovery_scoring.hpp — the points of a recovery form under a policy (R-REC-6, R-REC-9, R-REC-10).
// docs/recovery-scoring.md argues for the numbers.
//
//   points = sum over the fields that match + familiar device + familiar place
//   a field:  weight x min(values matched, recovery_values_counted) where several count, else weight; passwords once
//             weight x recovery_not_registered_percent / 100 for a right "not registered"
//   anything wrong, blank or not on file earns nothing and costs nothing
#pragma once

#include "projections/policy.hpp"
#include "projections/recoveries.hpp"

namespace daicho {

struct Score {
  std::vector<std::int64_t> fields;  ///< points of each, in the order of the matches
  std::int64_t familiar = 0;
  std::int64_t total = 0;
};
Score score(const Recovery& recovery, const Policy& policy);

}  // namespace daicho
