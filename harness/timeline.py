"""From a scenario to its ordered instants: a pure function, no clock, no chance.

At equal instants faults are lifted first, then applied, then requests sent (design decision 2);
ties beyond that are broken by sequence, so equal times run in file order.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.frozen import Frozen
from harness.scenario.model import Scenario
from harness.scenario.traffic import Stream


class Lift(Frozen, kw_only=True):
    """End fault number `fault` (from 0 in the file)."""

    at_s: float
    fault: int


class Apply(Frozen, kw_only=True):
    """Begin fault number `fault` (from 0 in the file)."""

    at_s: float
    fault: int


class Send(Frozen, kw_only=True):
    """Send request number `number` (from 1) of a stream, as `user`, from client address `address`.

    `address` counts from 0; the engine turns it into 127.0.0.2 and so on.
    """

    at_s: float
    stream: str
    number: int
    user: str | None
    address: int
    tried: int = 1
    """Which try of its client it is, from 1; a timeline plans first ones only."""


Step = Lift | Apply | Send
_ORDER: dict[type[Step], int] = {Lift: 0, Apply: 1, Send: 2}


def compile_timeline(scenario: Scenario) -> tuple[Step, ...]:
    """All steps of a scenario, ordered by instant (seconds from 0s), kind and file order.

    Requests are planned from 0s up to, not including, the scenario's end.
    """
    steps: list[Step] = []
    for index, fault in enumerate(scenario.faults):
        if fault.from_ < scenario.duration:
            steps.append(Apply(at_s=fault.from_, fault=index))
            steps.append(Lift(at_s=scenario.fault_end_s(index), fault=index))
    for name, stream in scenario.traffic.items():
        steps.extend(_sends(name, stream, scenario.duration))
    return tuple(sorted(steps, key=lambda step: (step.at_s, _ORDER[type(step)])))


def _sends(name: str, stream: Stream, duration_s: float) -> Iterator[Send]:
    for index, at_s in enumerate(stream.instants(duration_s)):
        yield Send(
            at_s=at_s,
            stream=name,
            number=index + 1,
            user=stream.users[index % len(stream.users)],
            address=index % stream.addresses,
        )
