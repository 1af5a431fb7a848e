"""From the text of a file to its model, with all of the file's problems at once.

A file with a mistake is read on as if the mistake were not there (a key is dropped, or renamed to
what was most likely meant), so that what comes after it is judged too. Nothing read that way is
ever handed out.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable
from collections.abc import Mapping as MappingOf
from functools import partial
from pathlib import Path as FilePath
from typing import Generic, TypeVar

from pydantic import ValidationError

from harness.errors import InvalidFile, Problem, UsageError
from harness.frozen import Frozen
from harness.scenario.comments import cut_off
from harness.scenario.fields import Part
from harness.scenario.known_keys import keys_at
from harness.scenario.located import (
    Blank,
    Entry,
    Items,
    Mapping,
    Path,
    Scalar,
    Spot,
    Unreadable,
    decode,
    line_at,
    node_at,
    plain,
    read_tree,
)
from harness.scenario.wording import Complaint, complaints

Model = TypeVar("Model", bound=Part)
Misfits = Iterable[tuple[Path, str]]
Check = Callable[[Model, frozenset[str] | None], Misfits]
"""Finds what pydantic can't, given the model and the keys that were dropped (None: read whole)."""


LineOf = Callable[[Path], int]


class Mistaken(Frozen, kw_only=True):
    """The other kind of file: the keys by which it is known, and what to say of it."""

    keys: frozenset[str]
    message: str


_ROUNDS = 8
"""Mistakes inside of mistakes that are looked through before the rest is left for later."""


def check_readable(path: FilePath) -> None:
    """See that a file which an author named can be read.

    Raises: UsageError when it is missing, a folder, or can't be read.
    """
    try:
        if path.is_dir():
            raise UsageError(f"{path}: is a folder, not a file")
        if not path.exists():
            raise UsageError(f"{path}: there is no such file")
        if not path.is_file():
            raise UsageError(f"{path}: is not a regular file")
        if not os.access(path, os.R_OK):
            raise UsageError(f"{path}: can't be read: {os.strerror(errno.EACCES)}")
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: can't be read: {_reason(error)}") from None


def _reason(error: OSError | ValueError) -> object:
    return error.strerror if isinstance(error, OSError) and error.strerror else error


def read_file(path: FilePath) -> bytes:
    """The bytes of a file that an author named.

    Raises: UsageError when it is missing, a folder, or can't be read.
    """
    check_readable(path)
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: can't be read: {_reason(error)}") from None


def read_model(
    data: bytes,
    file: str,
    model: type[Model],
    *,
    what: str,
    stand_ins: MappingOf[str, str],
    check: Check[Model],
    mistaken: Mistaken,
    prepare: Callable[[Mapping], object] = lambda root: None,
) -> tuple[Model, LineOf]:
    """The model of a file's bytes, and on which line of the file each part of it stands.

    `what` is what the file should be ("a scenario"); `stand_ins` are YAML values of top-level keys
    with which a file that lacks them can still be checked for everything else; `mistaken` is the
    other kind of file, which people name in this one's place; `prepare` may change the tree before
    it is read.

    Raises: InvalidFile with every problem found.
    """
    try:
        root, spots = read_tree(decode(data))
        spots += cut_off(root)
        if isinstance(root, Scalar) and root.text == "":
            raise Unreadable([*spots, (1, "is empty")])
        if not isinstance(root, Mapping):
            first = f"expected {what}: keys and values, such as `{next(iter(stand_ins))}: ...`"
            raise Unreadable([*spots, (root.line, first)])
        if mistaken.keys & root.entries.keys() and not stand_ins.keys() & root.entries.keys():
            raise Unreadable([*spots, (root.line, mistaken.message)])
        prepare(root)
    except Unreadable as error:
        raise _invalid(file, error.spots) from None
    # What YAML itself has to say of a line is the cause of whatever else is wrong with it.
    early, told = len(spots), {line for line, _ in spots}
    reading = _Reading(root, model, stand_ins, spots)
    read = reading.read()
    if read is not None:
        for path, message in check(read, reading.dropped if reading.spots else None):
            reading.spots.append((line_at(root, path), message))
    if reading.spots or read is None:
        later = [spot for spot in reading.spots[early:] if spot[0] not in told]
        raise _invalid(file, [*reading.spots[:early], *later])
    return read, partial(line_at, root)


def _invalid(file: str, spots: list[Spot]) -> InvalidFile:
    return InvalidFile(
        [Problem(file=file, line=line, message=text) for line, text in dict.fromkeys(spots)]
    )


