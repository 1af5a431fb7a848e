"""Invariants of money: charged once, only what was answered, only whose balance is known (G4, G7).

Charges are matched with chats by user and time: a charge can only belong to a chat of that user
that was under way then and was answered 200.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.explore.evidence import Evidence
from harness.explore.phrasing import stream_request, window
from harness.explore.surface import ROUTES
from harness.explore.violation import Violation
from harness.history.view import Request

_SLACK_S = 0.3


def _chats(evidence: Evidence, user: str) -> list[Request]:
    """A user's chats."""
    return [
        request
        for request in evidence.requests
        if request.sent.user == user and ROUTES[evidence.route_name(request)].name[:4] == "chat"
    ]


def _users(evidence: Evidence) -> list[str]:
    return sorted({r.sent.user for r in evidence.requests if r.sent.user is not None})


def charged_twice(evidence: Evidence) -> Iterator[Violation]:
    """Each charge belongs to one chat that was answered 200 (G7)."""
    for user in _users(evidence):
        chats = _chats(evidence, user)
        right: list[float] = []
        owners = sorted(
            (c for c in chats if c.answered is None or c.status == 200),
            key=lambda chat: chat.end_s,
        )
        for charge in (c for c in evidence.history.charges if c.user_id == user):
            owner = next(
                (
                    chat
                    for chat in owners
                    if chat.sent.at_s - _SLACK_S <= charge.at_s <= chat.end_s + _SLACK_S
                ),
                None,
            )
            if owner is not None:
                owners.remove(owner)
                right.append(charge.at_s)
                continue
            when = window(charge.at_s - 0.2, charge.at_s + 0.2)
            since_s = max((c.sent.at_s for c in chats if c.sent.at_s <= charge.at_s), default=0.0)
            since_s = max(0.0, since_s - 0.05)
            most = sum(since_s <= at_s for at_s in right)
            yield Violation(
                invariant="charged at most once",
                about="billing",
                claims=("G7",),
                at_s=charge.at_s,
                says=f"{user} was charged at {charge.at_s:.2f} s, for no chat of their own that "
                "was answered 200 and not charged yet",
                request=_nearest(evidence, user, charge.at_s),
                expectations=(
                    # First what holds also where an answer says `charged: false` when in doubt.
                    {
                        "during": window(since_s, charge.at_s + 0.2),
                        "charges": f"<= {most}" if most else 0,
                        "claims": ["G7"],
                    },
                    {"during": when, "charges": 0, "claims": ["G7"]},
                    {"charges": "once per charged answer", "duplicates": 0, "claims": ["G7"]},
                ),
            )
            return


def _nearest(evidence: Evidence, user: str, at_s: float) -> int | None:
    before = [c for c in _chats(evidence, user) if c.sent.at_s <= at_s]
    return before[-1].sent.id if before else None


def charged_unknown(evidence: Evidence) -> Iterator[Violation]:
    """No charge is attempted for a chat whose balance lookup failed (G4)."""
    calls = [
        call for call in evidence.history.calls_to("billing", "POST /deduct") if call.at_s >= 0
    ]
    if not calls:
        return
    for call in calls:
        under_way = [
            chat
            for user in _users(evidence)
            for chat in _chats(evidence, user)
            if chat.sent.at_s <= call.at_s <= chat.end_s + 0.02
        ]
        if not under_way:
            continue  # `charged_twice` is about those
        known = [chat for chat in under_way if not _balance_unknown(evidence, chat, call.at_s)]
        if known:
            continue
        when = window(call.at_s - 0.2, call.at_s + 0.2)
        yield Violation(
            invariant="no charge without a balance",
            about="billing",
            claims=("G4", "G7"),
            at_s=call.at_s,
            says=f"a charge was attempted at {call.at_s:.2f} s although the balance lookup failed",
            request=under_way[0].sent.id,
            expectations=(
                {"upstream": "billing", "on": "POST /deduct", "calls": 0, "claims": ["G4"]},
                {
                    "during": when,
                    "upstream": "billing",
                    "on": "POST /deduct",
                    "calls": 0,
                    "claims": ["G4"],
                },
                {"during": when, "charges": 0, "claims": ["G4"]},
            ),
        )
        return


def _balance_unknown(evidence: Evidence, chat: Request, until_s: float) -> bool:
    """Whether a chat's balance lookup surely failed."""
    lookups = [
        attempt
        for attempt in evidence.within("billing", chat.sent.at_s, until_s)
        if attempt.path.startswith("/balance")
    ]
    if not lookups:
        return False  # it may be known by other means
    if not evidence.succeeded(lookups, "GET /balance"):
        return True
    route = f"GET /balance/{chat.sent.user}"
    false = [
        fault
        for index in evidence.faults_on("billing")
        if (fault := evidence.scenario.faults[index]).spoils and fault.where == "stub"
    ]
    return bool(false) and evidence.broken_throughout("billing", route, chat.sent.at_s, until_s)


def said_charged(evidence: Evidence) -> Iterator[Violation]:
    """A chat that says it was charged shows in the ledger (G7)."""
    for user in _users(evidence):
        charges = [c for c in evidence.history.charges if c.user_id == user]
        chats = [c for c in _chats(evidence, user) if c.status == 200]
        for chat in sorted(chats, key=lambda c: c.end_s):
            if chat.field("charged") is not True:
                continue
            own = next(
                (c for c in charges if chat.sent.at_s - 0.3 <= c.at_s <= chat.end_s + 0.3), None
            )
            if own is not None:
                charges.remove(own)
                continue
            yield Violation(
                invariant="charges are as answered",
                about="billing",
                claims=("G7",),
                at_s=chat.sent.at_s,
                says=f"{stream_request(chat)} said that it was charged, and the ledger shows none",
                request=chat.sent.id,
                expectations=(
                    {"charges": "once per charged answer", "claims": ["G7"]},
                    {
                        "never": {"json": {"charged": True}},
                        "traffic": chat.sent.stream,
                        "during": window(chat.planned_s - 0.05, chat.planned_s + 0.05),
                        "claims": ["G7"],
                    },
                ),
            )
            return
