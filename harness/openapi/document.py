"""An OpenAPI file as a tree with lines, read within bounds; references stay inside of it."""

from __future__ import annotations

import re
from pathlib import Path as FilePath
from urllib.parse import unquote

from harness.errors import InvalidFile, Problem
from harness.scenario.located import (
    Items,
    Mapping,
    Node,
    Scalar,
    Unreadable,
    decode,
    read_tree,
)
from harness.scenario.reading import read_file
from harness.scenario.spelling import did_you_mean, nearest

LARGEST_FILE_BYTES = 4_000_000
LARGEST_TREE = 200_000
"""Values in a file."""
_LONGEST_NUMBER = 300
_MOST_REFERENCES = 30
"""From one to the next."""
_PAIR = re.compile(r"(?<!\\)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
"""How JSON spells a character beyond the first plane, which YAML doesn't."""
_VERSION = re.compile(r"3\.[0-9]+(\.[0-9]+)?")


class Misfit(Exception):
    """Something of a file that no stub can answer by; `line` says where."""

    def __init__(self, node: Node, message: str) -> None:
        super().__init__(message)
        self.line = node.line


class Document:
    """One file: its root, and what lies where a reference points to."""

    def __init__(self, root: Mapping) -> None:
        self.root = root

    @property
    def is_swagger(self) -> bool:
        """Whether it is of version 2.0, whose answers have their schema beside them."""
        return "swagger" in self.root.entries

    def followed(self, node: Node) -> Node:
        """A node, or what its `$ref` refers to in the end.

        Raises: Misfit for a reference that leads nowhere, to another file, or in a circle.
        """
        for _ in range(_MOST_REFERENCES):
            reference = child(node, "$ref")
            if reference is None:
                return node
            node = self._target(reference)
        raise Misfit(node, "references lead in a circle here")

    def mapping(self, node: Node, what: str) -> Mapping:
        """What a node or its reference is, if that is keys and values.

        Raises: Misfit.
        """
        found = self.followed(node)
        if not isinstance(found, Mapping):
            raise Misfit(found, f"{what}: expected keys and values (`key: value`)")
        return found

    def _target(self, reference: Node) -> Node:
        text = reference.text if isinstance(reference, Scalar) else ""
        if not text.startswith("#/"):
            raise Misfit(
                reference,
                f"the reference {text[:80]!r} leads out of this file; expected such as "
                "'#/components/schemas/Payment'",
            )
        node: Node = self.root
        for step in text[2:].split("/"):
            key = unquote(step).replace("~1", "/").replace("~0", "~")
            below = child(node, key)
            if below is None:
                known = tuple(node.entries) if isinstance(node, Mapping) else ()
                hint = did_you_mean(key, known)
                raise Misfit(reference, f"the reference {text[:80]!r} leads nowhere{hint}")
            node = below
        return node


def child(node: Node, key: str) -> Node | None:
    """What lies below a node's key (or, in a list, number); None where nothing does."""
    if isinstance(node, Mapping):
        entry = node.entries.get(key)
        return None if entry is None else entry.node
    if isinstance(node, Items) and key.isdecimal() and int(key[:9]) < len(node.nodes):
        return node.nodes[int(key[:9])]
    return None


def load_document(path: FilePath) -> Document:
    """The document of a file, YAML or JSON.

    Raises: UsageError when it can't be read, InvalidFile when it is none.
    """
    return parse_document(read_file(path), str(path))


def parse_document(data: bytes, file: str) -> Document:
    """The document of a text, as if it stood in `file`.

    Raises: InvalidFile when it is none.
    """
    try:
        text = _PAIR.sub(_one_character, decode(data, largest=LARGEST_FILE_BYTES))
        root, spots = read_tree(text, largest=LARGEST_TREE, digits=_LONGEST_NUMBER)
        if not isinstance(root, Mapping):
            spots.append((root.line, "expected an OpenAPI file: keys and values"))
        elif not spots and (problem := _not_one(root)) is not None:
            spots.append(problem)
        if spots or not isinstance(root, Mapping):
            raise Unreadable(spots)
    except Unreadable as error:
        raise InvalidFile(
            [Problem(file=file, line=line, message=text) for line, text in error.spots]
        ) from None
    return Document(root)


def _one_character(found: re.Match[str]) -> str:
    high, low = int(found[1], 16), int(found[2], 16)
    return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))


def _not_one(root: Mapping) -> tuple[int, str] | None:
    version = child(root, "openapi") or child(root, "swagger")
    if version is None:
        meant = nearest("openapi", root.entries)
        if meant is not None:
            return root.entries[meant].line, f"'{meant}' is not known; did you mean 'openapi'?"
        return root.line, "is no OpenAPI file: `openapi: 3.1.0` is missing"
    said = version.text if isinstance(version, Scalar) else ""
    if not (_VERSION.fullmatch(said) if "openapi" in root.entries else said == "2.0"):
        return version.line, f'expected `openapi: 3.x` or `swagger: "2.0"`, not {said[:20]!r}'
    paths = child(root, "paths")
    if not isinstance(paths, Mapping) or not paths.entries:
        return root.line, "has no `paths`, so it says of no request what it is answered"
    return None
