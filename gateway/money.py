"""Balances and charges: fail open, and never charge a chat twice (G4, G7)."""

from __future__ import annotations

import logging
import math
from urllib.parse import quote

from gateway.answers import agreed
from gateway.resilience import ServiceUnavailable
from gateway.services import Services

logger = logging.getLogger("gateway.money")

CREDITS_PER_DOLLAR = 10000
CHAT_COST = 0.01
"""What a chat costs, in dollars."""


def credits(dollars: float) -> int:
    """Dollars in credits; rounded, because truncating loses one of 0.57 dollars."""
    return round(dollars * CREDITS_PER_DOLLAR)


def balance_of(services: Services, user_id: str) -> int | None:
    """What a user has left, in credits; None when billing can't say, so the chat is free (G4)."""
    try:
        response = services.billing.get(f"/balance/{quote(user_id, safe='')}")
    except ServiceUnavailable:
        logger.warning("Billing service is down. Failing open.")
        return None
    dollars = agreed(response).get("balance")
    if isinstance(dollars, bool) or not isinstance(dollars, int | float):
        logger.warning("Billing server gave no balance (%d)", response.status_code)
        return None
    return credits(dollars) if math.isfinite(dollars) else None


def charge(services: Services, user_id: str, job_id: str) -> bool:
    """Charge a chat; returns whether billing said that it is charged.

    `job_id` is the chat's idempotency key, the same on every attempt. Billing may have made a
    charge whose answer was lost; nobody can say so here, and it is made once all the same.
    """
    wanted = {
        "user_id": user_id,
        "job_id": job_id,
        "cost": CHAT_COST,
        "description": "chat",
    }
    try:
        response = services.billing.post("/deduct", json=wanted)
    except ServiceUnavailable as error:
        logger.warning("Chat was not charged for certain: %s", error)
        return False
    return agreed(response).get("status") in ("success", "duplicate")
