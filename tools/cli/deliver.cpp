// daicho deliver: mails, SMS and calls that wait in the outbox of a running service, sent.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <csignal>
#include <random>

#include "commands/text.hpp"
#include "tools/cli/command_line.hpp"
#include "tools/deliver/outbox_client.hpp"
#include "tools/deliver/smtp.hpp"
#include "tools/deliver/webhook.hpp"
#include "tools/ledger_files.hpp"

namespace daicho {

namespace {

constexpr std::size_t secret_file_bytes_max = 4'096;
constexpr std::size_t user_bytes_max = 255;

struct Arguments {
  std::string smtp, smtp_user, smtp_password_file, smtp_tls, mail_from, ca_file;
  std::string webhook;
  Wording wording;
  unsigned lease_seconds = 60;
  bool is_once = false;
  LogOptions log;
};

bool has_no_control(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return (c >= 0 && c < 0x20) || c == 0x7F; });
}

/// What a file holds, without its line's end.
std::string read_secret(const std::string& option, const std::string& path) {
  auto text = read_given_file(path, secret_file_bytes_max);
  if (!text) throw Failure(Exit::usage, option + ": there is no such file");
  while (!text->empty() && (text->back() == '\n' || text->back() == '\r')) text->pop_back();
  if (text->empty() || !is_utf8(*text) || !has_no_control(*text))
    throw Failure(Exit::usage, option + ": the file holds no one line of text");
  return *std::move(text);
}

HttpUrl read_webhook(const std::string& text) {
  auto url = parse_http_url(text);
  if (!url) throw Failure(Exit::usage, "--webhook: a URL such as https://sms.example.jp/jobs is wanted");
  if (!is_private_way(*url))
    throw Failure(Exit::usage, "--webhook: https is wanted beyond this machine: codes and addresses go there");
  return *std::move(url);
}

SmtpOptions read_smtp(const Arguments& a) {
  if (const auto wrong = check_smtp_url(a.smtp)) throw Failure(Exit::usage, "--smtp: " + *wrong);
  if (!is_plain_address(a.mail_from)) throw Failure(Exit::usage, "--mail-from: an address is wanted");
  if (a.smtp_user.empty() != a.smtp_password_file.empty())
    throw Failure(Exit::usage, "--smtp-user and --smtp-password-file go together");
  if (a.smtp_user.size() > user_bytes_max || !is_utf8(a.smtp_user) || !has_no_control(a.smtp_user))
    throw Failure(Exit::usage, "--smtp-user: a name of at most 255 bytes is wanted");
  SmtpOptions options{.url = a.smtp,
                      .user = a.smtp_user,
                      .ca_file = a.ca_file,
                      .mail_from = a.mail_from,
                      .from_name = a.wording.provider};
  options.is_tls_wanted = a.smtp_tls.empty() ? !is_smtp_to_this_machine(a.smtp) : a.smtp_tls == "starttls";
  if (!options.user.empty()) options.password = read_secret("--smtp-password-file", a.smtp_password_file);
  return options;
}

/// SIGTERM and SIGINT, which wait until somebody asks for them: a send is not broken off.
class EndSignals {
 public:
  EndSignals() {
    ::sigemptyset(&set_);
    ::sigaddset(&set_, SIGTERM);
    ::sigaddset(&set_, SIGINT);
    ::pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    std::signal(SIGPIPE, SIG_IGN);  // a peer that hangs up
  }
  bool has_come() { return has_come_ || wait({}); }
  /// True when one came within this time, or before.
  bool wait(std::chrono::nanoseconds time) {
    const auto whole = std::chrono::floor<std::chrono::seconds>(time);
    const timespec limit{whole.count(), (time - whole).count()};
    if (!has_come_) has_come_ = ::sigtimedwait(&set_, nullptr, &limit) > 0;
    return has_come_;
  }

 private:
  sigset_t set_{};
  bool has_come_ = false;
};

/// What a log may say of it: a peer's words may tell the destination, what is to come later was said by us.
void note(const DeliveryJob& job, const DeliveryResult& result) {
  if (result.outcome == Delivery::later) {
    spdlog::warn("{}: {}, attempt {}: {}", job.id, job.channel, job.attempt, result.detail);
  } else if (result.outcome != Delivery::accepted) {
    spdlog::warn("{}: {}: {}", job.id, job.channel, result.outcome == Delivery::bounced ? "bounced" : "failed");
  }
}

