"""The contract of a target that names none: where it stands, and whom it names.

Every scenario's upstreams and users are held against these names, and the model of all else that a
contract may say is a third of a short command: so they are read from the file alone.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from harness.scenario.located import Mapping, node_at, read_tree

BUNDLED = "document"
"""Its name."""
BUNDLED_FILE = Path(__file__).parent / f"{BUNDLED}.yaml"


def bundled_upstreams() -> tuple[str, ...]:
    """The upstreams that it lists, in its order."""
    return _names()["upstreams"]


def bundled_users() -> tuple[str, ...]:
    """The users that it lists, in its order."""
    return _names()["users"]


@cache
def _names() -> dict[str, tuple[str, ...]]:
    root, _ = read_tree(BUNDLED_FILE.read_text(encoding="utf-8"))
    held = {key: node_at(root, (key,)) for key in ("upstreams", "users")}
    return {key: tuple(node.entries) for key, node in held.items() if isinstance(node, Mapping)}
