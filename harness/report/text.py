"""For the terminal: one line a scenario, and details only where something is wrong.

Everything here is a `rich` text without a width of its own: coloured on a terminal, plain in a
pipe, where each line stays whole so that it can be searched.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.text import Text

from harness.printable import in_line
from harness.report.hanging import Hanging
from harness.report.secrets import clean
from harness.report.totals import overall, totals_line, words
from harness.verdict import Finding, Judgement, Known, Transition, Verdict

if TYPE_CHECKING:
    from harness.report.scene import Scene

STYLES: dict[Verdict, str] = {
    Verdict.PASSED: "green",
    Verdict.FAILED: "bold red",
    Verdict.INCONCLUSIVE: "bold yellow",
    Verdict.OUT_OF_SCOPE: "dim",
}
_MARKS: dict[Verdict, str] = {
    Verdict.PASSED: "✓",
    Verdict.FAILED: "✗",
    Verdict.INCONCLUSIVE: "?",
    Verdict.OUT_OF_SCOPE: "-",
}
_NAME_WIDTH = 30
_VERDICT_WIDTH = len("out of scope")
_MOST_CHANGES = 4
_MOST_FAULTS = 6
_INDENT = "    "
_WITHOUT_TERMINAL = 100
"""Characters in a line of a picture where nobody says how wide a line is."""


def told_line(judgement: Judgement) -> Hanging:
    """What `one_line` says, going on below the scenario's name."""
    return Hanging(one_line(judgement), _VERDICT_WIDTH + 4)


def one_line(judgement: Judgement) -> Text:
    """`✓ passed  auth_blackhole_50s  8 of 8 held, 80 requests; mail open 9.0s, ...`."""
    style = STYLES[judgement.verdict]
    line = Text()
    line.append(f"{_MARKS[judgement.verdict]} {words(judgement.verdict):<{_VERDICT_WIDTH}}", style)
    line.append(f"  {in_line(judgement.name):<{_NAME_WIDTH}}  ", "bold")
    if judgement.verdict is Verdict.OUT_OF_SCOPE:
        line.append(clean(judgement.why_not), "dim")
        return line
    line.append(_held(judgement))
    if judgement.known:
        line.append(f", {len(judgement.known)} known to fail", "yellow")
    if judgement.rate:
        line.append(f", {judgement.rate}")
    if judgement.plays > 1:
        line.append(f", play {judgement.plays}")
    changes = "; ".join((*_changes(judgement), *_price(judgement), *_met(judgement)))
    if changes:
        line.append(f"  {changes}", "dim")
    return line


def _met(judgement: Judgement) -> Iterator[str]:
    """How many calls each fault met: `met 5 calls`, `3 faults met 5, 0, ? calls`."""
    faults = judgement.faults
    if len(faults) == 1:
        note = f" ({faults[0].note})" if faults[0].met is None else ""
        yield f"{faults[0].words}{note}"
    elif faults:
        shown = ["?" if each.met is None else str(each.met) for each in faults[:_MOST_FAULTS]]
        more = ", ..." if len(faults) > _MOST_FAULTS else ""
        yield f"{len(faults)} faults met {', '.join(shown)}{more} calls"


def _held(judgement: Judgement) -> str:
    in_scope = [f for f in judgement.all_findings if f.verdict is not Verdict.OUT_OF_SCOPE]
    held = sum(finding.verdict is Verdict.PASSED for finding in in_scope)
    return f"{held:>2} of {len(in_scope):>2} held"


def _changes(judgement: Judgement) -> Iterator[str]:
    """What each breaker did: `mail open 9.0s, half open 69.0s, closed 69.1s`."""
    for upstream, transitions in judgement.breakers.items():
        if transitions:
            shown = ", ".join(_change(each) for each in transitions[:_MOST_CHANGES])
            left = len(transitions) - _MOST_CHANGES
            more = f" and {left} more" if left > 0 else ""
            yield f"{in_line(upstream)} {shown}{more}"
    for upstream in judgement.perhaps_open:
        yield f"{in_line(upstream)} {', '.join(judgement.perhaps_of(upstream))}"


def _price(judgement: Judgement) -> Iterator[str]:
    """What a recovery wait cost: `12 turned away although mail was back`."""
    for upstream, count in judgement.false_rejections.items():
        yield f"{count} turned away although {in_line(upstream)} was back"


def _change(transition: Transition) -> str:
    return f"{transition.state.replace('_', ' ')} {transition.at_s:.1f}s"


