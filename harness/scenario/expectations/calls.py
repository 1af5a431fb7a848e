"""`upstream: mail`: what reached an upstream: calls."""

from __future__ import annotations

from harness.scenario.expectations.called import OfCalls
from harness.scenario.fields import CountField


class ExpectCalls(OfCalls):
    """How many calls an upstream got."""

    calls: CountField
