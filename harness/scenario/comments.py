"""Texts that lost their end to YAML, which takes ` #` in a text without quotes for a comment."""

from __future__ import annotations

from collections.abc import Iterator

from harness.scenario.located import Items, Mapping, Node, Scalar, Spot

_TEXTS = {
    "title", "because", "replays", "name", "body", "json", "headers",
    "env", "command", "opened", "rejected", "bearer", "email", "password",
}  # fmt: skip
"""Keys that hold texts, at any depth below them: there a lost end leaves no other trace."""
_LONGEST = 60


def cut_off(root: Node) -> list[Spot]:
    """Where an end was lost, and how to keep it."""
    return list(_below(root, "", text=False))


def _below(node: Node, key: str, *, text: bool) -> Iterator[Spot]:
    if isinstance(node, Mapping):
        for name, entry in node.entries.items():
            yield from _below(entry.node, name, text=text or name in _TEXTS)
    elif isinstance(node, Items):
        for item in node.nodes:
            yield from _below(item, key, text=text)
    elif node.comment and _is_lost(node, text=text):
        whole = f"{node.text}{node.comment}".replace('"', '\\"')
        yield (
            node.line,
            f"{key}: YAML takes `{_short(node.comment.strip())}` for a comment: quote the text, "
            f'"{_short(whole)}", or set a comment off by two spaces before # and one after it',
        )


def _is_lost(node: Scalar, *, text: bool) -> bool:
    """Whether it looks like a part of the text: glued to its `#`, or (in texts) close to it."""
    near = not node.comment.startswith("  ") and not node.comment.startswith("\t")
    glued = node.comment.strip()[1:2].strip() != ""
    if text:
        return isinstance(node.value, str) and (near or glued)
    return " " in node.text and near and glued


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
