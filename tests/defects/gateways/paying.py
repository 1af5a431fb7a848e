"""More mistakes with balances, charges and what is said of them (G4, G7)."""

from __future__ import annotations

import dataclasses
import threading
import time
import uuid

from flask import request as current

import gateway.identity as identity
import gateway.money as money
import gateway.routes.chat as chat
from gateway.answers import refused, unavailable
from gateway.resilience import ResilientServiceClient
from tests.defects.gateways.catalogue import defect
from tests.defects.gateways.patching import use_client

_reply, _balance_of, _charge = chat.reply, money.balance_of, money.charge


@defect(
    "balance-cached",
    "a balance is remembered for a minute",
    claims="G7",
    scenarios="balance_used_up",
)
def balance_cached():
    known = {}

    def balance_of(services, user_id):
        if user_id in known and time.monotonic() - known[user_id][0] < 60:
            return known[user_id][1]
        balance = _balance_of(services, user_id)
        if balance is not None:
            known[user_id] = (time.monotonic(), balance)
        return balance

    chat.balance_of = balance_of


@defect(
    "used-up-for-good",
    "a balance that was used up once stays so: 402",
    claims="G7",
    scenarios="balance_used_up",
)
def used_up_for_good():
    used_up = set()

    def balance_of(services, user_id):
        balance = _balance_of(services, user_id)
        if balance == 0:
            used_up.add(user_id)
        return 0 if user_id in used_up else balance

    chat.balance_of = balance_of


@defect(
    "balance-cached-for-outages",
    "the last balance stands in for one that can't be looked up: charges go on",
    claims="G4 G7",
    scenarios="balance_lookup_fails",
)
def balance_cached_for_outages():
    known = {}

    def balance_of(services, user_id):
        balance = _balance_of(services, user_id)
        if balance is not None:
            known[user_id] = balance
        return known.get(user_id)

    chat.balance_of = balance_of


@defect(
    "balance-ignored",
    "a balance that is used up doesn't matter",
    claims="G7",
    scenarios="balance_used_up",
)
def balance_ignored():
    def balance_of(services, user_id):
        balance = _balance_of(services, user_id)
        return None if balance is None else max(balance, 10_000)

    chat.balance_of = balance_of


@defect(
    "balance-nonsense-is-zero",
    "a balance that makes no sense is none: 402",
    claims="G4 G7 B1",
    scenarios="billing_malformed_json",
)
def balance_nonsense_is_zero():
    chat.balance_of = lambda services, user_id: _balance_of(services, user_id) or 0


@defect(
    "charges-before-auth",
    "the balance is looked up, and the chat charged, before anybody has been identified",
    claims="G2 G7",
    scenarios="auth_broken_bodies auth_503_50s",
)
def charges_before_auth():
    needs_user = identity.needs_user

    def paying(services):
        decorate = needs_user(services)

        def also(view):
            guarded = decorate(view)

            def first(*args, **options):
                token = identity.token_shown() or ""
                user_id = token.removeprefix("token-")
                if user_id and _balance_of(services, user_id) is not None:
                    _charge(services, user_id, str(uuid.uuid4()))
                return guarded(*args, **options)

            return first

        return also

    chat.needs_user = paying
    chat.charge = lambda services, user_id, job_id: True


@defect(
    "charges-twice",
    "each chat is charged twice, with two keys",
    claims="G7",
    scenarios="charge_reply_lost nobody_gets_in",
)
def charges_twice():
    def charge(services, user_id, job_id):
        _charge(services, user_id, str(uuid.uuid4()))
        return _charge(services, user_id, job_id)

    chat.charge = charge


@defect(
    "new-key-per-attempt",
    "the second attempt to charge has a key of its own",
    claims="G7",
    scenarios="charge_reply_lost deduct_alone_fails",
)
def new_key_per_attempt():
    class Client(ResilientServiceClient):
        def _attempt(self, request, attempt, permit):
            if request.path == "/deduct" and attempt > 1:
                again = {**request.json, "job_id": str(uuid.uuid4())}
                request = dataclasses.replace(request, json=again)
            return super()._attempt(request, attempt, permit)

    use_client(Client)


