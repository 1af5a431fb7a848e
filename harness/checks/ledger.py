"""Billing's ledger held against the chats: which charge can belong to which chat (G7).

A charge belongs to one chat of its user in whose lifetime it arrived, and each chat owns one at
most. What no chat can own is a *duplicate*. A chat that says `"charged": false` can own one only
where billing's answer may have been lost on its way: such a charge is *unacknowledged*.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.checks.proof import SLACK_S
from harness.checks.selection import Span
from harness.history.events import Charged
from harness.history.view import FaultWindow, History, Request

LATE_KINDS = frozenset({"latency", "bandwidth", "slicer", "stall", "pause", "delay"})
"""Kinds of fault that can hold a charge back until they are lifted, beyond its chat's end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Charges beside the answers that own up to them."""

    charges: int
    owned: int
    """Chats answered 200 and charged, whose whole life lies in the window."""
    open: int
    """Chats that may own a charge: on the window's edge, or in flight when the run ended."""
    duplicates: int
    """Charges that no chat can own."""
    missing: int
    """Chats said to be charged that the ledger doesn't show."""
    unacknowledged: int
    """Charges that only a chat can own which says that it wasn't charged."""
    said: bool
    """Whether the target says which chats it charged."""


@dataclass(frozen=True, slots=True)
class _Life:
    """When a charge of a chat can have arrived."""

    user: str | None
    start_s: float
    end_s: float


def account(
    history: History, charges: Sequence[Charged], chats: Sequence[Request], span: Span
) -> Account:
    """Hold charges against chats."""
    answered = [chat for chat in chats if chat.status == 200]
    said = any(isinstance(chat.field("charged"), bool) for chat in answered)
    owners = [chat for chat in answered if not said or chat.field("charged") is True]
    inside = [chat for chat in owners if _inside(chat, span)]
    edge = [c for c in owners if not _inside(c, span) and (c.sent.at_s in span or c.end_s in span)]
    open_ = edge + [chat for chat in chats if chat.answered is None]
    denying = [chat for chat in answered if said and chat.field("charged") is False]
    lost = [life for chat in denying if (life := _if_lost(chat, history)) is not None]
    sure = [_life(chat) for chat in inside]
    likely = sure + [_life(chat) for chat in open_]
    acknowledged = _matched(charges, likely)
    explained = _matched(charges, likely + lost)
    return Account(
        charges=len(charges),
        owned=len(inside),
        open=len(open_),
        duplicates=len(charges) - explained,
        missing=len(inside) - _matched(charges, sure) if said else 0,
        unacknowledged=explained - acknowledged,
        said=said,
    )


def _inside(chat: Request, span: Span) -> bool:
    return any(chat.sent.at_s in window and chat.end_s in window for window in span.windows)


def _life(chat: Request, end_s: float | None = None) -> _Life:
    until_s = chat.end_s if end_s is None else end_s
    return _Life(chat.sent.user, chat.sent.at_s - SLACK_S, until_s + SLACK_S)


def _if_lost(chat: Request, history: History) -> _Life | None:
    """The life of a chat that denies its charge, if a fault may have kept the answer from it."""
    met = [
        fault
        for fault in history.faults
        if "billing" in fault.upstreams
        and fault.start_s <= chat.end_s + SLACK_S
        and chat.sent.at_s - SLACK_S <= fault.end_s
    ]
    return _life(chat, max(_last(fault, chat) for fault in met)) if met else None


def _last(fault: FaultWindow, chat: Request) -> float:
    """When a charge that a fault met arrives at the latest."""
    held = fault.name in LATE_KINDS and not math.isinf(fault.end_s)
    return max(chat.end_s, fault.end_s) if held else chat.end_s


def _matched(charges: Sequence[Charged], lives: Sequence[_Life]) -> int:
    """How many charges can each have a life of its own: the one that ends first, at each charge."""
    users = {life.user for life in lives}
    free = sorted(lives, key=lambda life: life.end_s)
    count = 0
    for charge in sorted(charges, key=lambda charge: charge.at_s):
        for index, life in enumerate(free):
            known = charge.user_id in users
            if life.start_s <= charge.at_s <= life.end_s and (
                not known or life.user == charge.user_id
            ):
                del free[index]
                count += 1
                break
    return count
