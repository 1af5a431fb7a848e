"""YAML read into plain values that remember their lines, with every trap of YAML named.

Scalars follow YAML 1.2's core: only `true` and `false` are booleans, so that the key `on:` stays a
word (in YAML 1.1 it is True, as is `yes`; there `no` is False, and 1:30 is 90). Only values come
out: no tags, no objects, no code.
"""

from __future__ import annotations

import re
from typing import Any, NoReturn

import yaml
from msgspec import Struct, field

from harness.scenario.spelling import did_you_mean
from harness.scenario.yaml_errors import syntax_spot

LARGEST_FILE_BYTES = 1_000_000
LARGEST_TREE = 50_000
"""Values in a file, aliases counted as often as they stand for something."""
LONGEST_NUMBER = 18
"""Digits of a number."""
DEEPEST = 40

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_A_QUANTITY = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_WORDS: dict[str, object] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x85\u2028\u2029\ud800-\udfff\ufffe\uffff]")
"""Not for YAML, or line ends to YAML alone, so that lines would not be numbered as in an editor."""
_TEXT_TAGS = ("!", "tag:yaml.org,2002:str")
_PLAIN_TAGS = (*_TEXT_TAGS, "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")


class WrittenFloat(float):
    """A number with a point as an author wrote it, without a unit; code passes plain floats."""


class Scalar(Struct):
    """A single value and the line (from 1) it stands on."""

    line: int
    value: object
    text: str
    size: int = 1
    comment: str = ""
    """What follows a text without quotes on its line, from the space before its `#`."""


class Entry(Struct):
    """A key's line and what it holds."""

    line: int
    node: Node


class Mapping(Struct):
    """Keys and values; the line is the first key's."""

    line: int
    entries: dict[str, Entry] = field(default_factory=dict)
    size: int = 1


class Items(Struct):
    """A list; the line is where it begins."""

    line: int
    nodes: list[Node] = field(default_factory=list)
    size: int = 1


Node = Scalar | Mapping | Items
Path = tuple[str | int, ...]
Spot = tuple[int, str]
"""A line, and what is wrong there."""


class Unreadable(Exception):
    """No tree can be made of a text; `spots` says where and why."""

    def __init__(self, spots: list[Spot]) -> None:
        super().__init__(spots)
        self.spots = spots


def decode(data: bytes, *, largest: int = LARGEST_FILE_BYTES) -> str:
    """The text of a file, of so many bytes at most.

    Raises: Unreadable when it is too large, not UTF-8, or holds control characters.
    """
    if len(data) > largest:
        raise Unreadable([(1, f"is larger than {largest // 1000} KB; split it")])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Unreadable([(line, "is not UTF-8 text; save the file as UTF-8")]) from None
    if found := _CONTROL.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise Unreadable([(line, f"holds the control character {found[0]!r}; remove it")])
    return text


def read_tree(
    text: str, *, largest: int = LARGEST_TREE, digits: int = LONGEST_NUMBER
) -> tuple[Node, list[Spot]]:
    """The tree of a YAML text, and what is wrong with it though a tree could be made.

    `largest`: values that it may hold, `digits` that a number may have.

    Raises: Unreadable for a syntax error, an empty text, several documents, or anchors that
        expand without bound.
    """
    reader = _Reader(text, largest, digits)
    try:
        return reader.document(), reader.spots
    except yaml.MarkedYAMLError as error:
        spot = syntax_spot(error, text, reader.last_quoted)
        raise Unreadable([*reader.spots, spot]) from None
    except yaml.YAMLError as error:
        raise Unreadable([*reader.spots, (1, f"is not YAML: {error}")]) from None


class Blank:
    """What stands after `to:` when nothing does; no field takes it for a value."""


def plain(node: Node, *, blank: object = None) -> Any:
    """The values alone: dicts, lists, and scalars; `blank` for nothing, but in JSON."""
    if isinstance(node, Scalar):
        return blank if node.value is None else node.value
    if isinstance(node, Mapping):
        return {
            key: plain(entry.node, blank=None if key == "json" else blank)
            for key, entry in node.entries.items()
        }
    return [plain(item, blank=blank) for item in node.nodes]


def node_at(root: Node, path: Path) -> Node | None:
    """What lies at a path of keys and indices; None when it leads nowhere."""
    node: Node | None = root
    for step in path:
        if isinstance(node, Mapping) and step in node.entries:
            node = node.entries[str(step)].node
        elif isinstance(node, Items) and isinstance(step, int) and step < len(node.nodes):
            node = node.nodes[step]
        else:
            return None
    return node


