"""The document's upstreams, routes and users stand in its contract, nowhere in the harness's code.

A gateway of another domain is served as well as the document's: no rule, default or message may be
about one of these. Words are looked for in all code and texts of the package but contract files; a
scenario's name, such as a bundled one's in a help text, is not one of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from harness.contracts import document

PACKAGE = Path(__file__).parents[3] / "harness"
ELSEWHERE = {
    "git": {"provenance.py": "the program of that name"},
    "project": {},
}
"""Words of the document's that mean something else in some files."""


def words() -> Iterator[str]:
    contract = document()
    yield from contract.upstreams
    yield from contract.users
    yield from (str(user.bearer) for user in contract.users.values())
    yield from contract.variables
    for route in contract.routes.values():
        yield route.request.partition("{")[0].rstrip("/")
        yield from (step.stem for step in route.calls)


@cache
def lines() -> list[tuple[Path, int, str]]:
    """Of all files: the file, the number and the words of each."""
    found = [*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.html"), *PACKAGE.rglob("*.j2")]
    return [
        (path, number, line)
        for path in sorted(path for path in found if "__pycache__" not in path.parts)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
    ]


@pytest.mark.parametrize("word", sorted(set(words())))
def test_no_code_of_the_harness_names_it(word: str) -> None:
    looked_for = re.compile(rf"(?<![\w/.-]){re.escape(word)}(?![\w-])")
    known = ELSEWHERE.get(word, {})
    found = [
        f"{path.relative_to(PACKAGE)}:{number}: {line.strip()[:90]}"
        for path, number, line in lines()
        if word in line and path.name not in known and looked_for.search(line)
    ]
    assert found == []