class _Reading(Generic[Model]):
    """One file on its way to a model."""

    def __init__(
        self,
        root: Mapping,
        model: type[Model],
        stand_ins: MappingOf[str, str],
        spots: list[Spot],
    ) -> None:
        self.spots = spots
        self._root = root
        self._model = model
        self._stand_ins = stand_ins
        # Mappings from which something was taken away: what they seem to lack is no news.
        self._touched: set[int] = set()
        # Values of keys whose meaning was guessed: what is wrong with them there, nobody wrote.
        self._guessed: set[int] = set()
        for name, field in model.model_fields.items():
            if field.exclude and name in root.entries:
                spots.append((root.entries.pop(name).line, f"'{name}' is not known here"))
        self._dropped: set[str] = set()

    @property
    def dropped(self) -> frozenset[str]:
        """The keys that were read as if they were not there."""
        return frozenset(self._dropped)

    def read(self) -> Model | None:
        """The model, or as much as can be made of it; None when nothing can."""
        for _ in range(_ROUNDS):
            try:
                return self._model.model_validate(
                    plain(self._root, blank=Blank()), by_alias=True, by_name=False
                )
            except ValidationError as error:
                found = complaints(
                    error, self._root, lambda path, tag: keys_at(self._model, path, tag)
                )
            self._tell(found)
            # From the end, so that indices of lists stay what they were.
            for complaint in sorted(found, key=_from_the_end, reverse=True):
                self._mend(complaint)
        return None

    def _tell(self, found: list[Complaint]) -> None:
        renamed = {(one.path[:-1], one.rename) for one in found if one.rename}
        for one in found:
            lacking = one.path[:-1] if one.lacks else one.path
            if id(node_at(self._root, lacking)) in self._touched:
                continue  # it only lacks what was taken away
            if any(
                id(node_at(self._root, one.path[:end])) in self._guessed
                for end in range(1, len(one.path) + 1)
            ):
                continue
            if (one.path, one.missing) not in renamed:
                self.spots.append((line_at(self._root, one.path), _named(one)))

    def _mend(self, complaint: Complaint) -> None:
        path = complaint.path
        if complaint.missing is not None and self._stand_in((*path, complaint.missing)):
            pass
        elif complaint.replace is not None:
            holder = node_at(self._root, path[:-1])
            if isinstance(holder, Mapping):
                key, word = complaint.replace
                entry = holder.entries[key]
                holder.entries[key] = Entry(entry.line, Scalar(entry.node.line, word, word))
        elif complaint.rename is not None:
            self._rename(path, complaint.rename)
        elif not path:
            self._root.entries.clear()
        else:
            self._drop(path)

    def _stand_in(self, path: Path) -> bool:
        """Whether a plausible value took the place of what is missing or wrong."""
        key = str(path[-1])
        text = self._stand_ins.get(key if len(path) == 1 else f"{path[0]}.*.{key}")
        holder = node_at(self._root, path[:-1])
        if text is None or not isinstance(holder, Mapping):
            return False
        node, _ = read_tree(text)
        line = holder.entries[key].line if key in holder.entries else holder.line
        holder.entries[key] = Entry(line, node)
        self._dropped.add(key)
        return True

    def _rename(self, path: Path, name: str) -> None:
        holder = node_at(self._root, path[:-1])
        if isinstance(holder, Mapping) and path[-1] in holder.entries:
            entry = holder.entries.pop(str(path[-1]))
            holder.entries.setdefault(name, entry)
            self._guessed.add(id(entry.node))

    def _drop(self, path: Path) -> None:
        if self._stand_in(path):
            return
        holder = node_at(self._root, path[:-1])
        step = path[-1]
        if isinstance(holder, Mapping):
            holder.entries.pop(str(step), None)
            self._dropped.add(str(step))
        elif isinstance(holder, Items) and isinstance(step, int) and step < len(holder.nodes):
            del holder.nodes[step]
        if holder is not None:
            self._touched.add(id(holder))


def _named(complaint: Complaint) -> str:
    """The message, with the key that it is about where it doesn't say so itself."""
    keys = [step for step in complaint.path if isinstance(step, str)]
    if complaint.whole or not keys or not complaint.message.startswith("expected "):
        return complaint.message
    return f"{keys[-1]}: {complaint.message}"


def _from_the_end(complaint: Complaint) -> tuple[tuple[bool, int, str], ...]:
    return tuple(
        (isinstance(step, int), step if isinstance(step, int) else 0, str(step))
        for step in complaint.path
    )
