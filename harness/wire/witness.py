"""All that one history's wire says, worked out once for each upstream and used by everybody."""

from __future__ import annotations

from functools import cached_property, partial

from harness.policy.scopes import EachRoute, EachWorker, Scope
from harness.wire.crossing import Crossings
from harness.wire.crowd import Crowd
from harness.wire.parts import Parted
from harness.wire.sharing import Sharing, sharing
from harness.wire.wire import Wire

_WIRES: dict[type[Scope], type[Wire]] = {EachRoute: Parted, EachWorker: Crowd}
"""How an upstream with several breakers is read, by whose calls each of them counts."""


class Witness(Crossings):
    """The wires of one history. Everything is worked out when first asked for."""

    @cached_property
    def _wires(self) -> dict[str, Wire]:
        return {}

    def at(self, upstream: str) -> Wire:
        """The wire of one upstream."""
        if upstream not in self._wires:
            scope = self.settings[upstream].scope
            kind = _WIRES[type(scope)] if scope.several else Wire
            self._wires[upstream] = kind(self, upstream, partial(self._shared, upstream))
        return self._wires[upstream]

    def _shared(self, upstream: str) -> Sharing | None:
        return self._sharings.get(upstream)

    @cached_property
    def _sharings(self) -> dict[str, Sharing]:
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
