"""`junit.xml`: a test suite for each scenario, a test case for each expectation and promise.

Failed is a failure, inconclusive an error, out of scope and known to fail skipped: what a CI system
shows as red stays red. What a case shows stands in its text, as GitLab reads no attribute of it.
The findings of a scenario are all proved by the same play, so its time is shared out evenly among
them, and sums are right; it is that of the wall clock, also where the play's was virtual.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree as xml

from harness.report.causes import Case, cases
from harness.report.links import page_link
from harness.report.outcome import Outcome
from harness.report.secrets import clean
from harness.verdict import Finding, Judgement, Verdict

# What XML 1.0 can't hold, escaped or not.
_FORBIDDEN = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TAGS = {
    Verdict.FAILED: "failure",
    Verdict.INCONCLUSIVE: "error",
    Verdict.OUT_OF_SCOPE: "skipped",
}


def junit_xml(outcome: Outcome) -> str:
    """The text of `junit.xml`."""
    return _document(outcome, placed=True)


def jenkins_xml(outcome: Outcome) -> str:
    """The same without `file` and `line`, for a reader that refuses them.

    The schema by which Jenkins' xUnit plugin checks a file before it reads it has no such
    attributes of a case; its `junit` step checks nothing, and takes `junit.xml`.
    """
    return _document(outcome, placed=False)


def _document(outcome: Outcome, *, placed: bool) -> str:
    suites = [_suite(each, of, outcome, placed=placed) for each, of in cases(outcome.judgements)]
    root = xml.Element("testsuites", {"name": "outage", **_sums(suites)})
    root.extend(suites)
    xml.indent(root)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n' + xml.tostring(root, encoding="unicode") + "\n"
    )


def _sums(suites: Sequence[xml.Element]) -> dict[str, str]:
    return {
        name: str(sum(int(suite.attrib[name]) for suite in suites))
        for name in ("tests", "failures", "errors")
    } | {"time": f"{sum(float(suite.attrib['time']) for suite in suites):.3f}"}


def _suite(
    judgement: Judgement, of: Sequence[Case], outcome: Outcome, *, placed: bool
) -> xml.Element:
    real_s = outcome.made.real_s.get(judgement.name)
    took_s = judgement.start_s + judgement.wall_s if real_s is None else real_s
    found = [_case(case, judgement, took_s / len(of), placed=placed) for case in of]
    suite = xml.Element(
        "testsuite",
        {
            "name": _text(judgement.name),
            **_counts(found),
            "time": f"{took_s:.3f}",
            "file": _text(judgement.file),
        },
    )
    if outcome.made.began is not None:
        suite.set("timestamp", outcome.made.began.removesuffix("Z"))
    if outcome.made.host is not None:
        suite.set("hostname", _text(outcome.made.host))
    properties = xml.SubElement(suite, "properties")
    for name, value in _properties(judgement, outcome):
        xml.SubElement(properties, "property", name=name, value=_text(value))
    suite.extend(found)
    if notes := (*judgement.notes, *judgement.silent):
        xml.SubElement(suite, "system-out").text = _text("\n".join(notes))
    return suite


def _counts(found: Sequence[xml.Element]) -> dict[str, str]:
    tags = [child.tag for case in found for child in case]
    return {
        "tests": str(len(found)),
        "failures": str(tags.count("failure")),
        "errors": str(tags.count("error")),
        "skipped": str(tags.count("skipped")),
    }


def _properties(judgement: Judgement, outcome: Outcome) -> list[tuple[str, str]]:
    found = [
        ("file", judgement.file),
        ("title", judgement.title),
        ("verdict", judgement.verdict.value),
        ("engine", outcome.engine),
        ("proxy", outcome.proxy),
        ("target", outcome.target),
        ("commit", outcome.made.commit or "unknown"),
        ("without", ", ".join(outcome.without) or "nothing"),
        ("seed", str(outcome.seed)),
        ("requests", str(judgement.requests)),
        ("plays", str(judgement.plays)),
        ("lateness_p99_ms", f"{judgement.lateness_ms.get('p99', 0.0):.1f}"),
    ]
    if judgement.rate:
        found.append(("pass_rate", judgement.rate))
    for hits in judgement.faults:
        found.append((f"fault.{hits.fault}", f"{hits.kind} on {hits.subject} {hits.words}"))
    for upstream, transitions in judgement.breakers.items():
        told = [f"{each.state} {each.at_s:.2f} s" for each in transitions]
        told += judgement.perhaps_of(upstream)
        found.append((f"breaker.{upstream}", ", ".join(told) or "closed throughout"))
    return found


def _case(case: Case, judgement: Judgement, time_s: float, *, placed: bool) -> xml.Element:
    of = f"{judgement.name}.promises" if case.promised else judgement.name
    made = xml.Element("testcase", name=_text(case.name), classname=_text(of), time=f"{time_s:.3f}")
    if placed:
        made.set("file", _text(judgement.file))
        if case.line is not None:
            made.set("line", str(case.line))
    if case.instead:
        _skipped(made, case.instead)
    elif case.known:
        _skipped(made, "\n\n".join(_account(each, judgement) for each in case.findings))
    elif case.verdict is Verdict.OUT_OF_SCOPE:
        _skipped(made, case.findings[0].evidence)
    elif case.verdict is not Verdict.PASSED:
        first = case.findings[0]
        message = f"expected {first.expected}; observed {first.observed}"
        tag, kind = _TAGS[case.verdict], case.verdict.value
        problem = xml.SubElement(made, tag, message=_text(message), type=kind)
        wrong = [each for each in case.findings if each.verdict is case.verdict]
        problem.text = _text("\n\n".join(_account(each, judgement) for each in wrong))
    return made


def _skipped(case: xml.Element, why: str) -> None:
    xml.SubElement(case, "skipped", message=_text(why.partition("\n")[0])).text = _text(why)


def _account(finding: Finding, judgement: Judgement) -> str:
    lines = [
        finding.name,
        f"expected: {finding.expected}",
        f"observed: {finding.observed}",
    ]
    if finding.evidence:
        lines.append(f"evidence: {finding.evidence}")
    if finding.known is not None:
        known = f"known failure until {finding.known.until}: {finding.known.because}"
        lines.insert(0, known)
    if finding.because:
        lines.append(f"because: {finding.because}")
    if finding.claims:
        lines.append(f"claims: {', '.join(finding.claims)}")
    if finding.line is not None:
        lines.append(f"at: {judgement.file}:{finding.line}")
    lines.append(f"shown: {page_link(judgement.name, finding.at_s)}")
    return "\n".join(lines)


def _text(text: str) -> str:
    """Without secrets, and without characters that no XML parser accepts."""
    return _FORBIDDEN.sub("�", clean(text))
