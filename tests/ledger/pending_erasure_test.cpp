#include "ledger/pending_erasure.hpp"

#include <doctest/doctest.h>

#include "tests/support/ledger_fixture.hpp"

using namespace daicho;
using namespace daicho::test;

namespace {

Draft closing(std::uint8_t fingerprint) {
  Draft draft;
  fb::AccountClosedT closed;
  if (fingerprint > 0) closed.key_fingerprint = bytes_from(fingerprint);
  draft.payload.Set(std::move(closed));
  return draft;
}

Draft rotation(const Signer& from, const Signer& to) {
  Draft draft;
  fb::SigningKeyRotatedT rotated;
  const auto id = from.verifier().id;
  rotated.old_key_id.assign(id.view().begin(), id.view().end());
  rotated.vkey = to.verifier().vkey();
  draft.payload.Set(std::move(rotated));
  return draft;
}

std::string signed_event(const Draft& draft, const Signer& signer, Position position, const Id& account) {
  Issuer issuer = make_issuer();
  issuer.ip = issuer.user_agent = issuer.request_id = "";
  return encode_event(draft, issuer, {.position = position, .time = start_time, .account = account}, make_key(7),
                      signer);
}

const Id account = account_id(1);

}  // namespace

TEST_CASE("an erasure proves itself by its signature, and by the rotations before it") {
  const Signer first = make_signer(0), second = make_signer(1), stranger = make_signer(2);
  const std::string turn = signed_event(rotation(first, second), first, 5, Id{});
  const auto erasure = [&](const Signer& signer, std::vector<std::string> rotations, Position position = 9) {
    auto read = read_erasure(std::move(rotations), signed_event(closing(3), signer, position, account));
    REQUIRE(read);
    return *std::move(read);
  };
  const auto read = erasure(first, {});
  CHECK(read.account == account);
  CHECK(read.position == 9);
  CHECK(read.fingerprint == bytes_from(3));
  CHECK(is_proven(read, first.verifier()));
  CHECK(!is_proven(read, second.verifier()));
  CHECK(!is_proven(erasure(stranger, {}), first.verifier()));
  CHECK(is_proven(erasure(second, {turn}), first.verifier()));
  CHECK(!is_proven(erasure(second, {}), first.verifier()));
  CHECK(!is_proven(erasure(first, {turn}), first.verifier()));         // the key was not in force any more
  CHECK(is_proven(erasure(first, {turn}, 4), first.verifier()));       // and here it still was
  CHECK(!is_proven(erasure(second, {turn, turn}), first.verifier()));  // out of order
  CHECK(!is_proven(erasure(second, {turn, "nothing"}), first.verifier()));
  const std::string forged = signed_event(rotation(first, second), stranger, 5, Id{});
  CHECK(!is_proven(erasure(second, {forged}), first.verifier()));
}

TEST_CASE("an event that erases nothing, or the ledger's own keys, is no erasure") {
  const Signer signer = make_signer();
  CHECK(!read_erasure({}, signed_event(closing(0), signer, 9, account)));
  CHECK(!read_erasure({}, signed_event(closing(3), signer, 9, Id{})));
  CHECK(!read_erasure({}, signed_event(failed_sign_in("x"), signer, 9, account)));
  CHECK(!read_erasure({}, "nothing"));
}

TEST_CASE("pending rows are read back by account; what does not read is passed over") {
  const std::unique_ptr<rocksdb::Env> env(rocksdb::NewMemEnv(rocksdb::Env::Default()));
  const auto ledger = TestLedger::create("/l", env.get());
  Store& store = *ledger->store;
  const Signer first = make_signer(0), second = make_signer(1);
  const std::string turn = signed_event(rotation(first, second), first, 5, Id{});
  const auto one = read_erasure({turn}, signed_event(closing(3), second, 9, account));
  const auto two = read_erasure({}, signed_event(closing(4), first, 12, account_id(2)));
  REQUIRE((one && two));
  RowChange torn = pending_row(*two);
  torn.key.back() = '\x0d';
  torn.value->pop_back();
  REQUIRE(!store.write({pending_row(*two), pending_row(*one), torn}, true));
  const auto all = pending_erasures(store);
  REQUIRE(all);
  REQUIRE(all->size() == 2);
  const auto of_one = pending_erasures(store, account);
  REQUIRE((of_one && of_one->size() == 1));
  CHECK(of_one->front().rotations == std::vector{turn});
  CHECK(of_one->front().envelope == one->envelope);
  CHECK(is_proven(of_one->front(), first.verifier()));
  REQUIRE(!store.write({{Family::meta, pending_rows_prefix(account), std::nullopt, true}}, true));
  CHECK(pending_erasures(store)->size() == 1);
}
