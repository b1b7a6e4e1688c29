// tools/deliver/outbox.hpp — notifications waiting to be sent: leased to one delivery service at a time, with
// destination and text. Leasing is no event: what was delivered is (record-delivery). A lease is durable before it is
// handed out, so a notification has one holder at a time; when a lease runs out unanswered the notification is leased
// again, under the same id.
#pragma once

#include "tools/deliver/templates.hpp"
#include "tools/json_fields.hpp"
#include "tools/ledger_files.hpp"

namespace daicho {

inline constexpr std::int64_t lease_count_max = 1'000;
inline constexpr std::int64_t lease_seconds_max = 86'400;

struct LeaseOptions {
  std::string service = "local";  ///< who asks
  std::string holder = "local";   ///< who is to have them
  std::int64_t count_max = 100;
  std::int64_t seconds = 300;
  std::optional<std::string> account = {};  ///< its id, or its sign-in name
  std::vector<fb::Channel> channels = {};   ///< empty: all
  std::optional<Wording> wording = {};      ///< with it each comes with its text
  fb::Entry entry = fb::Entry::cli;         ///< where the lease was asked for
};
/// From members that are named so, `wording` as {provider, link}; the service `by_default`. Failure(usage).
LeaseOptions read_lease_options(Fields& fields, const std::string& by_default);

/// `{origin, notifications: [{notification_id, account, kind, channel, destination, code | token, …, lease_until,
/// attempt}]}`, oldest first. With a wording also `language` (unless it is unknown), `text`, of mail `subject`, of SMS
/// and calls `request` {body, fields}: what a webhook is sent, signed (tools/deliver/signed_job.hpp). One caller at a
/// time: two would get the same. Refused, on record, when the service may not issue `lease`: it would see addresses and
/// codes (R-LED-5, R-REC-11). Failure(usage) when it is no service's name, or there is no such account.
Result<Answer, Fault> lease_notifications(WritableLedger& ledger, const LeaseOptions& options);

}  // namespace daicho
