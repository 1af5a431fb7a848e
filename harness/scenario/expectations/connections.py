"""`connections: 1..4`: how many connections to an upstream are open, at any instant."""

from __future__ import annotations

from pydantic import Field

from harness.scenario.expectations.connected import OfConnections
from harness.scenario.fields import CountField


class ExpectConnections(OfConnections):
    """At every instant so many connections are open: a pool neither grows nor drains."""

    connections: CountField = Field(
        description="connections open at any instant", examples=["1..4", "<= 10"]
    )