@defect(
    "one-key-for-a-user",
    "the key is the user's: only the first chat is ever charged",
    claims="G7",
    scenarios="balance_used_up nobody_gets_in",
)
def one_key_for_a_user():
    chat.charge = lambda services, user_id, job_id: _charge(services, user_id, user_id)


@defect(
    "key-of-the-message",
    "the key is made of the message: the same words are charged once only",
    claims="G7",
    scenarios="balance_used_up nobody_gets_in",
)
def key_of_the_message():
    def charge(services, user_id, job_id):
        words = (current.get_json() or {}).get("message", "")
        return _charge(services, user_id, f"{user_id}:{words}")

    chat.charge = charge


@defect(
    "key-of-the-minute",
    "the key is the minute: several chats in one are charged once",
    claims="G7",
    scenarios="balance_used_up nobody_gets_in",
)
def key_of_the_minute():
    chat.charge = lambda services, user_id, job_id: _charge(
        services, user_id, f"{user_id}:{int(time.time()) // 60}"
    )


@defect(
    "says-charged-always",
    "each chat says that it was charged",
    claims="G4 G7",
    scenarios="deduct_alone_fails",
)
def says_charged_always():
    def charge(services, user_id, job_id):
        _charge(services, user_id, job_id)
        return True

    chat.charge = charge


@defect(
    "says-charged-never",
    "no chat says that it was charged",
    claims="G4 G7",
    scenarios="balance_used_up nobody_gets_in deduct_alone_fails",
)
def says_charged_never():
    def charge(services, user_id, job_id):
        _charge(services, user_id, job_id)
        return False

    chat.charge = charge


@defect(
    "deduct-failure-503",
    "a chat whose charge fails is answered 503",
    claims="G4 G7 G9",
    scenarios="balance_lookup_fails deduct_alone_fails",
)
def deduct_failure_503():
    def reply(*given):
        response = _reply(*given)
        failed = response.status_code == 200 and not response.get_json()["charged"]
        return unavailable("Billing") if failed else response

    chat.reply = reply


@defect(
    "deduct-failure-402",
    "a chat whose charge fails is answered 402",
    claims="G4 G7",
    scenarios="balance_lookup_fails deduct_alone_fails",
)
def deduct_failure_402():
    def reply(*given):
        response = _reply(*given)
        failed = response.status_code == 200 and not response.get_json()["charged"]
        return refused(402, "not paid") if failed else response

    chat.reply = reply


@defect(
    "failed-charges-queued",
    "a charge that failed is made with the next one that succeeds",
    claims="G7",
    scenarios="deduct_alone_fails",
)
def failed_charges_queued():
    unpaid: list[str] = []
    lock = threading.Lock()

    def charge(services, user_id, job_id):
        if not _charge(services, user_id, job_id):
            with lock:
                unpaid.append(job_id)
            return False
        with lock:
            due, unpaid[:] = tuple(unpaid), []
        for each in due:
            _charge(services, user_id, f"{each}-again")
        return True

    chat.charge = charge


@defect(
    "stops-charging",
    "after a failed charge nothing is charged any more",
    claims="G7",
    scenarios="deduct_alone_fails",
)
def stops_charging():
    failed = []

    def charge(services, user_id, job_id):
        if failed:
            return False
        done = _charge(services, user_id, job_id)
        if not done:
            failed.append(job_id)
        return done

    chat.charge = charge


@defect(
    "free-when-degraded",
    "a chat without its vectors is not charged",
    claims="G4",
    scenarios="chroma_refused_50s",
)
def free_when_degraded():
    context_of, mine = chat.context_of, threading.local()

    def noted(*given):
        found = context_of(*given)
        mine.degraded = found.degraded
        return found

    chat.context_of = noted
    chat.charge = lambda *given: not mine.degraded and _charge(*given)
