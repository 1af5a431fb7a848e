"""Mistakes with balances and charges (G4, G7)."""

from __future__ import annotations

import dataclasses
import threading
import uuid

import gateway.money as money
import gateway.routes.chat as chat
from gateway.answers import unavailable
from gateway.resilience import ResilientServiceClient
from tests.defects.gateways.catalogue import defect
from tests.defects.gateways.patching import retry_not, use_client

_reply, _balance_of, _charge = chat.reply, money.balance_of, money.charge


@defect("credits-truncated", "credits truncated instead of rounded", claims="G7", scenarios="")
def credits_truncated():
    money.credits = chat.credits = lambda dollars: int(dollars * money.CREDITS_PER_DOLLAR)


@defect(
    "no-idempotency-key",
    "the charge is retried without an idempotency key: two charges",
    claims="G7",
    scenarios="charge_reply_lost",
)
def no_idempotency_key():
    class Client(ResilientServiceClient):
        def _result(self, request):
            if request.path == "/deduct":
                keyless = {**request.json, "job_id": str(uuid.uuid4())}
                request = dataclasses.replace(request, json=keyless)
            return super()._result(request)

    use_client(Client)


@defect(
    "unknown-balance-is-zero",
    "an unknown balance taken for zero: 402 during the outage",
    claims="G4",
    scenarios="balance_lookup_fails billing_refused_50s",
)
def unknown_balance_is_zero():
    chat.balance_of = lambda services, user_id: _balance_of(services, user_id) or 0


@defect(
    "billing-fails-closed",
    "billing fails closed: 503",
    claims="G4 T4",
    scenarios="balance_lookup_fails billing_refused_50s",
)
def billing_fails_closed():
    def reply(services, graph, user_id, project_id, message):
        if _balance_of(services, user_id) is None:
            return unavailable("Billing")
        return _reply(services, graph, user_id, project_id, message)

    chat.reply = reply


@defect(
    "charging-stays-off",
    "once a balance could not be looked up nobody is charged any more",
    claims="G4 G7",
    scenarios="billing_malformed_json billing_refused_50s billing_blackhole_50s",
)
def charging_stays_off():
    failed = threading.Event()

    def balance_of(services, user_id):
        balance = _balance_of(services, user_id)
        if balance is None:
            failed.set()
        return None if failed.is_set() else balance

    chat.balance_of = balance_of


@defect(
    "impatient-with-billing",
    "a balance that doesn't come in time isn't asked for again, and the chat is refused: 503",
    claims="G4 B7",
    scenarios="billing_paused",
)
def impatient_with_billing():
    retry_not(lambda request, failed: request.path.startswith("/balance"))
    billing_fails_closed()


@defect(
    "charges-afterwards",
    "the outage's chats charged afterwards",
    claims="G7",
    scenarios="billing_malformed_json billing_refused_50s billing_blackhole_50s",
)
def charges_afterwards():
    unpaid: list[tuple[str, str]] = []
    lock = threading.Lock()

    def balance_of(services, user_id):
        balance = _balance_of(services, user_id)
        with lock:
            if balance is None:
                unpaid.append((user_id, str(uuid.uuid4())))
                return None
            due, unpaid[:] = tuple(unpaid), []
        for debtor, job_id in due:
            _charge(services, debtor, job_id)
        return balance

    chat.balance_of = balance_of


@defect(
    "charges-without-balance",
    "a charge attempted although the balance lookup failed",
    claims="G4 G7",
    scenarios="balance_lookup_fails",
)
def charges_without_balance():
    def balance_of(services, user_id):
        balance = _balance_of(services, user_id)
        return 10_000 if balance is None else balance

    chat.balance_of = balance_of


@defect(
    "charges-unanswered",
    "a chat not answered 200 charged",
    claims="G7",
    scenarios="balance_used_up",
)
def charges_unanswered():
    def reply(services, graph, user_id, project_id, message):
        if _balance_of(services, user_id) == 0:
            _charge(services, user_id, str(uuid.uuid4()))
        return _reply(services, graph, user_id, project_id, message)

    chat.reply = reply
