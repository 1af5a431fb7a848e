"""Routes given as data: what each answers, in turn, filled from the request, at once or late."""

from __future__ import annotations

from typing import Any

from stub_services.bounds import MOST_SECONDS, BadRequest, at_most
from stub_services.messages import Reply
from stub_services.places import Filling, fillable
from stub_services.routes import Pattern, Route, Visit, headers_of, status_of

MOST_ANSWERS = 100
"""Of one route, in turn."""
_KEYS = ("json", "body", "status", "headers", "delay_s")


def data_route(value: Any) -> Route:
    """A route given as data: `{"route", "json", "status": 200, "headers": {}, "delay_s": 0}`.

    `body`, a text, stands for `json`. Instead of all these `"answers": [...]` has several of them,
    one for each call in turn, the last for all further ones; with `"cycle": true` the first comes
    after the last.
    Raises: BadRequest.
    """
    if not isinstance(value, dict) or not isinstance(value.get("route"), str):
        raise BadRequest("a route is an object such as {'route': 'GET /search', 'json': {...}}")
    answers = value.get("answers", [{key: value[key] for key in _KEYS if key in value}])
    if not isinstance(answers, list) or not answers:
        raise BadRequest("'answers' is a list of objects such as {'status': 200, 'json': {...}}")
    at_most(MOST_ANSWERS, "answers of a route", answers)
    turns = _Turns([_answer(each) for each in answers], cycle=bool(value.get("cycle")))
    return Route(pattern=Pattern.parse(value["route"]), handler=turns.answer, below=True)


class _Turns:
    """Answers of one route, each with whether it is to be filled: the k-th call gets the k-th."""

    def __init__(self, answers: list[tuple[Reply, bool]], *, cycle: bool) -> None:
        self._answers = answers
        self._cycle = cycle
        self._calls = 0

    def answer(self, visit: Visit) -> Reply:
        """The next one, its places filled.

        Raises: BadRequest for a request that can't fill them.
        """
        last = len(self._answers) - 1
        turn = self._calls % (last + 1) if self._cycle else min(self._calls, last)
        self._calls += 1
        reply, is_template = self._answers[turn]
        return _filled(reply, Filling(visit.request, self._calls)) if is_template else reply


def _filled(template: Reply, filling: Filling) -> Reply:
    fields = {name: filling.text(text).strip() for name, text in template.headers}
    return Reply(
        status=template.status,
        json=filling.value(template.json),
        raw=None if template.raw is None else _bytes(filling.text(template.raw.decode())),
        headers=headers_of(fields),
        delay_s=template.delay_s,
    )


def _answer(value: Any) -> tuple[Reply, bool]:
    """One answer, and whether it has places still to be filled.

    Raises: BadRequest.
    """
    if not isinstance(value, dict):
        raise BadRequest("an answer is an object such as {'status': 200, 'json': {...}}")
    body = value.get("body")
    if body is not None and (not isinstance(body, str) or value.get("json") is not None):
        raise BadRequest("'body' is a text, and stands for 'json'")
    headers = headers_of(value.get("headers"))
    if body is not None and not any(name.lower() == "content-type" for name, _ in headers):
        headers += (("Content-Type", "text/plain; charset=utf-8"),)
    reply = Reply(
        status=status_of(value.get("status", 200)),
        json=value.get("json"),
        raw=None if body is None else _bytes(body),
        headers=headers,
        delay_s=_delay(value.get("delay_s", 0.0)),
    )
    return reply, fillable([reply.json, body, dict(headers)])


def _delay(value: Any) -> float:
    known = isinstance(value, int | float) and not isinstance(value, bool)
    if not known or not 0 <= value <= MOST_SECONDS:
        raise BadRequest(f"'delay_s' is no number from 0 to {MOST_SECONDS:g}")
    return float(value)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")
