"""A target in one world: its places filled with where it and its upstreams are."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import field

from harness.frozen import Frozen
from harness.target.model import Target
from harness.target.wiring import filled, values


class Wired(Frozen):
    """What a target is started with."""

    target: Target
    port: int
    """Its own, on which it is to listen."""
    upstreams: Mapping[str, int]
    """Each proxy's port."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Where those of its `tls_files` are."""
    folder: str = ""
    """Where its filled templates lie, if it has any."""

    @property
    def command(self) -> list[str]:
        """The command line that starts it."""
        assert self.target.start is not None
        known = self._places()
        return [filled(word, known) for word in self.target.start.command]

    @property
    def templates(self) -> dict[str, str]:
        """Its templates' texts, filled, by their names below a folder."""
        known = self._places()
        return {name: filled(text, known) for name, text in self.target.templates.items()}

    @property
    def environment(self) -> dict[str, str]:
        """What it is told by variables: its port, where its upstreams are, and its own `env`."""
        target, bare = self.target, self.target.tcp_upstreams
        wiring = {
            name: f"{{{upstream}.{'address' if upstream in bare else 'url'}}}"
            for name, upstream in target.upstreams.items()
        }
        own = {} if target.start is None else target.start.env
        known = self._places()
        told = {"PORT": "{port}", **wiring, **own}
        return {name: filled(text, known) for name, text in told.items()}

    def _places(self) -> dict[str, str]:
        target = self.target
        schemes = dict.fromkeys(target.tcp_upstreams, "tcp") | dict.fromkeys(target.tls, "https")
        return values(
            port=self.port,
            upstreams=self.upstreams,
            schemes=schemes,
            files=self.files,
            folder=self.folder,
            python=target.python,
        )
