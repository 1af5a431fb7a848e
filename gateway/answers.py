"""Small words for what routes say, and for reading what upstreams and clients said."""

from __future__ import annotations

import json
import re
from typing import Any

import requests
from flask import Response, jsonify
from flask import request as current

_SEGMENT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")


def said(value: Any, status: int = 200) -> Response:
    """A JSON answer."""
    response = jsonify(value)
    response.status_code = status
    return response


def refused(status: int, error: str) -> Response:
    """A JSON answer that says what is wrong."""
    return said({"error": error}, status)


def unavailable(what: str) -> Response:
    """503: what the gateway depends on for this is down."""
    return refused(503, f"{what} is temporarily unavailable")


def agreed(response: requests.Response) -> dict[str, Any]:
    """The JSON object in an upstream's 200; empty for any other answer."""
    if response.status_code != 200:
        return {}
    return _object(response.content)


def posted() -> dict[str, Any] | None:
    """The JSON object that the client sent, or None when it sent anything else."""
    body = current.get_data()
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def is_name(text: object) -> bool:
    """Whether it may stand as one segment of an upstream's path (no slash, no dot segment)."""
    return isinstance(text, str) and _SEGMENT.fullmatch(text) is not None
