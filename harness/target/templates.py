"""Configuration files that a target reads: templates below its folder, filled for each world.

What may stand in them is what may stand in a command: `{mail.host}`, `{port}` and so on. The filled
ones lie in a folder of the world's own, `{files}`, and go with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from harness.errors import InvalidFile, Problem, UsageError
from harness.scenario.reading import read_file
from harness.target.wiring import misplaced

LARGEST_BYTES = 1_000_000


def read_template(name: str, template: str, base: Path) -> str:
    """The text of a target's template; `base` is the target's folder.

    Raises: UsageError where it, or the name of what is made of it, leads out of its folder, or
        where it can't be read as text.
    """
    for path in (name, template):
        parts = PurePosixPath(path)
        if not path or "\\" in path or "\0" in path or parts.is_absolute() or ".." in parts.parts:
            raise UsageError(f"{path!r}: expected a path below the target's folder")
    if PurePosixPath(name) == PurePosixPath("."):
        raise UsageError(f"{name!r}: expected the name of a file")
    file = base / template
    if not file.resolve().is_relative_to(base.resolve()):
        raise UsageError(f"{template}: leads out of {base}; expected a path below it")
    data = read_file(file)
    if len(data) > LARGEST_BYTES:
        raise UsageError(f"{file}: is larger than {LARGEST_BYTES // 1_000_000} MB")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{file}:{line}: is not UTF-8 text") from None


def check_places(
    texts: Mapping[str, str],
    templates: Mapping[str, str],
    base: Path,
    upstreams: Iterable[str],
    files: Iterable[str],
) -> None:
    """See that places in templates name what there is; `texts` by the name of what is made.

    Raises: InvalidFile with each problem at its line of its template.
    """
    known, there = tuple(upstreams), tuple(files)
    problems = [
        Problem(file=str(base / templates[name]), line=number, message=told)
        for name, text in texts.items()
        for number, told in _misplaced(text, known, there)
    ]
    if problems:
        raise InvalidFile(problems)


def _misplaced(
    text: str, upstreams: tuple[str, ...], files: tuple[str, ...]
) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), start=1):
        for told in misplaced(line, upstreams, files):
            yield number, told
