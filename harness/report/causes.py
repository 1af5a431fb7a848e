"""What is told once: a run's findings as cases whose names are the same every night.

A CI server follows each case by its name from night to night, and counts errors. So a promise goes
by what it says, however it was broken; what went wrong with a run itself is one case of each
scenario, there also when nothing did; and what that kept from a verdict is no error of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from harness.frozen import Frozen
from harness.verdict import WORST_FIRST, Finding, Judgement, Verdict

THE_RUN = "run: nothing goes wrong with the run itself"
_OF_RUN = "run: "


class Case(Frozen, kw_only=True):
    """One thing that a CI server follows."""

    name: str
    promised: bool
    """Whether it holds in every run, whatever the scenario expects."""
    verdict: Verdict
    findings: tuple[Finding, ...]
    """What it rests on, the worst first."""
    instead: str = ""
    """Why its verdict is told elsewhere; empty where it is told here."""

    @property
    def line(self) -> int | None:
        """Where the scenario's file asks for it."""
        return next((each.line for each in self.findings if each.line is not None), None)

    @property
    def known(self) -> bool:
        """Whether all that is wrong is known and excused."""
        wrong = [each for each in self.findings if each.verdict is Verdict.FAILED]
        return bool(wrong) and all(each.known is not None for each in wrong)


def cases(judgements: Iterable[Judgement]) -> Iterator[tuple[Judgement, tuple[Case, ...]]]:
    """The cases of each scenario; a cause that several share is told by the first."""
    told: dict[str, str] = {}
    for judgement in judgements:
        run = _the_run(judgement)
        if run is not None and run.verdict is Verdict.INCONCLUSIVE:
            cause = "\n".join(str(finding) for finding in run.findings)
            if cause in told:
                run = replace(run, instead=f"for the same cause as {told[cause]}")
            told.setdefault(cause, judgement.name)
        own = [_case(each, run) for each in judgement.findings if not _of_run(each)]
        promised = _promised(judgement.promises, run)
        yield judgement, (*([] if run is None else [run]), *own, *promised)


def _of_run(finding: Finding) -> bool:
    return finding.name.startswith(_OF_RUN)


def _the_run(judgement: Judgement) -> Case | None:
    """What is wrong with the run itself, noise included; None for what was never to be played."""
    if judgement.verdict is Verdict.OUT_OF_SCOPE:
        return None
    wrong = [finding for finding in judgement.findings if _of_run(finding)]
    wrong = wrong or [finding for finding in judgement.all_findings if finding.noise][:1]
    return Case(
        name=THE_RUN,
        promised=False,
        verdict=Verdict.INCONCLUSIVE if wrong else Verdict.PASSED,
        findings=tuple(wrong),
    )


def _case(finding: Finding, run: Case | None) -> Case:
    return Case(
        name=finding.name,
        promised=False,
        verdict=finding.verdict,
        findings=(finding,),
        instead=_instead(finding.verdict, run),
    )


def _promised(promises: Sequence[Finding], run: Case | None) -> Iterator[Case]:
    by_promise: dict[str, list[Finding]] = {}
    for finding in promises:
        by_promise.setdefault(finding.expected, []).append(finding)
    for says, findings in by_promise.items():
        ordered = sorted(findings, key=lambda each: WORST_FIRST.index(each.verdict))
        yield Case(
            name=says,
            promised=True,
            verdict=ordered[0].verdict,
            findings=tuple(ordered),
            instead=_instead(ordered[0].verdict, run),
        )


def _instead(verdict: Verdict, run: Case | None) -> str:
    unclear = verdict is Verdict.INCONCLUSIVE
    if unclear and run is not None and run.verdict is Verdict.INCONCLUSIVE:
        return f"not judged: see {THE_RUN}"
    return ""
