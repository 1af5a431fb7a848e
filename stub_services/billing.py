"""The billing service: balances, charges, and a ledger that takes each job once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from stub_services.bounds import BadRequest
from stub_services.messages import Reply, refusal, text_field
from stub_services.routes import Handler, Visit
from stub_services.service import Service


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """One line of the ledger; `cost` in dollars."""

    at_s: float
    job_id: str
    user_id: str
    cost: Decimal
    description: str


class Billing(Service):
    """Charges by job: the same job again is a duplicate and costs nothing."""

    default_port = 6004

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__(name, **options)
        self._charges: dict[str, Charge] = {}
        self._spent: dict[str, Decimal] = {}
        self._duplicates = 0

    def routes(self) -> Mapping[str, Handler]:
        """Balance and charge."""
        return {"GET /balance/*": self._balance, "POST /deduct": self._deduct}

    def job(self, visit: Visit) -> str | None:
        """The job_id of a charge."""
        if visit.request.method != "POST":
            return None
        try:
            job_id = visit.request.json_object().get("job_id")
        except BadRequest:
            return None
        return job_id if isinstance(job_id, str) and job_id else None

    def ledger(self) -> dict[str, Any]:
        """Charges in their order, how many were refused as duplicates, what each user has left."""
        charges = [
            {"at": c.at_s, "job_id": c.job_id, "user_id": c.user_id, "cost": float(c.cost)}
            for c in self._charges.values()
        ]
        left = {person.user_id: float(self._left(person.user_id)) for person in self.people}
        return {"charges": charges, "duplicates": self._duplicates, "balances": left}

    def restore_ledger(self, value: Any, at_s: float) -> None:
        """Know charges again: a database outlives the process that writes to it.

        Raises: BadRequest.
        """
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise BadRequest("expected a list of charges: job_id, user_id, cost")
        for item in value:
            self._enter(
                Charge(
                    at_s=at_s,
                    job_id=text_field(item, "job_id"),
                    user_id=text_field(item, "user_id"),
                    cost=_cost(item),
                    description="",
                )
            )

    def _enter(self, charge: Charge) -> None:
        self._charges[charge.job_id] = charge
        spent = self._spent.get(charge.user_id, Decimal(0))
        self._spent[charge.user_id] = spent + charge.cost

    def _left(self, user_id: str) -> Decimal:
        person = self.people.get(user_id)
        start = Decimal(0) if person is None else person.balance
        return start - self._spent.get(user_id, Decimal(0))

    def _balance(self, visit: Visit) -> Reply:
        user_id = visit.wild[0]
        if self.people.get(user_id) is None:
            return refusal(404, "no such user")
        return Reply(json={"user_id": user_id, "balance": self._left(user_id)})

    def _deduct(self, visit: Visit) -> Reply:
        body = visit.request.json_object()
        user_id, job_id, cost = text_field(body, "user_id"), text_field(body, "job_id"), _cost(body)
        duplicate = job_id in self._charges
        if not duplicate:
            if self.people.get(user_id) is None:
                return refusal(404, "no such user")
            if self._left(user_id) < cost:
                return refusal(402, "the balance is too small")
            self._enter(
                Charge(
                    at_s=visit.at_s,
                    job_id=job_id,
                    user_id=user_id,
                    cost=cost,
                    description=str(body.get("description", "")),
                )
            )
        self._duplicates += duplicate
        self.recorder.charge(
            visit.at_s, job_id=job_id, user_id=user_id, cost=float(cost), duplicate=duplicate
        )
        return Reply(json={"status": "duplicate" if duplicate else "success"})


def _cost(body: Mapping[str, Any]) -> Decimal:
    cost = body.get("cost")
    if isinstance(cost, float):
        cost = Decimal(repr(cost))
    if isinstance(cost, bool) or not isinstance(cost, int | Decimal):
        raise BadRequest("'cost' is missing or not a number")
    amount = Decimal(cost)
    if not amount.is_finite() or amount < 0:
        raise BadRequest("'cost' is negative")
    return amount
