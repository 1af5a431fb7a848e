"""Promises of money: charged once, only what was answered, only whose balance is known (G4, G7).

Charges are matched with chats by user and time: a charge can only belong to a chat of that user
that was under way then and was answered 200.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.promises.facts import Facts
from harness.checks.promises.violation import Violation
from harness.checks.wording import stream_request
from harness.history.view import Request

_SLACK_S = 0.3
"""How far a charge may seem to lie outside of its chat's life."""


def _chats(facts: Facts, user: str) -> list[Request]:
    """A user's chats."""
    return [
        request
        for request in facts.requests
        if request.sent.user == user and facts.offered(request).kind == "chat"
    ]


def _users(facts: Facts) -> list[str]:
    return sorted({r.sent.user for r in facts.requests if r.sent.user is not None})


def _in_life(facts: Facts, at_s: float, chat: Request) -> bool:
    slack_s = facts.margin_s(at_s, _SLACK_S)
    return chat.sent.at_s - slack_s <= at_s <= chat.end_s + slack_s


def charged_twice(facts: Facts) -> Iterator[Violation]:
    """Each charge belongs to one chat that was answered 200 (G7)."""
    for user in _users(facts):
        chats = _chats(facts, user)
        owners = sorted(
            (c for c in chats if c.answered is None or c.status == 200),
            key=lambda chat: chat.end_s,
        )
        for charge in (c for c in facts.history.charges if c.user_id == user):
            owner = next(
                (chat for chat in owners if _in_life(facts, charge.at_s, chat)),
                None,
            )
            if owner is not None:
                owners.remove(owner)
                continue
            yield Violation(
                promise="charged at most once",
                about="billing",
                claims=("G7",),
                at_s=charge.at_s,
                says=f"{user} was charged at {charge.at_s:.2f} s, for no chat of their own that "
                "was answered 200 and not charged yet",
                request=_nearest(facts, user, charge.at_s),
            )
            return


def _nearest(facts: Facts, user: str, at_s: float) -> int | None:
    before = [c for c in _chats(facts, user) if c.sent.at_s <= at_s]
    return before[-1].sent.id if before else None


def charged_unknown(facts: Facts) -> Iterator[Violation]:
    """No charge is attempted for a chat whose balance lookup failed (G4)."""
    calls = [call for call in facts.history.calls_to("billing", "POST /deduct") if call.at_s >= 0]
    if not calls:
        return
    for call in calls:
        under_way = [
            chat
            for user in _users(facts)
            for chat in _chats(facts, user)
            if chat.sent.at_s <= call.at_s <= chat.end_s + 0.02
        ]
        if not under_way:
            continue  # `charged_twice` is about those
        known = [chat for chat in under_way if not _balance_unknown(facts, chat, call.at_s)]
        if known:
            continue
        yield Violation(
            promise="no charge without a balance",
            about="billing",
            claims=("G4", "G7"),
            at_s=call.at_s,
            says=f"a charge was attempted at {call.at_s:.2f} s although the balance lookup failed",
            request=under_way[0].sent.id,
        )
        return


def _balance_unknown(facts: Facts, chat: Request, until_s: float) -> bool:
    """Whether a chat's balance lookup surely failed."""
    lookups = [
        attempt
        for attempt in facts.within("billing", chat.sent.at_s, until_s)
        if attempt.path.startswith("/balance")
    ]
    if not lookups:
        return False  # it may be known by other means
    if not facts.succeeded(lookups, "GET /balance"):
        return True
    route = f"GET /balance/{chat.sent.user}"
    false = [
        fault
        for index in facts.faults_on("billing")
        if (fault := facts.scenario.faults[index]).spoils and fault.KIND.new == "otherwise"
    ]
    return bool(false) and facts.broken_throughout("billing", route, chat.sent.at_s, until_s)


def said_charged(facts: Facts) -> Iterator[Violation]:
    """A chat that says it was charged shows in the ledger (G7)."""
    for user in _users(facts):
        charges = [c for c in facts.history.charges if c.user_id == user]
        chats = [c for c in _chats(facts, user) if c.status == 200]
        for chat in sorted(chats, key=lambda c: c.end_s):
            if chat.field("charged") is not True:
                continue
            own = next((c for c in charges if _in_life(facts, c.at_s, chat)), None)
            if own is not None:
                charges.remove(own)
                continue
            yield Violation(
                promise="charges are as answered",
                about="billing",
                claims=("G7",),
                at_s=chat.sent.at_s,
                says=f"{stream_request(chat)} said that it was charged, and the ledger shows none",
                request=chat.sent.id,
            )
            return
