"""One row for each kind of fault: every fact about it that the rest of the harness reads.

Physics (what a client of the upstream meets), evidence (what stays visible), and who plays and who
draws it stand together, so that no part keeps a list of kinds of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

from msgspec import field

from harness.frozen import Frozen

if TYPE_CHECKING:
    from harness.scenario.faults.base import FaultBase

Where = Literal["proxy", "stub", "process", "connect", "target"]
Running = Literal["nothing", "cut", "silent", "late", "slow", "broken"]
New = Literal["answers", "otherwise", "slow", "broken", "at once", "silent", "late"]
Lift = Literal["nothing", "cuts", "delivers"]
Hides = Literal["nothing", "stub", "everything"]
Takes = Literal["nothing", "call", "answer", "delivery"]
Draw = Literal["quick", "silent", "slow", "late", "odd"]
Verb = Literal["kill", "revive", "disable", "pause"]

BOTH: tuple[Literal["upstream", "downstream"], ...] = ("upstream", "downstream")
FOR_EVER_MS = 24 * 3600 * 1000
"""Longer than any scenario, in milliseconds."""


def ms(seconds: float) -> int:
    """Toxiproxy's wire takes whole milliseconds."""
    return round(seconds * 1000)


class ToxicUse(NamedTuple):
    """One toxic as a fault uses it: Toxiproxy's name, direction, attributes and toxicity."""

    type: str
    stream: Literal["upstream", "downstream"]
    attributes: Mapping[str, int]
    toxicity: float = 1.0


class Deadlines(Frozen):
    """A duration in multiples of the deadline T of whoever is hit: for faults that are drawn."""

    share: float


class Kind(Frozen, kw_only=True):
    """One kind of fault: its physics, its evidence, its players, and how it is drawn."""

    name: str
    model: type[FaultBase]
    where: Where
    """Which part of a world plays it for all calls."""
    proxy: Literal["toxics", "disabled", "cut off", "diverted"] = "toxics"
    """What it is on a proxy: `FaultBase.toxics`, a port that refuses, no way to the upstream, or
    the way to another listener of it (`FaultBase.diverted`)."""
    process: tuple[Verb, ...] = ()
    """What it does to the upstream's process; lifting takes back what was not taken back yet."""
    running: Running = "nothing"
    """What its beginning does to an attempt that is under way. `nothing`: it goes on. `cut`: it
    fails at once. `silent`: it hears nothing more. `late`: it hears nothing until the lift, then
    all. `slow`, `broken`: its answer is slowed, or ends early, as that of a new attempt."""
    new: New = "answers"
    """How an attempt ends that begins while it lasts. `answers`: as ever. `otherwise`: answered,
    but not what was agreed. `slow`: later, or bit by bit. `broken`: the answer can't be read to its
    end. `at once`: it fails at once. `silent`: it hears nothing. `late`: nothing until the lift."""
    lift: Lift = "nothing"
    """What lifting does to attempts that still wait: `cuts` their connections, `delivers` what was
    held back at once, or `nothing`. Played by a stub, silence is lifted by closing, too."""
    cuts: bool = False
    """Whether it may cut off an answer after its first bytes have passed the proxy."""
    closes: bool = False
    """Whether it may close by itself, while it lasts, what it keeps silent."""
    spoils: bool = False
    """Whether no attempt can succeed while it lasts; `FaultBase.spoils` knows its parameters."""
    opens: bool = True
    """Whether attempts that meet it can be failures to a breaker (B1); `FaultBase.fails` knows its
    parameters, and says whether they all are."""
    hides: Hides = "nothing"
    """Where an attempt leaves no trace while it lasts: at the stub, or at the proxy either."""
    takes: Takes = "nothing"
    """What it takes of a call, so that no other fault can have it. `call`: the service never gets
    it, or never answers. `answer`: another is given in place of the service's own. `delivery`: the
    answer's way back. `nothing`: it goes together with others."""
    engines: tuple[str, ...] = ("local", "compose", "sim")
    proxies: tuple[str, ...] = ("embedded", "toxiproxy")
    """Which proxies can play it, on engines that have a choice."""
    example: Mapping[str, str] = field(default_factory=dict)
    """Its own keys, where some must be said, as an author may write them: for `outage new`."""
    in_stub: bool = False
    """Whether a stub can play it for some calls only: a route, a count, a share."""
    draws: Mapping[Draw, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)
    """How exploration draws it: its own keys, by what attempts come to (`quick`: they fail at once;
    `silent`: at their deadline; `slow` and `late`: they succeed after a while; `odd`: answered, but
    not what was agreed). Empty: only as part of a story, or never."""

    @property
    def doc(self) -> str:
        """What a client of the upstream meets, in one sentence."""
        return (self.model.__doc__ or "").strip()

    @property
    def drawn(self) -> bool:
        """Whether a proxy may draw the connections that it hits (`toxicity`)."""
        return "toxicity" in self.model.model_fields

    @property
    def in_chain(self) -> bool:
        """Whether toxics of a proxy play it, which hand on to each other what they let through."""
        return self.where == "proxy" and self.proxy == "toxics"

    @property
    def holds_back(self) -> bool:
        """Whether the service may get a call long after it was sent, even once it is lifted."""
        return self.new in ("slow", "late") and self.takes != "delivery"

    @property
    def falsifies(self) -> bool:
        """Whether the service answers, and none of its answers is what was agreed."""
        return self.where == "stub" and self.spoils

    @property
    def silent(self) -> bool:
        """Whether an attempt leaves no trace at the stub while it lasts."""
        return self.hides != "nothing"

    @property
    def invisible(self) -> bool:
        """Whether an attempt leaves no trace at the proxy either."""
        return self.hides == "everything"


Model = TypeVar("Model", bound="FaultBase")


def kind(where: Where, **facts: Any) -> Callable[[type[Model]], type[Model]]:
    """Give a fault's class its row; facts are the fields of `Kind`."""

    def register(model: type[Model]) -> type[Model]:
        (name,) = model.model_fields["fault"].annotation.__args__  # type: ignore[union-attr]
        model.KIND = Kind(name=name, model=model, where=where, **facts)
        return model

    return register
