"""The names that a scenario may use beyond its own: upstreams, their routes, and users."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from harness.frozen import Frozen
from harness.scenario.located import Path
from harness.scenario.spelling import did_you_mean, not_known

Misfits = Iterator[tuple[Path, str]]
"""What is wrong with a file, by the path of the place: see `located.line_at`."""


class Names(Frozen, kw_only=True):
    """What is known while one file is checked."""

    upstreams: tuple[str, ...]
    users: tuple[str, ...]
    real: tuple[str, ...] = ()
    """Upstreams that are real services here: no stub plays them."""
    tcp: tuple[str, ...] = ()
    """Those that don't speak HTTP."""
    tls: tuple[str, ...] | None = None
    """Those whose stubs speak TLS; None where no target says it."""
    routes: Callable[[str], tuple[str, ...] | None] = lambda _: None
    """The routes of an upstream, `*` for any segment; None where nobody knows them."""
    dropped: frozenset[str] | None = None
    """Keys of the file that were read as if they were not there; None when it was read whole."""

    def upstream(self, path: Path, name: str) -> Misfits:
        """What is wrong with an upstream's name."""
        yield from self._one(path, "upstream", name, self.upstreams)

    def route(self, path: Path, upstream: str, on: str) -> Misfits:
        """What is wrong with a route of an upstream that calls are held against."""
        if upstream in self.tcp:
            yield path, f"{without_routes(upstream)}: leave `on` out"
            return
        known = self.routes(upstream)
        if known is not None and not any(_may_meet(on, route) for route in known):
            near = did_you_mean(on, known) or f"; known: {', '.join(known)}"
            yield (
                path,
                f"{upstream} has no {on}{near} (a target file may give it more: --target FILE)",
            )

    def user(self, path: Path, name: str) -> Misfits:
        """What is wrong with a user's name."""
        yield from self._one(path, "user", name, self.users)

    def stream(self, path: Path, name: str, streams: Collection[str]) -> Misfits:
        """What is wrong with the name of a stream of the file."""
        dropped = self.dropped or frozenset()
        if name not in streams and name not in dropped and "traffic" not in dropped:
            yield path, not_known("traffic", name, streams)

    def _one(self, path: Path, what: str, name: str, known: tuple[str, ...]) -> Misfits:
        if name not in known:
            hint = not_known(what, name, known)
            yield path, f"{hint} (a target file may name more: --target FILE)"


def without_routes(upstream: str) -> str:
    """That an upstream has no routes, and why."""
    return f"{upstream} doesn't speak HTTP (`protocol: tcp`), so its calls have no routes"


def _may_meet(on: str, route: str) -> bool:
    """Whether some call of a route is covered by another, `*` being any segment in both."""
    method, _, wanted = on.partition(" ")
    its_method, _, given = route.partition(" ")
    asked, there = wanted.strip("/").split("/"), given.strip("/").split("/")
    if method != its_method:
        return False
    pairs = zip(asked, there, strict=False)
    return wanted == "/" or all(a == b or "*" in (a, b) for a, b in pairs)
