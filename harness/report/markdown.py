"""`summary.md`: for a CI run's page. A table of all scenarios, then what is wrong, the worst first.

A CI page takes no more than a megabyte, so long accounts are cut, and say so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.report.escaping import markdown as _text
from harness.report.lanes import MARGIN, label
from harness.report.links import page_link
from harness.report.outcome import Outcome, Shown
from harness.report.scene.picture import picture
from harness.report.secrets import clean
from harness.report.totals import busy_line, span, words
from harness.verdict import Finding, Judgement, Verdict

_MARKS = {
    Verdict.FAILED: "❌",
    Verdict.INCONCLUSIVE: "❔",
    Verdict.PASSED: "✅",
    Verdict.OUT_OF_SCOPE: "➖",
}
_KNOWN = "☑️"
"""A failure that the target file names, in a scenario that it doesn't fail."""
_ORDER = list(_MARKS)
_WRONG = (Verdict.FAILED, Verdict.INCONCLUSIVE)
_MOST_FINDINGS = 25
_MOST_CHANGES = 12
_LONGEST = 500_000
_COLUMNS = 72


def summary_md(outcome: Outcome) -> str:
    """The text of `summary.md`."""
    ordered = sorted(outcome.judgements, key=lambda each: _ORDER.index(each.verdict))
    lines = [
        f"# {_MARKS[outcome.verdict]} Outages replayed: {words(outcome.verdict)}",
        "",
        f"**{_text(outcome.totals)}** — target {_text(outcome.target)}, engine "
        f"{_text(outcome.engine)}, proxy {_text(outcome.proxy)}, seed {outcome.seed}",
        *_declared(outcome),
        "",
        "| | scenario | held | faults | breakers | took |",
        "|---|---|---|---|---|---|",
        *(_row(judgement) for judgement in ordered),
    ]
    if busy := busy_line(outcome.judgements):
        lines += ["", f"**{_text(busy)}**"]
    for shown in sorted(outcome.shown, key=lambda each: _ORDER.index(each.judgement.verdict)):
        if shown.judgement.verdict in _WRONG or shown.judgement.known:
            lines += ["", *_account(shown.judgement), *_picture(shown)]
    if outcome.silent:
        lines += ["", "Of no use in this run:", ""]
        lines += [f"- {_text(line)}" for line in outcome.silent]
    text = "\n".join(lines) + "\n"
    if len(text) <= _LONGEST:
        return text
    return text[:_LONGEST].rpartition("\n")[0] + "\n\n*Cut here: see results.json for the rest.*\n"


def _declared(outcome: Outcome) -> Iterator[str]:
    """What the target file excuses: in sight of whoever reads that all is well."""
    if outcome.without:
        yield ""
        yield f"The target does without {_text(', '.join(outcome.without))}: out of scope."
    if outcome.known:
        yield ""
        yield "Known failures, as the target file has them:"
        yield ""
        for each in outcome.known:
            name = _text(f"{each.scenario}: {each.expectation}")
            yield f"- {name}, until {each.until}: {_text(each.because)}"


def _row(judgement: Judgement) -> str:
    in_scope = [f for f in judgement.all_findings if f.verdict is not Verdict.OUT_OF_SCOPE]
    held = sum(finding.verdict is Verdict.PASSED for finding in in_scope)
    share = f"{held} of {len(in_scope)}"
    if judgement.known:
        share += f", {len(judgement.known)} known to fail"
    if judgement.rate:
        share += f"<br>{judgement.rate}"
    if judgement.plays > 1:
        share += f"<br>play {judgement.plays}"
    if judgement.verdict is Verdict.OUT_OF_SCOPE:
        share = f"out of scope: {_text(judgement.why_not)}"
    cells = [
        _MARKS[judgement.verdict],
        f"{_text(judgement.title)}<br>{_text(judgement.name)}",
        share,
        "<br>".join(
            _text(f"{each.kind} on {each.subject} {each.words}") for each in judgement.faults
        ),
        "<br>".join(_breakers(judgement)),
        span(judgement.wall_s) if judgement.wall_s else "",
    ]
    return "| " + " | ".join(cells) + " |"


def _breakers(judgement: Judgement) -> Iterator[str]:
    for upstream, transitions in judgement.breakers.items():
        if transitions:
            shown = [f"{each.state.replace('_', ' ')} {each.at_s:.1f} s" for each in transitions]
            cut = shown if len(shown) <= _MOST_CHANGES else shown[: _MOST_CHANGES - 1]
            more = f" and {len(shown) - len(cut)} more" if len(cut) < len(shown) else ""
            yield f"{_text(upstream)}: {', '.join(cut)}{more}"
    for upstream in judgement.perhaps_open:
        yield f"{_text(upstream)}: {', '.join(judgement.perhaps_of(upstream))}"


def _account(judgement: Judgement) -> Iterator[str]:
    yield f"## {_MARKS[judgement.verdict]} {_text(judgement.title)}"
    yield ""
    yield f"`{clean(judgement.file).replace('`', '')}`: {words(judgement.verdict)}"
    yield ""
    yield from _wrong(judgement.findings)
    if any(finding.verdict in _WRONG for finding in judgement.promises):
        yield "- Promises, which hold in every run:"
        yield from _wrong(judgement.promises)
    for note in judgement.notes:
        yield f"- *{_text(note)}*"


def _picture(shown: Shown) -> Iterator[str]:
    """What was observed beside what was expected, and where the page shows it in full."""
    if shown.scene is None:
        return
    first_s = min(
        (f.at_s for f in shown.judgement.all_findings if f.at_s is not None), default=None
    )
    yield ""
    yield f"`{page_link(shown.judgement.name, first_s)}`"
    if shown.judgement.verdict is Verdict.FAILED:
        yield ""
        yield "```text"
        for lane in picture(shown.scene, columns=_COLUMNS):
            yield f"{label(lane).replace('`', ' '):<{MARGIN}}{lane.marks}".rstrip()
        yield "```"


def _wrong(findings: Sequence[Finding]) -> Iterator[str]:
    wrong = [finding for finding in findings if finding.verdict in _WRONG]
    wrong.sort(key=lambda each: each.known is not None)
    for finding in sorted(wrong, key=lambda each: _ORDER.index(each.verdict))[:_MOST_FINDINGS]:
        yield from _finding(finding)
    if len(wrong) > _MOST_FINDINGS:
        yield f"- and {len(wrong) - _MOST_FINDINGS} more"


def _finding(finding: Finding) -> Iterator[str]:
    claims = f" ({_text(', '.join(finding.claims))})" if finding.claims else ""
    mark = _MARKS[finding.verdict] if finding.known is None else _KNOWN
    yield f"- {mark} **{_text(finding.name)}**{claims}"
    yield f"  - expected {_text(finding.expected)}"
    yield f"  - observed **{_text(finding.observed)}**"
    if finding.evidence:
        yield f"  - evidence: {_text(finding.evidence)}"
    if finding.known is not None:
        yield f"  - known until {finding.known.until}: {_text(finding.known.because)}"
    if finding.because:
        yield f"  - because {_text(finding.because)}"
