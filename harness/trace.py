"""W3C trace context of the harness's own requests: which of them caused what.

Each request carries a `traceparent` of its own. Its ids follow from seed, scenario, stream and
number alone: a play with the same seed sends the same bytes, and a trace can be looked up by them.
"""

from __future__ import annotations

import hashlib
import re

HEADER = "traceparent"
_FORM = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")


def trace_id(seed: int, scenario: str, stream: str, number: int, client: str = "") -> str:
    """The trace of one request, 32 hexadecimal digits, never all zero.

    `client` tells apart the requests of a warm-up, which have no numbers of their own.
    """
    said = "\0".join((str(seed), scenario, stream, str(number), "" if number else client))
    digest = hashlib.blake2b(said.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return digest if digest.strip("0") else f"{1:032x}"


def span_id(trace: str) -> str:
    """The span of the request itself: the one that what it causes has for a parent."""
    found = hashlib.blake2b(trace.encode(), digest_size=8).hexdigest()
    return found if found.strip("0") else f"{1:016x}"


def traceparent(trace: str) -> str:
    """The header's value, sampled: `00-TRACE-SPAN-01`."""
    return f"00-{trace}-{span_id(trace)}-01"


def trace_in(value: object) -> str:
    """The trace that a header's value names; empty for what is none."""
    found = _FORM.fullmatch(value) if isinstance(value, str) else None
    return found[1] if found and found[1].strip("0") else ""
