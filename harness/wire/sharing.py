"""Whether upstreams share one breaker: the events of all of them, held against the rules of one.

An upstream that is refuted, or whose status contradicts its wire, may be turned away for another's
failures, and be called on for another's successes; its own events alone would then be explained by
rules that nobody has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from msgspec.structs import replace

from harness.frozen import Frozen
from harness.wire.attempts import Attempt, in_order
from harness.wire.breaker import read
from harness.wire.outcomes import Outcomes
from harness.wire.policy import Policy, declared
from harness.wire.readings import Readings
from harness.wire.states import Reading

_APART = 1_000_000
"""Between the ids of one upstream's attempts and another's."""


class Sharing(Frozen):
    """Upstreams behind one breaker."""

    wires: tuple[Readings, ...]
    policy: Policy
    """Its rules, which one of them declares."""

    def others(self, upstream: str) -> str:
        """The names of those that one of them shares it with: `mail and stock`."""
        names = [wire.upstream for wire in self.wires if wire.upstream != upstream]
        return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))

    def read_at(self, own: Readings) -> Reading:
        """What it makes of all their events; only one upstream's attempts keep their ids."""
        attempts: list[Attempt] = []
        calls: list[Sequence[Attempt]] = []
        for place, wire in enumerate(self.wires, start=1):
            first = 0 if wire.upstream == own.upstream else place * _APART
            attempts += [replace(one, id=first + one.id) for one in wire.attempts]
            calls += [[replace(one, id=first + one.id) for one in call] for call in wire.calls]
        return read(
            in_order(attempts),
            [one for wire in self.wires for one in wire.asked],
            Outcomes(self.policy, own.settings.timeout_s, calls, tries=own.tries),
            tie_s=lambda at_s: max(wire.sight.tie_s(at_s) for wire in self.wires),
            lost=sorted(chain.from_iterable(wire.lost for wire in self.wires)),
            earlier=sorted(chain.from_iterable(wire.earlier for wire in self.wires)),
        )

    def explains(self, own: Readings) -> bool:
        """Whether it explains all events, and what the target says of each of them."""
        reading = self.read_at(own)
        return reading.explains_all and all(
            any(wire.account.agrees(story, wire.sight.fine_s) for story in reading.stories)
            for wire in self.wires
        )


def sharing(own: Readings, wires: Sequence[Readings]) -> Sharing | None:
    """With which others an upstream seems to share its breaker: one, or all that are called."""
    return next((one for one in _possible(own, wires) if one.explains(own)), None)


def _possible(own: Readings, wires: Sequence[Readings]) -> Iterator[Sharing]:
    others = [wire for wire in wires if wire is not own and wire.attempts]
    groups: list[tuple[Readings, ...]] = [(own, other) for other in others]
    if len(others) > 1:
        groups.append((own, *others))
    for group in groups:
        for policy in dict.fromkeys(declared(wire.settings) for wire in group):
            yield Sharing(group, policy)
