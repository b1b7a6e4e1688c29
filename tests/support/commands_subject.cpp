#include "tests/support/commands_subject.hpp"

#include <doctest/doctest.h>

#include "commands/text.hpp"
#include "ledger/merkle.hpp"

namespace daicho::test {

namespace {

Hash filled(std::uint8_t byte) {
  Hash hash;
  hash.bytes.fill(byte);
  return hash;
}

fb::ProofAddedT proof_added(const Subject& subject, fb::ProofKind kind, const Tag16& address,
                            const Tag16& confirmation) {
  return {.proof_id = subject.new_id(), .kind = kind, .address_tag = address, .confirmation_tag = confirmation};
}

Past added(NewProof proof) {
  return [proof = std::move(proof)](Subject& subject) {
    auto details = examine(proof, subject.folded(), subject.context());
    REQUIRE(details);
    Draft event =
        draft(proof_added(subject, proof.kind, details->address_tag, details->confirmation_tag), {Rule::prf_1});
    event.personal = details->personal;
    event.sealed_slot = details->sealed_slot;
    subject.happened(event);
    if (const auto message = first_message(proof.kind, subject.folded().proofs.all.back().id, subject.context())) {
      subject.happened(*message);
    }
  };
}

}  // namespace

Id numbered(std::uint64_t number) {
  Id id;
  const auto bytes = big_endian(number);
  std::copy(bytes.begin(), bytes.end(), id.bytes.begin() + 8);
  id.bytes[0] = 0x1d;
  return id;
}

Subject::Subject()
    : id_(numbered(1)),
      data_key_(std::make_shared<const SecretKey>(filled(0xda).view())),
      code_key_(std::make_shared<const SecretKey>(filled(0xc0).view())),
      signer_(std::make_shared<const Signer>("daicho.example/subject", filled(0x51).view())),
      vault_(std::make_shared<const Vault>(id_, *data_key_, *code_key_)) {
  policy.version = 1;
  policy.argon2_memory_kib = 8;
  policy.argon2_passes = 1;
  issuer = {
      .service = "web", .command = "test", .command_id = "1", .command_digest = filled(0xd1), .entry = fb::Entry::http};
  folded_.id = id_;
}

Context Subject::context() const {
  return Context{
      .now = now,
      .policy = policy,
      .vault = *vault_,
      .issuer = issuer,
      .new_id = [this] { return new_id(); },
      .vault_at =
          [this](std::uint32_t slot) {
            return folded_.keys.has(slot) || drawn_.contains(slot) ? &vault(slot) : nullptr;
          },
      .new_vault_at = [this](std::uint32_t slot) -> const Vault& { return vault(*drawn_.insert(slot).first); },
      .personal = [this](Position position) -> std::shared_ptr<const fb::PersonalT> {
        if (position >= envelopes_.size()) return nullptr;
        const auto event = Event::parse(as_bytes(envelopes_[position]));
        REQUIRE(event);
        if (!folded_.keys.has(event->sealed_slot())) return nullptr;
        auto personal = event->open(data_key(event->sealed_slot()));
        return personal ? std::make_shared<const fb::PersonalT>(*std::move(personal)) : nullptr;
      },
      .evidence = [this](fb::RecoveryField field) -> const std::vector<Evidence>& {
        static const std::vector<Evidence> none;
        const auto found = evidence.find(field);
        return found == evidence.end() ? none : found->second;
      },
  };
}

const Subject::Held& Subject::held(std::uint32_t slot) const {
  auto& held = held_[slot];
  if (!held) {
    SecretKey key = derive_key(*data_key_, "of a slot", {big_endian32(slot)});
    Vault vault(id_, key, *code_key_);
    held = std::make_shared<const Held>(Held{std::move(key), std::move(vault)});
  }
  return *held;
}

Subject& Subject::happened(const Draft& event) {
  const Position position = envelopes_.size();
  const Place place{position, now, id_, folded_.head, policy.version};
  envelopes_.push_back(encode_event(event, issuer, place, data_key(event.sealed_slot), *signer_));
  const ByteView envelope = as_bytes(envelopes_.back());
  const auto parsed = Event::parse(envelope);
  REQUIRE(parsed);
  evolve(folded_, *parsed, leaf_hash(envelope));
  return *this;
}

void Subject::append(std::vector<Draft>& events) {
  const Position first = envelopes_.size();
  for (Draft& event : events) {
    if (!event.caused_by && &event != &events.front()) event.caused_by = first;
    happened(event);
  }
}

std::string Subject::secret_of(const Proof& proof) const {
  REQUIRE(proof.code);
  return vault_->secret(proof.code->is_link ? OneTime::link : OneTime::security_code, proof.code->id,
                        policy.code_digits);
}

Subject given(std::initializer_list<Past> past) {
  Subject subject;
  for (const Past& step : past) step(subject);
  return subject;
}

Past after(Duration span) {
  return [span](Subject& subject) { subject.now += span; };
}

Past under(std::function<void(Policy&)> change) {
  return [change = std::move(change)](Subject& subject) { change(subject.policy); };
}

Past registered(const std::string& sign_in_name, bool confirmed) {
  return [=](Subject& subject) {
    Draft event =
        draft(fb::AccountRegisteredT{.grade = fb::Grade::acceptable, .name_confirmed = confirmed}, {Rule::acc_1});
    event.personal.sign_in_name = sign_in_name;
    event.personal.password_verifier = "a verifier";
    event.personal.profile = std::make_unique<fb::ProfileT>();
    event.personal.profile->surname = "Yamada";
    event.personal.profile->given_name = "Hanako";
    subject.happened(event);
  };
}

Past mailbox(const std::string& address) { return added(new_mailbox(address)); }
Past phone(const std::string& number, fb::ProofKind kind) { return added(new_phone(number, "JP", kind)); }
Past question(const std::string& text) { return added(new_question(text, "an answer")); }
Past app(const std::string& totp_secret) {
  return added(NewProof{.kind = fb::ProofKind::authenticator_app, .totp_secret = totp_secret});
}
Past device(const std::string& device_id) {
  return added(NewProof{.kind = fb::ProofKind::trusted_device, .device_id = device_id});
}

Past verified(std::size_t n) {
  return [n](Subject& subject) {
    subject.happened(draft(fb::ProofVerifiedT{.proof_id = subject.proof(n).id}, {Rule::prf_1}));
  };
}

Past removed(std::size_t n) {
  return [n](Subject& subject) {
    subject.happened(draft(fb::ProofRemovedT{.proof_id = subject.proof(n).id}, {Rule::prf_5}));
  };
}

Past started(fb::Purpose purpose, std::uint64_t number, const std::string& device_id) {
  return [=](Subject& subject) {
    fb::ChallengeStartedT event{.challenge_id = numbered(number), .purpose = purpose};
    if (!device_id.empty()) event.device_tag = subject.vault().tag("device", device_id);
    for (const Proof& proof : subject.folded().proofs.all) event.offers.push_back(proof.id);
    subject.happened(draft(std::move(event), {Rule::chl_2}));
  };
}

Past answered(std::uint64_t number, std::size_t n) {
  return [=](Subject& subject) {
    const Challenge& challenge = *subject.folded().challenges.find(numbered(number));
    subject.happened(draft(fb::ChallengePassedT{.challenge_id = challenge.id,
                                                .purpose = challenge.purpose,
                                                .proof_id = subject.proof(n).id,
                                                .device_tag = challenge.device_tag},
                           {Rule::chl_5}));
  };
}

Past passed(fb::Purpose purpose, std::uint64_t number, std::size_t n, const std::string& device_id) {
  return [=](Subject& subject) {
    started(purpose, number, device_id)(subject);
    answered(number, n)(subject);
  };
}

Past recovery_code(std::uint64_t number) {
  return [number](Subject& subject) {
    const Id id = numbered(number);
    const std::string code = subject.vault().secret(OneTime::recovery_code, id);
    subject.happened(draft(
        fb::RecoveryCodeIssuedT{.code_id = id, .code_hash = subject.vault().hash(OneTime::recovery_code, id, code)},
        {Rule::prf_9}));
  };
}

Past blocked(const std::string& reason) {
  return [reason](Subject& subject) {
    subject.happened(draft(fb::AccountBlockedT{.block_id = subject.new_id(), .reason = reason}, {Rule::blk_1}));
  };
}

Past observed(fb::RecoveryField field, const std::string& value) {
  return [=](Subject& subject) {
    const std::uint32_t slot = is_mail(field) ? mailbox_key_slot : own_key_slot;
    if (!subject.folded().keys.has(slot)) {
      Draft event = draft(fb::EvidenceRecordedT{}, {Rule::rec_5});
      event.sealed_slot = slot;
      subject.happened(event);
    }
    subject.evidence[field].push_back(evidence_of(field, normalise(field, value), subject.vault(slot)));
  };
}

Past marked_lost(std::uint64_t number, bool expedited) {
  return [=](Subject& subject) {
    const Id id = numbered(number);
    const Vault& vault = subject.vault();
    fb::ProofsMarkedLostT lost{.replacement_id = id};
    for (const Proof& proof : subject.folded().proofs.all) {
      if (proof.status == ProofStatus::verified) lost.proof_ids.push_back(proof.id);
    }
    subject.happened(draft(std::move(lost), {Rule::lost_1}));
    subject.happened(draft(
        fb::ReplacementOpenedT{
            .replacement_id = id,
            .expedited = expedited,
            .token_hash = vault.hash(OneTime::opener_token, id, vault.secret(OneTime::opener_token, id)),
            .link_hash = vault.hash(OneTime::notice_link, id, vault.secret(OneTime::notice_link, id))},
        {Rule::lost_2}));
  };
}

Past proposed(std::uint64_t number, const std::string& address) {
  return [=](Subject& subject) {
    const auto details = examine(new_mailbox(address), subject.folded(), subject.context());
    REQUIRE(details);
    const Id proof = subject.new_id();
    Draft event = draft(fb::ReplacementProofProposedT{.replacement_id = numbered(number),
                                                      .proof_id = proof,
                                                      .kind = fb::ProofKind::email,
                                                      .address_tag = details->address_tag,
                                                      .confirmation_tag = details->confirmation_tag},
                        {Rule::lost_3});
    event.personal = details->personal;
    event.sealed_slot = details->sealed_slot;
    subject.happened(event);
    subject.happened(send_link_to(proof, subject.context()));
  };
}

Past confirmed(std::uint64_t number) {
  return [number](Subject& subject) {
    const auto& all = subject.folded().proofs.all;
    const auto proof = std::ranges::find(all, ProofStatus::proposed, &Proof::status);
    REQUIRE(proof != all.end());
    const Time effective_at = subject.now + subject.policy.replacement_days * day_us;
    subject.happened(draft(
        fb::ReplacementConfirmedT{
            .replacement_id = numbered(number), .proof_id = proof->id, .effective_at = effective_at},
        {Rule::lost_3}));
  };
}

Subject owner() {
  return given({registered(), mailbox("msabc123@outlook.com"), phone("090-9876-5432"), verified(0), verified(1),
                after(2 * hour_us)});
}

std::string event_names(const Decision& decision) {
  std::string names;
  for (const Draft& event : decision.events) {
    names += (names.empty() ? "" : " ") + std::string(fb::EnumNamePayload(event.payload.type));
  }
  return names;
}

std::string outcome(const Decision& decision) {
  std::string words = "accepted";
  if (decision.refusal) words = std::string(text_of(decision.refusal->rule).id) + " " + decision.refusal->code;
  const std::string names = event_names(decision);
  if (!names.empty()) words += ": " + names;
  return decision.counted ? words + " (counted)" : words;
}

RegisterAccount registration(const std::string& sign_in_name) {
  RegisterAccount command;
  command.sign_in_name = sign_in_name;
  command.password = {"Old-pass1", "Old-pass1"};
  command.profile.surname = "Yamada";
  command.profile.given_name = "Hanako";
  command.proofs = {new_mailbox("first@example.com"), new_mailbox("second@example.net")};
  return command;
}

NewProof new_mailbox(const std::string& address) { return {.kind = fb::ProofKind::email, .value = address}; }
NewProof new_phone(const std::string& number, const std::string& country, fb::ProofKind kind) {
  return {.kind = kind, .value = number, .country = country};
}
NewProof new_question(const std::string& text, const std::string& answer) {
  return {.kind = fb::ProofKind::secret_question, .question = text, .answer = answer};
}

SubmitRecovery recovery_form(const std::string& contact) {
  return {.contact_address = contact,
          .answers = {{.field = "surname", .values = {"Yamada"}},
                      {.field = "given_name", .values = {"Hanako"}},
                      {.field = "mail_folders", .not_registered = true}}};
}

}  // namespace daicho::test
