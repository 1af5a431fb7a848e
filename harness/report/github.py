"""What GitHub Actions shows of a run: annotations at the lines of scenario files.

GitHub shows ten of each kind for a step, so the worst come first, of each scenario one before any
has a second, and a cause is told once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from harness.report.causes import Case, cases
from harness.report.secrets import clean
from harness.verdict import WORST_FIRST, Finding, Judgement, Verdict

_KINDS = {Verdict.FAILED: "error", Verdict.INCONCLUSIVE: "warning"}
_LONGEST = 4_000


def workflow_commands(
    judgements: Sequence[Judgement], placed: Callable[[str], str] = lambda file: file
) -> Iterator[str]:
    """A line for each thing that is wrong: `::error file=...,line=...,title=...::...`.

    `placed` gives a scenario's file as GitHub names it, relative to the repository.
    """
    found = [
        (place, case, judgement)
        for judgement, of in cases(judgements)
        for place, case in enumerate(
            case for case in of if case.verdict in _KINDS and not case.instead
        )
    ]
    found.sort(key=lambda each: (each[1].known, WORST_FIRST.index(each[1].verdict), each[0]))
    for _, case, judgement in found:
        kind = "notice" if case.known else _KINDS[case.verdict]
        yield _command(kind, case, judgement, placed(judgement.file))


def _command(kind: str, case: Case, judgement: Judgement, file: str) -> str:
    properties = {"file": file, "line": str(case.line or 1)}
    properties["title"] = f"{judgement.name}: {case.name}"
    said = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    wrong = [each for each in case.findings if each.verdict is case.verdict]
    text = "\n\n".join(_account(each) for each in wrong)
    return f"::{kind} {said}::{_data(text[:_LONGEST])}"


def _account(finding: Finding) -> str:
    lines = [f"expected {finding.expected}", f"observed {finding.observed}"]
    if finding.evidence:
        lines.append(f"evidence: {finding.evidence}")
    if finding.known is not None:
        lines.append(f"known until {finding.known.until}: {finding.known.because}")
    return "\n".join(lines)


def _data(text: str) -> str:
    """As the runner reads a message back: a line end would end the command."""
    return clean(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
