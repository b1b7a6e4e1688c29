#include "ledger/audit_services.hpp"

#include <doctest/doctest.h>

#include "tests/support/ledger_stored.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

constexpr std::uint64_t account = 1;

/// Position 0 is LedgerCreated, 1 an event of the account, unsigned, 2 the registration of service `web` with a key;
/// what the test appends comes from 3 on, in the name of that service.
struct ServiceLedger : StoredLedger {
  std::unique_ptr<TestLedger> ledger = TestLedger::create("/l", env.get());
  Signer service = make_signer(0x60);
  Id service_id = account_id(99);
  unsigned commands = 0;

  ServiceLedger() {
    REQUIRE(ledger->append(account));
    of_ledger(fb::ServiceRegisteredT{.service_id = service_id, .name = "web", .public_key = key_bytes(service)});
    ledger->issuer.command = "record-sign-in";
    ledger->clock += hour_us;
  }

  static std::vector<std::uint8_t> key_bytes(const Signer& signer) {
    const ByteView key = signer.verifier().key.view();
    return {key.begin(), key.end()};
  }

  /// By the owner.
  template <class Payload>
  void of_ledger(Payload payload) {
    const Issuer kept = std::exchange(ledger->issuer, make_issuer());
    ledger->issuer.service = "local";
    REQUIRE(ledger->append_decided(Id{}, [&](Time) {
      Decided decided;
      decided.drafts.emplace_back().payload.Set(std::move(payload));
      return decided;
    }));
    ledger->issuer = kept;
  }

  struct Signing {
    std::string path = "/v1/accounts/" + to_text(account_id(account)) + "/commands/record-sign-in";
    std::string key = "";  ///< empty: the command's own
    std::string keyid = "web";
    std::string tag = origin;
    Duration age = 0;
    std::vector<std::uint32_t> slots = {};
    const Signer* by = nullptr;
    bool is_kept = true;
    std::size_t events = 1;
  };

  /// The next event or events, as a writer makes them that checks nothing.
  void append(const Signing& signing) {
    ledger->issuer.command_id = "command-" + std::to_string(++commands);
    const std::string& key = signing.key.empty() ? ledger->issuer.command_id : signing.key;
    const std::string base = "\"@method\": POST\n\"@path\": " + signing.path +
                             "\n\"content-digest\": sha-256=:AAE=:\n\"idempotency-key\": \"" + key +
                             "\"\n\"@signature-params\": (\"@method\" \"@path\" \"content-digest\" "
                             "\"idempotency-key\");created=" +
                             std::to_string((ledger->clock - signing.age) / second_us) + ";keyid=\"" + signing.keyid +
                             "\";tag=\"" + signing.tag + '"';
    const Signer& by = signing.by ? *signing.by : service;
    ledger->issuer.signed_request =
        std::make_shared<const SignedRequest>(SignedRequest{by.verifier().key, base, by.sign(as_bytes(base))});
    std::vector<Draft> drafts;
    for (std::size_t i = 0; i < signing.events; ++i) drafts.push_back(failed_sign_in("wrong_password"));
    const auto own = ledger->keys->data_key(*ledger->store, account_id(account));
    REQUIRE(own);
    if (signing.is_kept) {
      drafts.front().signed_request = std::make_shared<const RequestToSeal>(
          RequestToSeal{ledger->issuer.signed_request, signing.slots, request_key(*own, {})});
    }
    REQUIRE(ledger->append(account, std::move(drafts)));
  }

  AuditReport audited(bool with_keys = true) {
    ledger.reset();
    const auto store = Store::open("/l", Store::Mode::read, env.get());
    REQUIRE(store);
    const auto keys = KeyRing::open(make_key(0x40), **store);
    REQUIRE(keys);
    AuditOptions options;
    options.threads = 2;
    options.keys = with_keys ? &*keys : nullptr;
    return audit_log(**store, make_signer().verifier(), options);
  }

  void check_finding(Position position, const std::string& found, bool with_keys = true) {
    const auto report = audited(with_keys);
    REQUIRE(report.first_finding);
    CHECK(std::string(name(report.first_finding->kind)) == "service_signature");
    CHECK(report.first_finding->position == position);
    CHECK(report.first_finding->expected == "a signature of service web for this command");
    CHECK(report.first_finding->found == found);
  }
};

}  // namespace

