"""All that one history's wire says, worked out once for each upstream and used by everybody."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cached_property

from harness.history.view import History
from harness.policy.scopes import EachRoute, EachWorker, Scope
from harness.policy.settings import ServiceSettings
from harness.wire.crowd import Crowd
from harness.wire.demands import Demands
from harness.wire.eyes import attempts_of
from harness.wire.learned import WarmUp
from harness.wire.parts import Parted
from harness.wire.sharing import Sharing, sharing
from harness.wire.sight import Noise, Sight
from harness.wire.wire import Wire

_WIRES: dict[type[Scope], type[Wire]] = {EachRoute: Parted, EachWorker: Crowd}
"""How an upstream with several breakers is read, by whose calls each of them counts."""


class Witness:
    """The wire of one history. Everything is worked out when first asked for."""

    def __init__(
        self,
        history: History,
        settings: Mapping[str, ServiceSettings],
        noise: Noise | None = None,
        template: Callable[[str, str], str] = lambda upstream, route: route,
        in_stub: Collection[int] = (),
    ) -> None:
        """`settings`: what the target declares, of all its upstreams. `template`: how its contract
        names the route of a call at an upstream; empty where it doesn't. `in_stub`: numbers of
        faults that stubs play, as far as that is known beforehand.
        """
        self.history = history
        self.settings = settings
        self.noise = noise
        self.template = template
        self.in_stub = in_stub
        self._wires: dict[str, Wire] = {}

    @cached_property
    def sights(self) -> dict[str, Sight]:
        """What can be seen of each upstream."""
        return {name: Sight(self.history, name, self.noise, self.in_stub) for name in self.settings}

    @cached_property
    def warm_up(self) -> WarmUp:
        """What each stream's requests call."""
        return WarmUp(self.history)

    @cached_property
    def demands(self) -> Demands:
        """Who asked for what; attempts that a wait implies are among each request's own."""
        seen = {
            name: attempts_of(self.history, name, own, self.sights[name])
            for name, own in self.settings.items()
        }
        return Demands(self.history, seen, self.settings, self.sights, self.warm_up, self.template)

    def at(self, upstream: str) -> Wire:
        """The wire of one upstream."""
        if upstream not in self._wires:
            scope = self.settings[upstream].scope
            kind = _WIRES[type(scope)] if scope.several else Wire
            self._wires[upstream] = kind(self, upstream)
        return self._wires[upstream]

    @cached_property
    def sharings(self) -> dict[str, Sharing]:
        """The upstreams that seem to share one breaker, where any is refuted or its status
        contradicts its wire.
        """
        found: dict[str, Sharing] = {}
        wires = [self.at(name) for name, own in self.settings.items() if not own.scope.several]
        for wire in wires:
            odd = wire.refutation is not None or wire.changes_alone.conflicts
            one = sharing(wire, wires) if odd and wire.upstream not in found else None
            if one is not None:
                found |= {own.upstream: one for own in one.wires}
        return found

    def with_settings(self, changed: Mapping[str, ServiceSettings]) -> Witness:
        """The same history, read with other settings of some upstreams."""
        own = {**self.settings, **changed}
        return Witness(self.history, own, self.noise, self.template, self.in_stub)
