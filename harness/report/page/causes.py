"""What is the matter, in the fewest words: failures under their causes, each with its scenarios.

A cause is what a breaker behaves as, where rules other than the declared ones explain all that was
seen; else that calls wait for each other, where failures have that as evidence; else what was
observed first. Scenarios that fail for one cause stand together, those that
most share first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from harness.frozen import Frozen
from harness.report.outcome import Shown
from harness.verdict import Finding, Judgement, Verdict

_FIT = re.compile(r": all \d+ events fit$")
_ASIDE = re.compile(r"(?<=#\d)(\d*) \([^()]*\)")
"""What stands behind the number of a request: its route and when it was sent."""
_DETAIL = re.compile(r" for \d+ of \d+|, sent at |: #| \(|; ")
"""Where what was observed goes on to say how often, when, and for which requests."""
_NUMBERS = re.compile(r"#\d+|\b\d+(?:\.\d+)? m?s\b")


class Cause(Frozen, kw_only=True):
    """Why scenarios fail."""

    words: str
    """`mail: it behaves as one that never opens`, or the finding that tells most."""
    inferred: bool
    """Whether other rules than the declared ones explain everything; else it is a symptom."""
    scenarios: tuple[tuple[Judgement, Finding], ...]
    """Each with the finding that shows it best."""


def causes(shown: Sequence[Shown]) -> tuple[Cause, ...]:
    """The causes of all failures, the most frequent first."""
    found: dict[str, list[tuple[Judgement, Finding, str, bool]]] = {}
    for each in shown:
        if each.judgement.verdict is Verdict.FAILED:
            key, words, inferred, finding = _cause(each)
            found.setdefault(key, []).append((each.judgement, finding, words, inferred))
    listed = [
        Cause(
            words=group[0][2],
            inferred=group[0][3],
            scenarios=tuple((judgement, finding) for judgement, finding, _, _ in group),
        )
        for group in found.values()
    ]
    return tuple(sorted(listed, key=lambda cause: (-len(cause.scenarios), not cause.inferred)))


def _cause(shown: Shown) -> tuple[str, str, bool, Finding]:
    failed = [
        f for f in shown.judgement.all_findings if f.verdict is Verdict.FAILED and not f.known
    ]
    upstreams = () if shown.scene is None else shown.scene.upstreams
    for upstream in upstreams:
        if upstream.breaker.causes:
            says = " or ".join(_FIT.sub("", each) for each in upstream.breaker.causes)
            words = f"{upstream.name} breaker: {says}"
            own = [f for f in failed if upstream.name in f.name]
            return words, words, True, (own or failed)[0]
    for upstream in upstreams:
        own = [f for f in failed if upstream.queue and upstream.queue in f.evidence]
        if upstream.queue and own:
            return f"queue at {upstream.name}", upstream.queue, False, _telling(own)
    finding = _telling(failed)
    promised = any(finding is each for each in shown.judgement.promises)
    owed = "promised" if promised else "expected"
    observed = _DETAIL.split(_ASIDE.sub(r"\1", finding.observed))[0]
    words = f"{owed} {finding.expected}, observed {observed}"
    return _NUMBERS.sub("#", words), words, False, finding


def _telling(failed: Sequence[Finding]) -> Finding:
    """The finding that says most: what users met comes before what a breaker did not do."""
    met = [finding for finding in failed if finding.examples]
    return (met or failed)[0]
