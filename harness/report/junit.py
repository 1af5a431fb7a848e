"""`junit.xml`: a test suite for each scenario, a test case for each expectation and promise.

Failed is a failure, inconclusive an error, out of scope skipped: what a CI system shows as red
stays red. The findings of a scenario are all proved by the same play, so its time is shared
out evenly among them, and sums are right.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree as xml

from harness.report.outcome import Outcome
from harness.report.secrets import clean
from harness.verdict import Finding, Judgement, Verdict

# What XML 1.0 can't hold, escaped or not.
_FORBIDDEN = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(outcome: Outcome) -> str:
    """The text of `junit.xml`."""
    root = xml.Element("testsuites", {"name": "outage", **_counts(outcome.judgements)})
    for judgement in outcome.judgements:
        root.append(_suite(judgement, outcome))
    xml.indent(root)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n' + xml.tostring(root, encoding="unicode") + "\n"
    )


def _counts(judgements: Sequence[Judgement]) -> dict[str, str]:
    verdicts = [finding.verdict for each in judgements for finding in each.all_findings]
    return {
        "tests": str(len(verdicts)),
        "failures": str(verdicts.count(Verdict.FAILED)),
        "errors": str(verdicts.count(Verdict.INCONCLUSIVE)),
        "skipped": str(verdicts.count(Verdict.OUT_OF_SCOPE)),
        "time": f"{sum(_took_s(each) for each in judgements):.3f}",
    }


def _took_s(judgement: Judgement) -> float:
    return judgement.start_s + judgement.wall_s


def _suite(judgement: Judgement, outcome: Outcome) -> xml.Element:
    suite = xml.Element("testsuite", {"name": _text(judgement.name), **_counts([judgement])})
    properties = xml.SubElement(suite, "properties")
    for name, value in _properties(judgement, outcome):
        xml.SubElement(properties, "property", name=name, value=_text(value))
    share_s = _took_s(judgement) / max(1, len(judgement.all_findings))
    for finding in judgement.findings:
        suite.append(_case(finding, judgement, judgement.name, share_s))
    for finding in judgement.promises:
        suite.append(_case(finding, judgement, f"{judgement.name}.promises", share_s))
    if notes := (*judgement.notes, *judgement.silent):
        xml.SubElement(suite, "system-out").text = _text("\n".join(notes))
    return suite


def _properties(judgement: Judgement, outcome: Outcome) -> list[tuple[str, str]]:
    found = [
        ("file", judgement.file),
        ("title", judgement.title),
        ("verdict", judgement.verdict.value),
        ("engine", outcome.engine),
        ("proxy", outcome.proxy),
        ("target", outcome.target),
        ("seed", str(outcome.seed)),
        ("requests", str(judgement.requests)),
        ("plays", str(judgement.plays)),
        ("lateness_p99_ms", f"{judgement.lateness_ms.get('p99', 0.0):.1f}"),
    ]
    for hits in judgement.faults:
        found.append((f"fault.{hits.fault}", f"{hits.kind} on {hits.subject} {hits.words}"))
    for upstream, transitions in judgement.breakers.items():
        words = ", ".join(f"{each.state} {each.at_s:.2f} s" for each in transitions)
        found.append((f"breaker.{upstream}", words or "closed throughout"))
    return found


def _case(finding: Finding, judgement: Judgement, of: str, time_s: float) -> xml.Element:
    case = xml.Element(
        "testcase",
        name=_text(finding.name),
        classname=_text(of),
        time=f"{time_s:.3f}",
    )
    if finding.verdict is Verdict.OUT_OF_SCOPE:
        xml.SubElement(case, "skipped", message=_text(finding.evidence))
    elif finding.verdict is not Verdict.PASSED:
        kind = "failure" if finding.verdict is Verdict.FAILED else "error"
        message = _text(f"expected {finding.expected}; observed {finding.observed}")
        problem = xml.SubElement(case, kind, message=message, type=finding.verdict.value)
        problem.text = _text(_account(finding, judgement.file))
    return case


def _account(finding: Finding, file: str) -> str:
    lines = [
        f"expected: {finding.expected}",
        f"observed: {finding.observed}",
        f"evidence: {finding.evidence}",
    ]
    if finding.because:
        lines.append(f"because: {finding.because}")
    if finding.claims:
        lines.append(f"claims: {', '.join(finding.claims)}")
    if finding.line is not None:
        lines.append(f"at: {file}:{finding.line}")
    return "\n".join(lines)


def _text(text: str) -> str:
    """Without secrets, and without characters that no XML parser accepts."""
    return _FORBIDDEN.sub("�", clean(text))
