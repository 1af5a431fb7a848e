"""`new_connections: "<= 2"`: how many connections to an upstream are opened."""

from __future__ import annotations

from pydantic import Field

from harness.scenario.expectations.connected import OfConnections
from harness.scenario.fields import CountField


class ExpectNewConnections(OfConnections):
    """So many connections are opened: a pool keeps them, instead of one for each call."""

    new_connections: CountField = Field(description="connections opened", examples=["<= 2", "1..4"])
