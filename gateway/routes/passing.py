"""Routes that only pass on what an upstream says (G6)."""

from __future__ import annotations

from collections.abc import Callable

import requests
from flask import Response

from gateway.answers import agreed, refused, said, unavailable
from gateway.resilience import ServiceUnavailable


def passed_on(service: str, call: Callable[[], requests.Response]) -> Response:
    """The upstream's JSON object; its 404 as 404; 503 for anything else that isn't an answer."""
    try:
        answer = call()
    except ServiceUnavailable:
        return unavailable(service)
    if answer.status_code == 404:
        return refused(404, "not found")
    return said(given) if (given := agreed(answer)) else unavailable(service)
