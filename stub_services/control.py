"""The harness's own paths, `/_stub/...`: never recorded as calls, never hit by a behaviour.

They are for who may control a stub, which its driver says (`Admits`): a process that was given a
token obeys those who show it, and to all others these paths are calls like any.

GET    /_stub/clock             {"now": seconds}
GET    /_stub/records?from=0    all records from that one on, as JSON lines, for ever
PUT    /_stub/behaviours/<id>   begin a behaviour (`behaviours`), or begin it anew
DELETE /_stub/behaviours/<id>   end it;  without an id: end all
GET    /_stub/behaviours        {"behaviours": [ids]}
PUT    /_stub/users             the users by id (`people`); others are unknown from then on
PUT    /_stub/routes            routes as data (`answers.data_route`), added or replaced
GET    /_stub/ledger            billing's charges, duplicates and balances
PUT    /_stub/ledger            charges of a process that died: known again, not recorded again
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from stub_services.bounds import BadRequest, legal_json
from stub_services.messages import Reply, Request, refusal
from stub_services.service import Service

PREFIX = "_stub"
TOKEN = "OUTAGE_CONTROL_TOKEN"
"""Environment variable of a process that obeys only who shows its value as a bearer token."""
Admits = Callable[[Request], bool]
"""Whether who sends a request may control the stub."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """The connection becomes a stream of records, from this one on."""

    start: int


def anyone(request: Request) -> bool:
    """A stub that was started by hand obeys all who can reach it."""
    del request
    return True


def nobody(request: Request) -> bool:
    """The connections of a target in the simulation, whose stubs are told otherwise."""
    del request
    return False


def bearers_of(token: str) -> Admits:
    """Whoever shows a token; anyone where that is empty."""
    if not token:
        return anyone
    wanted = f"Bearer {token}".encode()

    def admits(request: Request) -> bool:
        shown = request.headers.get("authorization", "").encode("latin-1", "replace")
        return hmac.compare_digest(shown, wanted)

    return admits


def is_control(request: Request, admits: Admits) -> bool:
    """Whether it is the harness that asks."""
    return request.segments[:1] == (PREFIX,) and admits(request)


def control(service: Service, request: Request, at_s: float) -> Reply | Stream:
    """Do what the harness asks; an answer of 400 says what was wrong with it."""
    try:
        return _control(service, request, at_s)
    except BadRequest as error:
        return refusal(400, str(error))


def _control(service: Service, request: Request, at_s: float) -> Reply | Stream:
    done = Reply(json={"ok": True})
    match (request.method, *request.segments[1:]):
        case ("GET", "clock"):
            return Reply(json={"now": at_s})
        case ("GET", "records"):
            start = request.query.get("from", "0")
            if not start.isdecimal():
                raise BadRequest("'from' is the number of a record, from 0")
            return Stream(start=int(start))
        case ("GET", "behaviours"):
            return Reply(json={"behaviours": list(service.behaviours.ids)})
        case ("PUT", "behaviours", behaviour_id):
            service.put_behaviour(behaviour_id, _value(request), at_s)
            return done
        case ("DELETE", "behaviours", behaviour_id):
            service.remove_behaviour(behaviour_id)
            return done
        case ("DELETE", "behaviours"):
            for behaviour_id in service.behaviours.ids:
                service.remove_behaviour(behaviour_id)
            return done
        case ("PUT", "users"):
            service.people.replace(_value(request))
            return done
        case ("PUT", "routes"):
            service.give_routes(_value(request))
            return done
        case ("GET", "ledger") if (ledger := service.ledger()) is not None:
            return Reply(json=ledger)
        case ("PUT", "ledger") if service.ledger() is not None:
            service.restore_ledger(_value(request), at_s)
            return done
        case _:
            return refusal(404, f"no {request.method} {request.path} here")


def _value(request: Request) -> Any:
    return legal_json(request.body)
