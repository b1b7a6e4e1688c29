"""What the queries must show of an account at an instant."""
from .commands import Rules
from .keys import keys_of


def account(view):
    if view.end:
        state = "closed" if view.end.kind == "AccountClosed" else "expired"
    else:
        state = "blocked" if view.block else "pending" if view.window else "active"
    if state == "closed":
        return {"state": state, "end": {"state": state, "since": view.end.at, "key_erased": True,
                                        "erased_since": view.end.at}}
    own, off = view.log[0].name_confirmed, view.all("MailboxDeactivated")
    passed = [one["passed_at"] for one in view.challenges
              if one["purpose"] == "sensitive_page" and one["passed_at"] is not None]
    fresh = [at + view.policy["step_up_ttl_seconds"] * 1_000_000 for at in passed]
    shown = {"state": state, "notices": view.notices(), "plan": view.log[0].plan, "password_grade": view.grade,
             "registered_at": view.log[0].at, "two_step": view.two_step,
             "password_changed_at": view.newest("AccountRegistered", "PasswordReset", "PasswordChanged").at,
             "last_sign_in_at": view.last_sign_in and view.last_sign_in.at,
             "failed_sign_ins": sum(1 for each in view.since_newest("SignInSucceeded") if each.kind == "SignInFailed"),
             "recovery_code": view.recovery_code is not None,
             "mailbox": "foreign" if not own else "deactivated" if off else "active",
             "step_up_until": max((at for at in fresh if at > view.now), default=None)}
    if view.window:
        shown["effective_at"] = view.window["effective_at"]
    return shown


def proofs(view):
    """Those in the account, and of those that are gone what the product still lists."""
    hidden = {"proposed": "unverified", "confirmed": "unverified"}
    closed = view.account.is_closed  # by now, whatever the instant
    erased = {proof for key in keys_of(view.account.happened) if key.erased is not None for proof in key.proofs}
    return [{"proof_id": proof.id, "kind": proof.kind, "erased": closed or proof.id in erased,
             "status": hidden.get(proof.status, proof.status),
             "in_force": proof.in_force, "since": proof.since} for proof in view.proofs]


def block(view):
    shown = {"blocked": view.block is not None}
    if view.block:
        shown |= {"reason": view.block.reason, "since": view.block.at}
    lifted = view.newest("AccountUnblocked")
    if lifted:
        before = [each for each in view.log[:view.log.index(lifted)] if each.kind == "AccountBlocked"][-1]
        shown["last"] = {"reason": before.reason, "since": before.at, "lifted": lifted.by, "lifted_at": lifted.at}
    return shown


def windows(view):
    def row(window, state, closed_at):
        return {"replacement_id": window["id"], "opened_at": window["opened_at"], "state": state,
                "closed_at": closed_at, "confirmed_at": window["confirmed_at"],
                "effective_at": window["effective_at"], "with_recovery_code": window["expedited"]}

    last, window = view.last_window, view.window
    rows = [row(last, last["state"], last["closed_at"])] if last else []
    return {"windows": rows + ([row(window, "open", None)] if window else [])}


def limits(view):
    policy = view.policy
    used, left, at = view.allowance([each.at for each in view.all("RecoverySubmitted")], policy["recovery_per_day"])
    sends, most = view.within_hour(view.account_sends(False)), 2 * policy["max_codes_per_hour"]

    def remaining(marks, limit="max_code_guesses"):
        return max(0, policy[limit] - view.within_hour(marks))

    asked = [proof for proof in view.proofs
             if proof.status != "removed" and (proof.channels or proof.kind == "secret_question")]
    return {
        "day": {"kind": policy["day_kind"], "zone": policy["day_zone"]},
        "recovery": {"per_day": policy["recovery_per_day"], "used": used, "left": left, "next_allowed_at": at},
        "sends_this_hour": {"max": most, "used": sends, "left": max(0, most - sends)},
        "recovery_code_guesses_left": remaining(view.wrong_recovery_codes()),
        "password_guesses_left": remaining(view.wrong_passwords()),
        "refusals_counted": sum(each.count for each in view.all("RefusalsCounted")),
        "proofs": [{"proof_id": proof.id, "guesses_left": remaining(view.wrong_guesses(proof)),
                    "sends_left": remaining(view.sends(proof), "max_codes_per_hour"),
                    "confirmations_left": view.allowance(view.wrong_confirmations(proof, False),
                                                         policy["max_contact_confirmations"])[1]} for proof in asked]}


def recoveries(view):
    """All forms; of those that nobody waits for any more the product lists only the newest."""
    rows = []
    for one in view.recoveries:
        form, decided = one["form"], one["decided"]
        rows.append({"recovery_id": form.recovery, "submitted_at": form.at, "reply_due_at": form.due,
                     "overdue": one["outcome"] == "pending" and form.due <= view.now, "outcome": one["outcome"],
                     "survey_sent": one["survey_sent"], "points": Rules(None, view).points(form),
                     "reset_link": one["link"] and one["link"].expires_at,
                     "fields": {field: list(match) for field, match in form.fields.items()}})
        if decided or one["outcome"] == "pending":
            rows[-1]["decided_at"] = decided and decided.at
    return rows


def recovery_options(view):
    offered = [proof for proof in view.proofs if view.is_offered(proof, "reset_password") and not view.end]
    policy = view.policy
    _, left, at = view.allowance([each.at for each in view.all("RecoverySubmitted")], policy["recovery_per_day"])
    is_open = "recovery_form" in policy["routes"] and not view.two_step and left > 0 and not view.end
    kinds = [proof.kind for proof in offered]
    ways = {"secret_question": "secret_question" in kinds, "recovery_form": is_open,
            "security_code": any(kind != "secret_question" for kind in kinds),
            "recovery_code": view.recovery_code is not None}
    step = next((route for route in policy["routes"] if ways[route]),
                "wait_for_window" if view.window else "mark_lost")
    window = view.window and {"opened_at": view.window["opened_at"], "effective_at": view.window["effective_at"]}
    return {"proofs": [{"proof_id": proof.id, "marked_lost": proof.status == "marked_lost"} for proof in offered],
            "recovery_code": ways["recovery_code"], "window": window, "blocked": view.block is not None,
            "form": {"open": is_open, "two_step": view.two_step, "attempts_left_today": left, "next_allowed_at": at},
            "purpose": "unblock" if view.block else "reset_password", "next_step": "none" if view.end else step}
