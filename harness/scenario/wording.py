"""Pydantic's complaints about a file, put into an author's words and onto a path of the file.

Pydantic locates errors by field and by the branch of a union that it tried; an author sees one
complaint for each place, naming all that would have been right there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from pydantic import ValidationError

from harness.frozen import Frozen
from harness.scenario.fields import Misfit
from harness.scenario.located import Items, Mapping, Node, Path, Scalar, node_at
from harness.scenario.spelling import did_you_mean, nearest, not_known
from harness.units import format_duration, parse_duration

KeysAt = Callable[[Path, str], Iterable[str]]
"""The keys that are known at a path, given the tag of the union's branch there (or '')."""

_PHRASES: dict[str, str] = {
    "string_type": "expected a text",
    "string_too_short": "expected a text that isn't empty",
    "int_type": "expected a whole number",
    "int_from_float": "expected a whole number",
    "float_type": "expected a number",
    "finite_number": "expected a number",
    "bool_type": "expected true or false",
    "tuple_type": "expected a list",
    "list_type": "expected a list",
    "dict_type": "expected keys and values (`key: value`)",
    "mapping_type": "expected keys and values (`key: value`)",
    "model_type": "expected keys and values (`key: value`)",
    "model_attributes_type": "expected keys and values (`key: value`)",
    "greater_than": "expected more than {gt:g}",
    "greater_than_equal": "expected at least {ge:g}",
    "less_than": "expected less than {lt:g}",
    "less_than_equal": "expected at most {le:g}",
    "too_short": "expected at least {min_length} here",
    "too_long": "expected at most {max_length} here",
}


class Complaint(Frozen, kw_only=True):
    """One thing wrong at one place of a file, and how to read on in spite of it."""

    path: Path
    message: str
    missing: str | None = None
    """The key that is missing in the mapping at `path`."""
    lacks: bool = False
    """Whether a key that `path`'s last one needs isn't there."""
    rename: str | None = None
    """The key that `path`'s last step was most likely meant to be."""
    replace: tuple[str, str] | None = None
    """The key below `path` and the value that it was most likely meant to have."""
    whole: bool = False
    """Whether the mapping as a whole is meant, so that nothing in it may be ignored."""


def complaints(error: ValidationError, root: Node, keys_at: KeysAt) -> list[Complaint]:
    """What to tell the author, one complaint a place, in file order."""
    found: dict[Path, list[Complaint]] = {}
    phrased: dict[Path, list[dict[str, Any]]] = {}
    for raw in error.errors(include_url=False, include_input=False):
        details: dict[str, Any] = dict(raw)
        path, tag = _locate(details["loc"], root)
        one = _special(details, path, tag, root, keys_at)
        if one is None:
            phrased.setdefault(path, []).append(details)
        else:
            found.setdefault(path, []).append(one)
    for path, several in phrased.items():
        if path in found or any(_is_below(other, path) for other in (*found, *phrased)):
            continue  # other branches of the union, which this value was not meant for
        found[path] = [Complaint(path=path, message=_phrase(several, node_at(root, path)))]
    return [one for path in found for one in found[path]]


def _is_below(path: Path, upper: Path) -> bool:
    return len(path) > len(upper) and path[: len(upper)] == upper


def _locate(loc: tuple[str | int, ...], root: Node) -> tuple[Path, str]:
    """The path in the file and the tag of a tagged union, from pydantic's location."""
    steps = list(loc)
    tag = ""
    if len(steps) > 2 and steps[0] in ("faults", "expect") and isinstance(steps[1], int):
        tag = str(steps.pop(2))
    path: list[str | int] = []
    node: Node | None = root
    for step in steps:
        below = None if node is None else node_at(node, (step,))
        if below is not None:
            path.append(step)
            node = below
    return tuple(path), tag


def _special(
    details: dict[str, Any], path: Path, tag: str, root: Node, keys_at: KeysAt
) -> Complaint | None:
    """Complaints that stand for themselves: about keys, and from validators of whole mappings."""
    kind, ctx = details["type"], details.get("ctx", {})
    if kind == "missing":
        key = str(details["loc"][-1])
        return Complaint(path=path, message=f"'{key}' is missing here", missing=key)
    if kind == "extra_forbidden":
        return _unknown_key(path, tag, root, keys_at)
    if kind == "union_tag_invalid":
        return _unknown_tag(path, ctx, root)
    if kind == "union_tag_not_found":
        return _tagless(path, ctx["discriminator"].strip("'"), root, keys_at)
    if kind == "expectation_form":
        return _formless(path, root, keys_at)
    cause = ctx.get("error")
    if isinstance(cause, Misfit):
        return Complaint(path=(*path, cause.key), message=str(cause), lacks=cause.lacks)
    node = node_at(root, path)
    if kind == "value_error" and isinstance(node, Mapping):
        hint = _instead(node, str(cause)) if _bare_words(node) else ""
        return Complaint(path=path, message=f"{cause}{hint}", whole=True)
    return None


def _unknown_key(path: Path, tag: str, root: Node, keys_at: KeysAt) -> Complaint:
    key = str(path[-1])
    known = list(keys_at(path[:-1], tag))
    here = node_at(root, path[:-1])
    unused = [name for name in known if not isinstance(here, Mapping) or name not in here.entries]
    hint = did_you_mean(key, unused) or f"; known here: {', '.join(known)}"
    message = f"'{key}' is not known here{hint}"
    return Complaint(path=path, message=message, rename=nearest(key, unused))