Exit run_deliver(const CommandLine& line, const Arguments& a) {
  start_log(a.log);
  if (const auto wrong = check_wording(a.wording)) throw Failure(Exit::usage, "--" + *wrong);
  if (a.smtp.empty() && a.webhook.empty()) throw Failure(Exit::usage, "--smtp or --webhook, or both, is wanted");
  OutboxClientOptions options{
      .service = line.service(), .wording = a.wording, .lease_time = std::chrono::seconds(a.lease_seconds)};
  std::optional<SmtpSender> smtp;
  std::optional<HttpUrl> webhook;
  if (!a.smtp.empty()) {
    options.channels = {"email"};
    smtp.emplace(read_smtp(a));
  }
  if (!a.webhook.empty()) {
    options.channels.emplace_back("sms");
    options.channels.emplace_back("voice");
    webhook = read_webhook(a.webhook);
  }
  DeliveryLimits limits{.lease_time = options.lease_time, .is_once = a.is_once};
  limits.send_time = std::min(limits.send_time, limits.lease_time / 2);
  const auto send_time = std::chrono::duration_cast<std::chrono::milliseconds>(limits.send_time);
  OutboxClient client(std::move(options));
  EndSignals signals;
  std::random_device chance;
  const DeliveryEnds ends{
      .lease = [&](std::size_t count) { return client.lease(count); },
      .send =
          [&](const DeliveryJob& job) {
            const bool is_mail = job.channel == "email";
            if (is_mail ? !smtp : !webhook)
              throw Failure(Exit::usage, "the service's answer to a lease: a channel that was not asked for");
            const DeliveryResult result = is_mail ? smtp->send(job, client.origin(), send_time)
                                                  : post_job(*webhook, {.ca_file = a.ca_file}, job, send_time);
            note(job, result);
            return result;
          },
      .record = [&](const DeliveryJob& job, const DeliveryResult& result) { return client.record(job, result); },
      .now = [] { return DeliveryClock::now(); },
      .wait =
          [&](DeliveryClock::time_point until) {
            signals.wait(std::max(until - DeliveryClock::now(), DeliveryClock::duration::zero()));
          },
      .is_ending = [&] { return signals.has_come(); },
      .chance = [&] { return static_cast<double>(chance()) / (static_cast<double>(std::random_device::max()) + 1); }};
  const DeliveryCounts counts = deliver(ends, limits);
  print_line(
      {{"accepted", counts.accepted}, {"failed", counts.failed}, {"bounced", counts.bounced}, {"left", counts.left}},
      line.format());
  return a.is_once && (counts.left > 0 || counts.is_away) ? Exit::unavailable : Exit::done;
}

}  // namespace

void add_deliver_commands(CommandLine& line) {
  const auto a = std::make_shared<Arguments>();
  auto* deliver = line.add(line.app(), "deliver", "send what waits in a service's outbox: mail, and jobs for a webhook",
                           "daicho deliver --server https://ledger.example.jp --token-file ./token "
                           "--smtp smtp://mail.example.jp:587 --mail-from id@example.jp --provider \"Example ID\" "
                           "--link 'https://account.example.jp/{kind}?account={account}&token={token}'",
                           [&line, a] { return run_deliver(line, *a); });
  deliver->add_option("--provider", a->wording.provider, "how the texts call the provider")->required();
  deliver
      ->add_option("--link", a->wording.link,
                   "where links lead, with {token} and, if wanted, {kind} {account} {proof_id} {replacement_id}")
      ->required();
  deliver->add_option("--smtp", a->smtp, "sends mail: smtp://host:port or smtps://host:port");
  deliver->add_option("--smtp-tls", a->smtp_tls, "starttls or none; default: none to this machine, else starttls")
      ->check(CLI::IsMember({"starttls", "none"}));
  deliver->add_option("--smtp-user", a->smtp_user, "who logs in there");
  deliver->add_option("--smtp-password-file", a->smtp_password_file, "holds the password")->check(check_file_to_read);
  deliver
      ->add_option("--ca-file", a->ca_file,
                   "certificates that sign the mail server's and the webhook's; default: the system's")
      ->check(check_file_to_read);
  deliver->add_option("--mail-from", a->mail_from, "the address that mails come from");
  deliver->add_option("--webhook", a->webhook, "sends SMS and calls: takes jobs that the ledger signed, by POST");
  constexpr unsigned lease_min = 4, lease_max = 3'600;
  deliver->add_option("--lease", a->lease_seconds, "seconds a notification is held to be sent")
      ->check(CLI::Range(lease_min, lease_max));
  deliver->add_flag("--once", a->is_once, "end when all that waits was tried; exit code 4 when some is left");
  add_log_options(*deliver, a->log);
  deliver->configurable();
}

}  // namespace daicho
