"""Which files are the target's own code: its package's, and those below its folder.

No library's, and none of ours: the bundled gateways lie beside this harness and its stubs, in one
folder, and are played from whatever folder the user is in.
"""

from __future__ import annotations

_HARNESS = __file__.rpartition("/engines/")[0]


class OwnCode:
    """Tells the target's files from all others; `begin` names them once for a play."""

    def __init__(self) -> None:
        self.root = ""
        """The target's folder; empty before a play."""
        self._package = ""
        self._apart: tuple[str, ...] = ()
        self._known: dict[str, bool] = {}

    def begin(self, root: str, *, stubs: str) -> None:
        """The target is in the folder `root`; the stub services, in `stubs`, are not its own."""
        self.root = root
        self._package = ""
        self._apart = (f"{_HARNESS}/", f"{stubs}/")
        self._known.clear()

    def add_package(self, name: str) -> None:
        """The package of this name is the target, wherever Python finds it; it isn't imported."""
        from importlib.util import find_spec

        spec = find_spec(name)
        folders = list(spec.submodule_search_locations or ()) if spec is not None else []
        self._package = f"{folders[0]}/" if folders else ""
        self._known.clear()

    def holds(self, file: str) -> bool:
        """Whether a file is the target's own."""
        known = self._known.get(file)
        if known is None:
            known = self._known[file] = self._judge(file)
        return known

    def _judge(self, file: str) -> bool:
        if file.startswith(self._apart):
            return False
        if self._package and file.startswith(self._package):
            return True
        if not self.root or not file.startswith(f"{self.root}/"):
            return False
        rest = file[len(self.root) :]
        return "/site-packages/" not in rest and "/lib/python" not in rest

    def short(self, file: str) -> str:
        """A file's name for people: below the target's folder, or below its libraries'."""
        if self.root and file.startswith(f"{self.root}/"):
            return file[len(self.root) + 1 :]
        return file.rpartition("/site-packages/")[2]


OWN_CODE = OwnCode()
"""The one of this process."""