def _tagless(path: Path, key: str, root: Node, keys_at: KeysAt) -> Complaint:
    """A fault without its kind, or with that key misspelt."""
    node, known = node_at(root, path), tuple(keys_at(path, ""))
    unknown = [] if not isinstance(node, Mapping) else [k for k in node.entries if k not in known]
    meant = nearest(key, unknown)
    if meant is None:
        return Complaint(path=path, message=f"'{key}' is missing here", missing=key)
    message = f"'{meant}' is not known here; did you mean '{key}'?"
    return Complaint(path=(*path, meant), message=message, rename=key)


def _unknown_tag(path: Path, ctx: dict[str, str], root: Node) -> Complaint:
    key = ctx["discriminator"].strip("'")
    node = node_at(root, (*path, key))
    if isinstance(node, Scalar) and node.value is None:
        message = f"expected a kind of {key}, such as refused or latency, not nothing"
        return Complaint(path=(*path, key), message=message)
    known = [word.strip("' ") for word in ctx["expected_tags"].split(",")]
    meant = nearest(ctx["tag"], known)
    return Complaint(
        path=(*path, key),
        message=not_known(key, ctx["tag"], known),
        replace=None if meant is None else (key, meant),
    )


def _formless(path: Path, root: Node, keys_at: KeysAt) -> Complaint:
    known = list(keys_at(path, ""))
    node = node_at(root, path)
    if isinstance(node, Mapping):
        for key in node.entries:
            meant = nearest(key, known)
            if meant is not None:
                message = f"'{key}' is not known here; did you mean '{meant}'?"
                return Complaint(path=(*path, key), message=message, rename=meant)
    message = f"expected an expectation that begins with one of {', '.join(known)}"
    return Complaint(path=path, message=message, whole=True)


def _phrase(several: list[dict[str, Any]], node: Node | None) -> str:
    """One sentence for all that would have been right at a place."""
    wanted: list[str] = []
    hint = ""
    for details in several:
        kind, ctx = details["type"], details.get("ctx", {})
        if kind == "literal_error":
            listed = ctx["expected"].replace(" or ", ", ").split(", ")
            choices = [word.strip("'") for word in listed]
            wanted.append(f"expected {_listed(choices)}")
            hint = hint or (did_you_mean(_text(node), choices) if _text(node) else "")
        elif kind == "value_error":
            wanted.append(str(ctx["error"]))
        elif kind in _PHRASES:
            wanted.append(_PHRASES[kind].format_map(_in_units(ctx, node)))
        else:
            wanted.append(f"expected something else ({details['msg']})")
    wanted = list(dict.fromkeys(wanted))
    if len(wanted) > 1 and not isinstance(node, Items | Mapping):
        # What can be written on the line is the nearer advice than "a list".
        wanted = [phrase for phrase in wanted if phrase != _PHRASES["tuple_type"]] or wanted
    first, *more = wanted
    sentence = ", or ".join([first, *(phrase.removeprefix("expected ") for phrase in more)])
    return f"{sentence}{hint or _instead(node, sentence)}"


def _in_units(ctx: dict[str, Any], node: Node | None) -> dict[str, Any]:
    """The bounds of a place, as durations where one is written there, which has a unit."""
    text = _text(node)
    try:
        parse_duration(text)
    except ValueError:
        return ctx
    if not text.strip()[-1:].isalpha():
        return ctx
    return {key: _Bound(value) for key, value in ctx.items() if isinstance(value, int | float)}


class _Bound(float):
    """A duration that is written with its unit, whatever its format says: `24h`, `0s`."""

    def __format__(self, spec: str) -> str:
        hours = self / 3600
        return f"{hours:g}h" if self and hours.is_integer() else format_duration(self)


def _listed(choices: list[str]) -> str:
    return " or ".join((", ".join(choices[:-1]), choices[-1])) if len(choices) > 1 else choices[0]


def _text(node: Node | None) -> str:
    return node.text if isinstance(node, Scalar) else ""


def _instead(node: Node | None, sentence: str) -> str:
    """What was met instead, or how to write it."""
    if isinstance(node, Scalar):
        if node.value is None:
            return ", not nothing"
        if sentence == "expected a text":
            return f'; put it in quotes: "{node.text}"'
        if isinstance(node.value, str) and "number" in sentence and node.text.isdecimal():
            return f"; write {node.text} without quotes"
        return "" if isinstance(node.value, str) or "; " in sentence else f", not {node.text}"
    if isinstance(node, Mapping):
        words = _bare_words(node)
        if words and sentence == "expected a text":
            return f'; put it in quotes: "{{{words[0]}}}"'
        return f"; write {', '.join(words)} without braces" if words else ", not keys and values"
    return ", not a list" if isinstance(node, Items) and "a list" not in sentence else ""


def _bare_words(node: Mapping) -> list[str]:
    """The words of `{5xx}`, which YAML takes for keys without values."""
    entries = node.entries.items()
    bare = all(isinstance(e.node, Scalar) and e.node.text == "" for _, e in entries)
    return list(node.entries) if bare else []
