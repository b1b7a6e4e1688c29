// Commands of a service that signs them, from the executor to the audit (docs/decisions/0032-signed-commands.md).
#include <doctest/doctest.h>

#include "ledger/signed_request.hpp"
#include "tests/support/commands_erasure.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

/// An owner's account and a service `web` that is registered with a key.
struct SignedLedger {
  MemoryLedger ledger;
  Id owner = ledger.make_owner("owner@outlook.jp");
  Signer key{"web", std::vector<std::uint8_t>(32, 0x11)};

  SignedLedger() {
    const RegisterService web{.name = "web",
                              .roles = {fb::Role::front_end, fb::Role::evidence},
                              .public_key = to_base64(key.verifier().key.view())};
    REQUIRE(!by_owner(web, std::nullopt).is_refusal);
  }

  Answer by_owner(Command command, const std::optional<Id>& account) {
    return ledger.run(std::move(command), account, {.service = "local"});
  }

  /// As the service's door hands it in: the signature verified, whatever it says.
  std::string send(const Signer& by, const std::string& idempotency_key, Duration age = 0,
                   Command command = RecordSignIn{}, const std::string& name = "record-sign-in",
                   const std::string& signed_name = "record-sign-in",
                   const std::string& tag = "daicho.example/memory") {
    const std::string base = "\"@method\": POST\n\"@path\": /v1/accounts/" + to_text(owner) + "/commands/" +
                             signed_name +
                             "\n\"content-digest\": sha-256=:AAE=:\n\"idempotency-key\": " + idempotency_key +
                             "\n\"@signature-params\": (\"@method\" \"@path\" \"content-digest\" "
                             "\"idempotency-key\");created=" +
                             std::to_string((ledger.clock - age) / second_us) + ";keyid=\"web\";tag=\"" + tag + "\"";
    Request request{.command = std::move(command)};
    request.account = owner;
    request.issuer.service = "web";
    request.issuer.command = name;
    request.issuer.command_id = idempotency_key;
    request.issuer.entry = fb::Entry::http;
    request.issuer.signed_request =
        std::make_shared<const SignedRequest>(SignedRequest{by.verifier().key, base, by.sign(as_bytes(base))});
    const auto answer = ledger.executor().execute(std::move(request));
    REQUIRE(answer);
    return outcome(*answer) + (answer->replayed ? ", replayed" : "");
  }
};

}  // namespace

SCENARIO("R-LED-5: nothing counts in the name of a service that signs but what it signed") {
  SignedLedger signing;
  MemoryLedger& ledger = signing.ledger;
  CHECK(signing.send(signing.key, "k-1") == "accepted: SignInFailed");
  CHECK(signing.send(signing.key, "k-1") == "accepted: SignInFailed, replayed");
  const std::uint64_t size = ledger.log().size();
  SUBCASE("not without a signature, and not as a repetition of what it signed") {
    const Envelope unsigned_one{.key = "k-2", .command = "record-sign-in"},
        again{.key = "k-1", .command = "record-sign-in"};
    CHECK(outcome(ledger.run(RecordSignIn{}, signing.owner, unsigned_one)) == "R-LED-5 signature_wanted");
    CHECK(outcome(ledger.run(RecordSignIn{}, signing.owner, again)) == "R-LED-5 signature_wanted");
  }
  SUBCASE("not by another key") {
    const Signer other{"web", std::vector<std::uint8_t>(32, 0x12)};
    CHECK(signing.send(other, "k-2") == "R-LED-5 signature_refused");
  }
  SUBCASE("not for another command") {
    CHECK(signing.send(signing.key, "k-2", 0, RecordSignIn{}, "record-sign-in", "block-account") ==
          "R-LED-5 signature_refused");
  }
  SUBCASE("not when it waited too long for its event") {
    CHECK(signing.send(signing.key, "k-2", signature_age_max + second_us) == "R-LED-5 signature_refused");
    CHECK(signing.send(signing.key, "k-3", -signature_ahead_max - second_us) == "R-LED-5 signature_refused");
  }
  SUBCASE("not after its revocation") {
    REQUIRE(!signing.by_owner(RevokeService{"web"}, std::nullopt).is_refusal);
    CHECK(signing.send(signing.key, "k-2") == "R-LED-5 signature_refused");
    CHECK(ledger.log().size() == size + 1);
    return;
  }
  CHECK(ledger.log().size() == size);
}

SCENARIO("R-LED-5: a refused command of such a service is on record with its signature") {
  SignedLedger signing;
  CHECK(signing.send(signing.key, "k-1", 0, BlockAccount{"suspected_intrusion", ""}, "block-account",
                     "block-account") == "R-LED-5 role_missing: CommandRefused");
  const auto report = audit(signing.ledger);
  CHECK(!report.first_finding);
  CHECK(report.requests_verified == 1);
}

SCENARIO("R-LED-6: a signature goes with whatever its command was about") {
  SignedLedger signing;
  MemoryLedger& ledger = signing.ledger;
  CHECK(signing.send(signing.key, "k-1") == "accepted: SignInFailed");
  const RecordEvidence evidence{{{"mail_folders", "travel"}, {"skype_id", "hanako.y"}}};
  CHECK(signing.send(signing.key, "k-2", 0, evidence, "record-evidence", "record-evidence") ==
        "accepted: EvidenceRecorded EvidenceRecorded");
  auto report = audit(ledger);
  CHECK(!report.first_finding);
  CHECK(report.requests_verified == 2);
  signing.by_owner(DeactivateMailbox{fb::MailboxReason::owner}, signing.owner);
  report = audit(ledger);
  CHECK(!report.first_finding);
  CHECK(report.requests_verified == 1);
  CHECK(report.requests_erased == 1);
}
