"""`matrix:` in a scenario file: one file for each combination of values, each a scenario by itself.

    matrix: {upstream: [mail, stock], fault: [refused, {fault: status, status: 503}]}
    faults: [{upstream: $upstream, fault: $fault, to: 30s}]

`$upstream` stands for the combination's value, wherever a text has it. Where a key's whole value is
`$fault` and the combination has keys and values, these take the key's place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from collections.abc import Mapping as MappingOf
from copy import deepcopy
from itertools import product
from math import prod

import yaml

from harness.frozen import Frozen
from harness.scenario.located import (
    Entry,
    Items,
    Mapping,
    Node,
    Scalar,
    Spot,
    Unreadable,
    decode,
    plain,
    read_tree,
)
from harness.scenario.spelling import nearest

KEY = "matrix"
MOST = 500
_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_PLACE = re.compile(r"\$([a-z_][a-z0-9_]*)")
_UNFIT = re.compile(r"[^A-Za-z0-9_.]+")


class Combination(Frozen, kw_only=True):
    """One choice of a value for each name of a matrix."""

    label: str
    """What the name of its scenario ends with: `auth-refused`."""
    values: MappingOf[str, Node]

    def into(self, root: Mapping) -> None:
        """Make the tree of a file, which has a matrix, that of this combination."""
        root.entries.pop(KEY, None)
        _substitute(root, self.values)


def combinations(data: bytes) -> tuple[tuple[Combination, ...], list[Spot]]:
    """The combinations of a file, none where it has no matrix, and what is wrong with that."""
    if b"matrix" not in data:
        return (), []
    try:
        root, _ = read_tree(decode(data))
    except Unreadable:
        return (), []  # told when the file is read
    if not isinstance(root, Mapping) or KEY not in root.entries:
        return (), []
    entry = root.entries[KEY]
    spots = list(_misfits(entry, root))
    if spots:
        return (), spots
    assert isinstance(entry.node, Mapping)
    choices = {name: list(_values(one.node)) for name, one in entry.node.entries.items()}
    found = [
        Combination(
            label="-".join(map(_label, chosen)), values=dict(zip(choices, chosen, strict=True))
        )
        for chosen in product(*choices.values())
    ]
    labels = [one.label for one in found]
    if len(set(labels)) < len(labels):
        twice = next(label for label in labels if labels.count(label) > 1)
        return (), [(entry.line, f"{KEY}: two combinations are called {twice}")]
    return tuple(found), []


def written(root: Node) -> str:
    """The text of a combination's file, as it is kept with what was played."""
    values = json.loads(json.dumps(plain(root)))  # numbers and texts as YAML knows them
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=100)


def _misfits(entry: Entry, root: Mapping) -> Iterator[Spot]:
    node = entry.node
    if not isinstance(node, Mapping) or not node.entries:
        yield (
            entry.line,
            f"{KEY}: expected names with lists of values: {{upstream: [mail, search]}}",
        )
        return
    rest = Mapping(root.line, {key: one for key, one in root.entries.items() if key != KEY})
    places = list(_used(rest))
    used = {name for _, name in places}
    for line, name in places:
        meant = None if name in node.entries else nearest(name, node.entries)
        if meant is not None:
            yield line, f"`${name}` is not in the matrix; did you mean `${meant}`?"
    for name, one in node.entries.items():
        if not _NAME.fullmatch(name):
            yield one.line, f"{KEY}: expected a name of small letters, digits and _, not {name!r}"
        elif not isinstance(one.node, Items) or not one.node.nodes:
            yield one.line, f"{KEY}: {name}: expected a list of values"
        elif any(isinstance(value, Items) for value in one.node.nodes):
            yield one.line, f"{KEY}: {name}: expected texts, numbers, or keys and values"
        elif name not in used:
            yield one.line, f"{KEY}: `${name}` stands nowhere, so that all would be the same"
    sizes = [len(one.node.nodes) for one in node.entries.values() if isinstance(one.node, Items)]
    if prod(sizes) > MOST:
        yield entry.line, f"{KEY}: {prod(sizes)} combinations; expected at most {MOST}"


def _values(node: Node) -> Iterator[Node]:
    assert isinstance(node, Items)
    yield from node.nodes


def _label(node: Node) -> str:
    if isinstance(node, Mapping):
        return "-".join(_label(one.node) for one in node.entries.values())
    text = node.text if isinstance(node, Scalar) else ""
    return _UNFIT.sub("-", text).strip("-") or "x"


def _used(node: Node) -> Iterator[tuple[int, str]]:
    """The names that stand somewhere in a tree, each with its line."""
    if isinstance(node, Scalar):
        yield from ((node.line, name) for name in _PLACE.findall(node.text))
    for inner in _below(node):
        yield from _used(inner)


def _below(node: Node) -> list[Node]:
    if isinstance(node, Mapping):
        return [one.node for one in node.entries.values()]
    return list(node.nodes) if isinstance(node, Items) else []


def _substitute(node: Node, values: MappingOf[str, Node]) -> None:
    if isinstance(node, Mapping):
        entries: dict[str, Entry] = {}
        for key, entry in node.entries.items():
            value = _instead(entry.node, values)
            if isinstance(value, Mapping) and value is not entry.node:
                entries |= {k: Entry(entry.line, one.node) for k, one in value.entries.items()}
            else:
                entries[key] = Entry(entry.line, value)
        node.entries = entries
    elif isinstance(node, Items):
        node.nodes = [_instead(inner, values) for inner in node.nodes]
    for inner in _below(node):
        _substitute(inner, values)


def _instead(node: Node, values: MappingOf[str, Node]) -> Node:
    """What a value becomes: itself where no name stands in it."""
    if not isinstance(node, Scalar) or "$" not in node.text:
        return node
    whole = _PLACE.fullmatch(node.text)
    if whole and whole[1] in values:
        value = deepcopy(values[whole[1]])
        value.line = node.line
        return value

    def text_of(match: re.Match[str]) -> str:
        value = values.get(match[1])
        return (
            match[0]
            if value is None
            else _label(value)
            if isinstance(value, Mapping)
            else (value.text if isinstance(value, Scalar) else match[0])
        )

    text = _PLACE.sub(text_of, node.text)
    return Scalar(node.line, text, text, node.size, node.comment)
