"""The page's first part: what is the matter, then what is new, unclear, and held."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.frozen import Frozen
from harness.lanes import Lane, Scale
from harness.report.outcome import Outcome, Shown
from harness.report.page.causes import Cause, causes
from harness.report.page.columns import told
from harness.report.page.live import Live
from harness.report.page.news import Before, News
from harness.report.scene.picture import observed
from harness.report.totals import span, words
from harness.verdict import Finding, Judgement, Verdict

STRIP_COLUMNS = 60
ORDER = (Verdict.FAILED, Verdict.INCONCLUSIVE, Verdict.PASSED, Verdict.OUT_OF_SCOPE)
MARKS = {
    Verdict.FAILED: "✗",
    Verdict.INCONCLUSIVE: "?",
    Verdict.PASSED: "✓",
    Verdict.OUT_OF_SCOPE: "–",
}


class Run(Frozen, kw_only=True):
    """Marks of one kind in a row, in columns of a strip."""

    start: int
    length: int
    mark: str


class Strip(Frozen, kw_only=True):
    """One lane of a scenario's small picture."""

    kind: str
    label: str
    runs: tuple[Run, ...]


class Row(Frozen, kw_only=True):
    """One scenario in the list."""

    key: str
    """By which the page's addresses name it."""
    number: int
    judgement: Judgement
    why: str
    """The one reason, where it did not pass."""
    held: str
    took: str
    strips: tuple[Strip, ...]
    new: bool
    """Whether it fails, and didn't in the run before."""

    @property
    def verdict(self) -> str:
        """As people say it."""
        return words(self.judgement.verdict)

    @property
    def mark(self) -> str:
        """A sign for it."""
        return MARKS[self.judgement.verdict]


class Overview(Frozen, kw_only=True):
    """All of it."""

    headline: str
    counts: tuple[tuple[Verdict, int], ...]
    rows: tuple[Row, ...]
    """In the order of worth."""
    causes: tuple[Cause, ...]
    before: Before
    news: tuple[News, ...]


def overview(outcome: Outcome, live: Live | None = None) -> Overview:
    """What the page begins with, of a whole run or of one that goes on."""
    before = Before(outcome.before, outcome.made.began)
    news = before.news(outcome.judgements)
    fresh = {each.judgement.name for each in news if each.worse}
    keys = keys_of([each.judgement for each in outcome.shown])
    rows = [
        _row(shown, key, number, new=shown.judgement.name in fresh)
        for number, (shown, key) in enumerate(zip(outcome.shown, keys, strict=True))
    ]
    verdicts = [each.verdict for each in outcome.judgements]
    counts = tuple((each, verdicts.count(each)) for each in ORDER if each in verdicts)
    return Overview(
        headline=_headline(outcome) if live is None or live.over else _so_far(outcome, live),
        counts=counts,
        rows=tuple(sorted(rows, key=lambda row: ORDER.index(row.judgement.verdict))),
        causes=causes(outcome.shown),
        before=before,
        news=news,
    )


def keys_of(judgements: Sequence[Judgement]) -> list[str]:
    """A key for each scenario: its name, told apart by a number where two have the same."""
    found: list[str] = []
    for judgement in judgements:
        key, number = judgement.name, 1
        while key in found:
            number += 1
            key = f"{judgement.name}~{number}"
        found.append(key)
    return found


def _headline(outcome: Outcome) -> str:
    judgements = outcome.judgements
    if not judgements:
        return "Nothing was played"
    failed = sum(each.verdict is Verdict.FAILED for each in judgements)
    unclear = sum(each.verdict is Verdict.INCONCLUSIVE for each in judgements)
    count = len(judgements)
    passed = sum(each.verdict is Verdict.PASSED for each in judgements)
    if not (failed or unclear or passed):
        return "Nothing was in scope"
    if count == 1:
        return f"The scenario {'failed' if failed else 'proved nothing' if unclear else 'passed'}"
    if failed:
        return f"{failed} of {count} scenarios failed"
    if unclear:
        return f"{unclear} of {count} scenarios proved nothing"
    return f"All {count} scenarios passed" if passed == count else "All that was in scope passed"


def _so_far(outcome: Outcome, live: Live) -> str:
    failed = sum(each.verdict is Verdict.FAILED for each in outcome.judgements)
    judged = f"{len(outcome.judgements)} of {live.of} judged"
    return f"{judged}, {failed} failed" if failed else judged


def _row(shown: Shown, key: str, number: int, *, new: bool) -> Row:
    judgement = shown.judgement
    in_scope = [f for f in judgement.all_findings if f.verdict is not Verdict.OUT_OF_SCOPE]
    held = sum(finding.verdict is Verdict.PASSED for finding in in_scope)
    return Row(
        key=key,
        number=number,
        judgement=judgement,
        why=told(_why(judgement)),
        held=f"{held} of {len(in_scope)}" if in_scope else "",
        took=span(judgement.wall_s) if judgement.wall_s else "",
        strips=tuple(_strips(shown)),
        new=new,
    )


def _why(judgement: Judgement) -> str:
    if judgement.verdict is Verdict.OUT_OF_SCOPE:
        return judgement.why_not
    if judgement.verdict is Verdict.INCONCLUSIVE and judgement.busy is not None:
        return f"this machine was too busy: {judgement.busy}"
    if judgement.known and judgement.verdict is not Verdict.FAILED:
        return "; ".join(f"known failure: {each.name}" for each in judgement.known)
    found = (each for each in judgement.all_findings if each.known is None)
    wrong = [each for each in found if each.verdict is judgement.verdict]
    if judgement.verdict is Verdict.PASSED or not wrong:
        return ""
    return _sentence(wrong[0])


def _sentence(finding: Finding) -> str:
    if finding.verdict is Verdict.INCONCLUSIVE:
        return f"{finding.name}: {finding.observed} ({finding.evidence})"
    return f"{finding.name}: expected {finding.expected}; observed {finding.observed}"


def _strips(shown: Shown) -> Iterator[Strip]:
    if shown.scene is None:
        return
    for lane in observed(shown.scene, Scale(shown.scene.scenario.duration, STRIP_COLUMNS)):
        yield Strip(kind=lane.kind, label=told(lane.label), runs=tuple(_runs(lane)))


def _runs(lane: Lane) -> Iterator[Run]:
    start = 0
    for column in range(1, len(lane.marks) + 1):
        if column == len(lane.marks) or lane.marks[column] != lane.marks[start]:
            if lane.marks[start] not in " .":
                yield Run(start=start, length=column - start, mark=lane.marks[start])
            start = column
