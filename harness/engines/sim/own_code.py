"""Which files are the target's own code: those below its folder, but no library's and none of ours.

The bundled gateways live beside this harness and its stubs, in one folder that is theirs too.
"""

from __future__ import annotations

_HARNESS = __file__.rpartition("/engines/")[0]


class OwnCode:
    """Tells the target's files from all others; `begin` names them once for a play."""

    def __init__(self) -> None:
        self.root = ""
        """The target's folder; empty before a play."""
        self._apart: tuple[str, ...] = ()
        self._known: dict[str, bool] = {}

    def begin(self, root: str, *, stubs: str) -> None:
        """The target is in the folder `root`; the stub services, in `stubs`, are not its own."""
        self.root = root
        self._apart = (f"{_HARNESS}/", f"{stubs}/")
        self._known.clear()

    def holds(self, file: str) -> bool:
        """Whether a file is the target's own."""
        known = self._known.get(file)
        if known is None:
            known = self._known[file] = self._judge(file)
        return known

    def _judge(self, file: str) -> bool:
        if not self.root or not file.startswith(f"{self.root}/") or file.startswith(self._apart):
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
