"""One experiment: requests of one route at chosen instants, and what the upstream does to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct, field

from harness.frozen import Frozen
from harness.scenario.model import Scenario
from harness.units import format_duration

_ADDRESSES = 200
"""Client addresses in turn, so that no limit for each of them is met."""

KINDS: dict[str, dict[str, Any]] = {
    "refused": {"fault": "refused"},
    "timeout": {"fault": "blackhole"},
    "cut": {"fault": "empty"},
    "500": {"fault": "status", "status": 500},
    "503": {"fault": "status", "status": 503},
    "400": {"fault": "status", "status": 400},
    "404": {"fault": "status", "status": 404},
    "429": {"fault": "status", "status": 429},
    "malformed": {"fault": "malformed"},
}
"""What a call can meet that may or may not count as a failure, by its name in a report."""


class Spell(Frozen, kw_only=True):
    """Something wrong with the upstream from one instant to another."""

    fault: dict[str, Any]
    """As in a scenario file, without upstream and times."""
    from_s: float
    to_s: float


class Experiment(Frozen, kw_only=True):
    """Requests of one route, and what their upstream does meanwhile."""

    stream: dict[str, Any]
    """The route as a stream of a scenario file, without rate and count."""
    upstream: str
    sends: tuple[float, ...]
    """When requests leave, in order, in seconds."""
    spells: tuple[Spell, ...]
    lasts_s: float
    then: tuple[dict[str, Any], float] | None = None
    """A request of another route, later than all of these, and when it leaves."""

    def scenario(self) -> Scenario:
        """As a scenario, which any engine plays."""
        raw = {
            "title": f"an experiment on {self.upstream}",
            "duration": format_duration(self.lasts_s),
            "traffic": {"probe": self._stream()} | self._then(),
            "faults": [self._fault(spell) for spell in self.spells],
        }
        name = {"name": "experiment", "file": "experiment"}
        return Scenario.model_validate(raw).model_copy(update=name)

    def _stream(self) -> dict[str, Any]:
        bursts = [f"1 at {_exact(at_s)}" for at_s in self.sends]
        return {"addresses": _ADDRESSES} | self.stream | {"count": bursts}

    def _then(self) -> dict[str, Any]:
        if self.then is None:
            return {}
        stream, at_s = self.then
        return {"then": stream | {"count": [f"1 at {_exact(at_s)}"]}}

    def _fault(self, spell: Spell) -> dict[str, Any]:
        to_s = min(spell.to_s, self.lasts_s)
        times = {"from": _exact(spell.from_s), "to": _exact(to_s)}
        return {"upstream": self.upstream} | spell.fault | times


def _exact(seconds: float) -> str:
    return f"{seconds:.6f}s"


class Course(Struct, kw_only=True):
    """Writes an experiment down call by call, each after the one before is over.

    `lasts_s` says how long a call takes that meets a kind (None: nothing), at the most.
    """

    stream: dict[str, Any]
    upstream: str
    lasts_s: dict[str | None, float]
    gap_s: float
    """Between the end of a call and the next one."""
    now_s: float = 1.0
    met: list[str | None] = field(default_factory=list)
    """What each request was meant to meet, in order."""
    _sends: list[float] = field(default_factory=list)
    _spells: list[tuple[str, float, float]] = field(default_factory=list)
    _given: list[Spell] = field(default_factory=list)

    def call(self, *kinds: str | None) -> Course:
        """Calls one after another, each meeting its kind."""
        for kind in kinds:
            self._sends.append(self.now_s)
            self.met.append(kind)
            ends_s = self.now_s + self.lasts_s[kind]
            if kind is not None:
                self._hold(kind, self.now_s - self.gap_s / 2, ends_s + self.gap_s / 2)
            self.now_s = ends_s + self.gap_s
        return self

    def pause(self, seconds: float) -> Course:
        """Nothing for a while."""
        self.now_s += seconds
        return self

    def until(self, at_s: float) -> Course:
        """Nothing up to an instant, if that is still to come."""
        self.now_s = max(self.now_s, at_s)
        return self

    def begin_with(
        self, sends: Sequence[float], kind: str, spells: Sequence[Spell], over_s: float
    ) -> None:
        """Calls at given instants that may overlap, all of them over at an instant."""
        self._sends += sends
        self.met += [kind] * len(sends)
        self._given += spells
        self.now_s = over_s

    def look(self, at_s: float) -> Course:
        """A call that meets nothing, at an instant, however long those before it take."""
        self._sends.append(at_s)
        self.met.append(None)
        self.now_s = at_s + self.lasts_s[None] + self.gap_s
        return self

    def experiment(self) -> Experiment:
        """What has been written down so far."""
        return Experiment(
            stream=self.stream,
            upstream=self.upstream,
            sends=tuple(round(at_s, 6) for at_s in self._sends),
            spells=(
                *self._given,
                *(
                    Spell(fault=KINDS[kind], from_s=from_s, to_s=to_s)
                    for kind, from_s, to_s in self._spells
                ),
            ),
            lasts_s=self.now_s + 1.0,
        )

    def _hold(self, kind: str, from_s: float, to_s: float) -> None:
        last = self._spells[-1] if self._spells else None
        if last is not None and last[0] == kind and self.met[-2] == kind:
            self._spells[-1] = (kind, last[1], to_s)
        else:
            self._spells.append((kind, from_s, to_s))


def staggered(
    stream: dict[str, Any],
    upstream: str,
    sends: Sequence[float],
    spells: Sequence[Spell],
    settle_s: float,
) -> Experiment:
    """Requests that may overlap, at given instants; it ends `settle_s` after the last one."""
    return Experiment(
        stream=stream,
        upstream=upstream,
        sends=tuple(round(at_s, 6) for at_s in sorted(sends)),
        spells=tuple(spells),
        lasts_s=max(sends) + settle_s,
    )