def details(judgement: Judgement, scene: Scene | None = None) -> RenderableType:
    """What is wrong with a scenario: each failed and inconclusive expectation, in that order.

    With a picture of what was observed beside what was expected, where it failed and was seen.
    """
    return _Details(judgement, scene)


class _Details:
    """Wraps under its labels on a terminal; in a pipe each line stays whole, without padding."""

    def __init__(self, judgement: Judgement, scene: Scene | None) -> None:
        self._judgement = judgement
        self._scene = scene

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = max(40, options.max_width) if console.is_terminal else None
        yield from _wrong(self._judgement.findings, width)
        if promises := list(_wrong(self._judgement.promises, width)):
            yield Text("  promises, which hold in every run:", "dim")
            yield from promises
        for hits in self._judgement.faults:
            note = f" ({hits.note})" if hits.note else ""
            yield Text(f"    {in_line(clean(f'{hits.name}, {hits.words}{note}'))}", "dim")
        if self._scene is not None and self._judgement.verdict is Verdict.FAILED:
            from harness.report.lanes import columns_in, lane_line
            from harness.report.scene.picture import picture

            wide = options.max_width if width is not None else _WITHOUT_TERMINAL
            for lane in picture(self._scene, columns=columns_in(wide - len(_INDENT) - 1)):
                yield Text(_INDENT) + lane_line(lane)


def _wrong(findings: Sequence[Finding], width: int | None) -> Iterator[Text]:
    for finding in findings:
        if finding.known is not None:
            yield _known(finding, finding.known)
    failed = [f for f in findings if f.verdict is Verdict.FAILED and f.known is None]
    unclear = [finding for finding in findings if finding.verdict is Verdict.INCONCLUSIVE]
    before: Finding | None = None
    for finding in failed or unclear:
        yield from _one(finding, before, width)
        before = finding
    for finding in unclear if failed else ():
        yield _briefly(finding)


def _one(finding: Finding, before: Finding | None, width: int | None) -> Iterator[Text]:
    """A finding in full; what it has in common with the one before is not said twice."""
    yield _head(finding)
    yield from _labelled("expected", finding.expected, "", width)
    if before is None or finding.observed != before.observed:
        yield from _labelled("observed", finding.observed, STYLES[finding.verdict], width)
        if finding.evidence:
            yield from _labelled("evidence", finding.evidence, "dim", width)
    if finding.because and (before is None or finding.because != before.because):
        yield from _labelled("because", finding.because, "dim", width)


def _known(finding: Finding, known: Known) -> Text:
    """A failure that is no news: what was seen, and why it is excused until when."""
    head = Text("  ~ ", "yellow").append(clean(finding.name), "bold")
    seen = " ".join(clean(finding.observed).split())
    head.append(f": {seen}; known until {known.until}: {in_line(clean(known.because))}", "dim")
    return head


def _briefly(finding: Finding) -> Text:
    """An inconclusive finding beside failures, which may well be why."""
    line = _head(finding)
    why = " ".join(clean(f"{finding.observed} ({finding.evidence})").split())
    line.append(f": {why}", "dim")
    return line


def _head(finding: Finding) -> Text:
    head = Text()
    head.append(f"  {_MARKS[finding.verdict]} ", STYLES[finding.verdict])
    head.append(clean(finding.name), "bold")
    if finding.claims:
        head.append(f"  [{', '.join(finding.claims)}]", "dim")
    return head


def _labelled(label: str, text: str, style: str, width: int | None) -> Iterator[Text]:
    """`expected 401 for every request`, continued under its text where it has to be wrapped."""
    start = f"      {label:<8} "
    margin = len(start)
    flat = " ".join(clean(text).split())
    lines = [flat] if width is None else textwrap.wrap(flat, width - margin) or [""]
    for index, line in enumerate(lines):
        found = Text()
        found.append(start if index == 0 else " " * margin, "dim")
        found.append(line, style)
        yield found


def totals(judgements: Sequence[Judgement], *, wall_s: float | None = None) -> Text:
    """The last line: how many passed, failed and so on, and how long it took if that is known."""
    return Text(totals_line(judgements, wall_s), STYLES[overall(judgements)])


def silence(judgements: Sequence[Judgement], unused: Sequence[str]) -> Iterator[Text]:
    """Evidence that was configured and never said anything: each once, with how often."""
    seen = Counter(line for judgement in judgements for line in judgement.silent)
    for line, count in seen.items():
        where = f" (in {count} of {len(judgements)} scenarios)" if len(judgements) > 1 else ""
        yield Text(f"note: {in_line(clean(line))}{where}", "yellow")
    for line in unused:
        yield Text(f"note: {in_line(clean(line))}", "yellow")
