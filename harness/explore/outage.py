"""A drawn outage: streams, faults, length and seed, as plain data from which a scenario is made."""

from __future__ import annotations

import json
from typing import Any

from harness.frozen import Frozen
from harness.scenario.model import Scenario
from harness.timeline import Send, compile_timeline
from harness.units import format_duration

LONGEST_S = 86_400.0
"""Nothing longer is played: retries of which each waits twice as long soon take years."""


def step_up(seconds: float) -> float:
    """The next half second, so that drawn instants are easy to read."""
    return -(-seconds * 2 // 1) / 2


class Flow(Frozen, kw_only=True):
    """One stream: requests at a rate within a window, and bursts."""

    name: str
    route: str
    """Its name in the catalogue of `surface`."""
    raw: dict[str, Any]
    """The stream's request, json, user... as in a scenario file."""
    from_s: float = 0.0
    to_s: float | None = None
    """The end of the window in which the rate holds; None for the outage's end."""
    rate_per_s: float | None = None
    bursts: tuple[tuple[int, float], ...] = ()
    """How many requests, and when."""

    def as_raw(self, duration_s: float) -> dict[str, Any] | None:
        """As in a scenario file; None where nothing would be sent."""
        raw = dict(self.raw)
        to_s = duration_s if self.to_s is None else min(self.to_s, duration_s)
        if self.rate_per_s is not None and to_s > self.from_s:
            raw["rate"] = _rate(self.rate_per_s)
            if self.from_s > 0 or to_s < duration_s:
                raw["during"] = f"{format_duration(self.from_s)}..{format_duration(to_s)}"
        bursts = [f"{n} at {format_duration(at)}" for n, at in self.bursts if at < duration_s]
        if bursts:
            raw["count"] = bursts[0] if len(bursts) == 1 else bursts
        return raw if "rate" in raw or "count" in raw else None


def _rate(per_second: float) -> str:
    return f"{per_second:g}/s" if per_second >= 1 else f"1/{1 / per_second:g}s"


class Outage(Frozen, kw_only=True):
    """What is played, and with which seed."""

    flows: tuple[Flow, ...]
    faults: tuple[dict[str, Any], ...]
    """As in a scenario file, but `from` and `to` are seconds."""
    duration_s: float
    seed: int = 0

    def scenario(self, *, name: str = "explored") -> Scenario:
        """The scenario, validated.

        Raises: ValueError where no request would be sent.
        """
        raw = self.as_raw(title="an explored outage")
        return Scenario.model_validate(raw).model_copy(update={"name": name, "file": name})

    def as_raw(self, *, title: str) -> dict[str, Any]:
        """As in a scenario file, which the promises alone judge."""
        flows = {flow.name: flow.as_raw(self.duration_s) for flow in self.flows}
        return {
            "title": title,
            "duration": format_duration(self.duration_s),
            "traffic": {name: raw for name, raw in flows.items() if raw is not None},
            "faults": [
                _fault(fault, self.duration_s)
                for fault in self.faults
                if fault["from"] < self.duration_s
            ],
        }

    def sends(self) -> int:
        """How many requests leave."""
        timeline = compile_timeline(self.scenario())
        return sum(isinstance(step, Send) for step in timeline)

    def to_bytes(self) -> bytes:
        """For the database of examples."""
        record = {
            "flows": [[f.name, f.route, f.raw, f.from_s, f.to_s, f.rate_per_s, f.bursts]
                      for f in self.flows],
            "faults": self.faults,
            "duration_s": self.duration_s,
            "seed": self.seed,
        }  # fmt: skip
        return json.dumps(record, sort_keys=True).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Outage:
        """From the database of examples.

        Raises: ValueError for bytes that are no outage of this version's.
        """
        try:
            record = json.loads(data)
            flows = tuple(
                Flow(
                    name=name,
                    route=route,
                    raw=raw,
                    from_s=from_s,
                    to_s=to_s,
                    rate_per_s=rate,
                    bursts=tuple((int(n), float(at)) for n, at in bursts),
                )
                for name, route, raw, from_s, to_s, rate, bursts in record["flows"]
            )
            outage = cls(
                flows=flows,
                faults=tuple(record["faults"]),
                duration_s=record["duration_s"],
                seed=record["seed"],
            )
            outage.scenario()
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not an explored outage: {data[:60]!r}") from error
        return outage


def _fault(fault: dict[str, Any], duration_s: float) -> dict[str, Any]:
    to_s = min(fault["to"], duration_s)
    times = {"from": format_duration(fault["from"]), "to": format_duration(to_s)}
    rest = {key: value for key, value in fault.items() if key not in times}
    return rest | times