SCENARIO("commands that their service signed pass, and are counted") {
  ServiceLedger ledger;
  ledger.append({});
  ledger.append({.age = signature_age_max, .events = 3});
  ledger.append({.age = -signature_ahead_max});
  SUBCASE("with the keys they are verified") {
    const auto report = ledger.audited();
    CHECK(!report.first_finding);
    CHECK(report.requests_verified == 3);
    CHECK(report.requests_unopened == 0);
  }
  SUBCASE("without them it is known that they are there") {
    const auto report = ledger.audited(false);
    CHECK(!report.first_finding);
    CHECK(report.requests_verified == 0);
    CHECK(report.requests_unopened == 3);
  }
}

SCENARIO("somebody who holds the ledger's keys writes in the name of a service that signs") {
  ServiceLedger ledger;
  SUBCASE("without a signature") {
    REQUIRE(ledger.ledger->append(account));
    ledger.check_finding(3, "none, though the service signs", false);
  }
  SUBCASE("with the key's id and no signature") {
    ledger.append({.is_kept = false});
    ledger.check_finding(3, "none, though its key is named", false);
  }
  SUBCASE("with a signature by another key") {
    const Signer other = make_signer(0x70);
    ledger.append({.by = &other});
    ledger.check_finding(3, "one by another key than the service's", false);
  }
  SUBCASE("with one of another account") {
    ledger.append({.path = "/v1/accounts/" + to_text(account_id(2)) + "/commands/record-sign-in"});
    ledger.check_finding(3, "the path signed is not this command's");
  }
  SUBCASE("with one of another command") {
    ledger.append({.path = "/v1/commands/block-account"});
    ledger.check_finding(3, "the path signed is not this command's");
  }
  SUBCASE("with one for another idempotency key") {
    ledger.append({.key = "another"});
    ledger.check_finding(3, "the idempotency key signed is not this command's");
  }
  SUBCASE("with one by the name of another service") {
    ledger.append({.keyid = "radar"});
    ledger.check_finding(3, "keyid is not the service");
  }
  SUBCASE("with one that was made for another ledger") {
    ledger.append({.tag = "daicho.example/staging"});
    ledger.check_finding(3, "tag is not this ledger's name");
  }
  SUBCASE("with an old one") {
    ledger.append({.age = signature_age_max + second_us});
    ledger.check_finding(3, "created more than 300 s before the ledger's time");
  }
  SUBCASE("with one of the future") {
    ledger.append({.age = -signature_ahead_max - second_us});
    ledger.check_finding(3, "created more than 30 s after the ledger's time");
  }
  SUBCASE("with one that opens under a key that never was: it cannot pass for erased") {
    ledger.append({.slots = {9}});
    const auto report = ledger.audited();
    REQUIRE(report.first_finding);
    CHECK(report.first_finding->kind == FindingKind::key);
    CHECK(report.first_finding->position == 3);
  }
  SUBCASE("with keys out of order") {
    ledger.append({.slots = {0}});
    ledger.check_finding(3, "one whose data keys are out of order", false);
  }
}

SCENARIO("a service signs from its registration to its revocation") {
  ServiceLedger ledger;
  ledger.append({});
  ledger.of_ledger(fb::ServiceRevokedT{.service_id = ledger.service_id, .name = "web"});
  SUBCASE("then a command without a signature passes: it is refused, and on record") {
    ledger.ledger->issuer.signed_request = nullptr;
    REQUIRE(ledger.ledger->append(account));
    CHECK(!ledger.audited().first_finding);
  }
  SUBCASE("and one with a signature does not") {
    ledger.append({});
    ledger.check_finding(5, "one of a service that is registered without a key, or not at all");
  }
  SUBCASE("registered again with another key, the old one does not count") {
    const Signer next = make_signer(0x70);
    ledger.of_ledger(fb::ServiceRegisteredT{
        .service_id = account_id(98), .name = "web", .public_key = ServiceLedger::key_bytes(next)});
    ledger.append({.by = &next});
    ledger.append({});
    ledger.check_finding(7, "one by another key than the service's");
  }
}