def line_at(root: Node, path: Path) -> int:
    """The line of a path: of a single value where there is one, else of its key or list item.

    Where the path leads nowhere, the line of what would hold it.
    """
    line = root.line
    node = root
    for step in path:
        if isinstance(node, Mapping) and step in node.entries:
            entry = node.entries[str(step)]
            node = entry.node
            written = isinstance(node, Scalar) and node.text
            line = node.line if written else entry.line
        elif isinstance(node, Items) and isinstance(step, int) and step < len(node.nodes):
            node = node.nodes[step]
            line = node.line
        else:
            break
    return line


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


class _Reader:
    """Builds the tree from the parser's events."""

    def __init__(self, text: str, largest: int, digits: int) -> None:
        self.spots: list[Spot] = []
        self._largest = largest
        self._digits = digits
        self.last_quoted = (0, 0)
        self._events = yaml.parse(text, Loader=_LOADER)
        self._lines = text.split("\n")
        self._anchors: dict[str, Node | None] = {}
        self._depth = 0

    def document(self) -> Node:
        """The only document's tree."""
        next(self._events)  # the stream's start
        if isinstance(next(self._events), yaml.StreamEndEvent):
            raise Unreadable([(1, "is empty")])
        root = self._node(next(self._events))
        next(self._events)  # the document's end
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            self._give_up(after, "a second document begins here; write one to a file")
        return root

    def _give_up(self, event: Any, message: str) -> NoReturn:
        raise Unreadable([*self.spots, (_line(event), message)])

    def _node(self, event: Any) -> Node:
        if isinstance(event, yaml.AliasEvent):
            return self._aliased(event)
        if event.anchor:
            self._anchors[event.anchor] = None
        if event.tag is not None and event.tag not in _PLAIN_TAGS:
            name = event.tag.replace("tag:yaml.org,2002:", "!!")
            self._note(event, f"the tag {name} is not allowed; only plain values are")
        node: Node
        if isinstance(event, yaml.ScalarEvent):
            node = self._scalar(event)
        else:
            self._depth += 1
            if self._depth > DEEPEST:
                self._give_up(event, f"is nested deeper than {DEEPEST} levels")
            mapping = isinstance(event, yaml.MappingStartEvent)
            node = self._mapping(event) if mapping else self._items(event)
            self._depth -= 1
            if node.size > self._largest:
                self._give_up(event, f"holds more than {self._largest} values, aliases counted")
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _note(self, event: Any, message: str) -> None:
        self.spots.append((_line(event), message))

    def _aliased(self, event: Any) -> Node:
        if event.anchor not in self._anchors:
            known = tuple(self._anchors)
            hint = did_you_mean(event.anchor, known) or "; quote a text that begins with *"
            self._give_up(event, f"the anchor &{event.anchor} is not defined above{hint}")
        node = self._anchors[event.anchor]
        if node is None:
            self._give_up(event, f"*{event.anchor} stands inside of itself")
        return node

    def _mapping(self, start: Any) -> Mapping:
        node = Mapping(_line(start))
        for event in self._events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            if not isinstance(event, yaml.ScalarEvent):
                self._give_up(event, "expected a word as key; quote a text that begins with { or [")
            line = _line(event)
            key = event.value
            if not event.value and event.implicit[0]:
                self._note(event, "a key is missing before the colon")
            elif key in node.entries:
                first = node.entries[key].line
                self._note(event, f"'{key}' is given twice, first in line {first}")
            value = self._node(next(self._events))
            node.size += value.size
            node.entries.setdefault(key, Entry(line, value))
        return node

    def _items(self, start: Any) -> Items:
        node = Items(_line(start))
        for event in self._events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            item = self._node(event)
            node.size += item.size
            node.nodes.append(item)
        return node

    def _scalar(self, event: Any) -> Scalar:
        line = _line(event)
        if event.style in ("'", '"'):
            self.last_quoted = (line, event.end_mark.line + 1)
        plainly = event.implicit[0] and event.tag is None
        value = self._resolved(event) if plainly else event.value
        return Scalar(line, value, event.value, comment=self._comment(event))

    def _comment(self, event: Any) -> str:
        if event.style or event.end_mark.line >= len(self._lines):
            return ""
        rest = self._lines[event.end_mark.line][event.end_mark.column :].rstrip()
        return rest if rest.lstrip().startswith("#") else ""

    def _resolved(self, event: Any) -> object:
        text = event.value
        if text in _WORDS:
            return _WORDS[text]
        if text[0] not in "+-.0123456789":
            return text
        if _NOT_A_QUANTITY.fullmatch(text):
            self._note(event, f"expected a number, not {text}")
        elif _INT.fullmatch(text):
            if len(text) <= self._digits:
                return int(text, 0) if text[:2] in ("0x", "0o") else int(text)
            self._note(event, f"the number {text[:12]}... is too large")
        elif _FLOAT.fullmatch(text):
            if abs(float(text)) < 10.0**self._digits:
                return WrittenFloat(text)
            self._note(event, f"the number {text[:12]} is too large")
        else:
            return text
        return 1  # so that it is not called anything but a number
