"""JUnit by the rules of those who read it: Jenkins' schema, and what GitLab makes of a case."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from xml.etree import ElementTree as xml

import pytest
import xmlschema
from hypothesis import example, given
from hypothesis import strategies as st

from harness.report.causes import THE_RUN
from harness.report.junit import jenkins_xml, junit_xml
from harness.report.outcome import Outcome
from harness.report.provenance import Provenance
from harness.verdict import Known, Verdict

PLACE = {"file", "line"}
"""Of a case: what Jenkins' schema lacks and others show."""


@cache
def jenkins() -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(str(Path(__file__).with_name("jenkins.xsd")))


def checked(outcome: Outcome) -> xml.Element:
    """The document, if Jenkins accepts it, its sums are right and no name is there twice."""
    jenkins().validate(jenkins_xml(outcome))
    root, plain = (xml.fromstring(make(outcome).encode()) for make in (junit_xml, jenkins_xml))
    for case in root.iter("testcase"):
        assert case.attrib["file"]
        assert case.attrib.get("line", "1").isdigit()
        for name in PLACE & set(case.attrib):
            del case.attrib[name]
    assert xml.tostring(root) == xml.tostring(plain)
    for suite in root.iter("testsuite"):
        cases = suite.findall("testcase")
        assert int(suite.attrib["tests"]) == len(cases)
        for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped",) * 2):
            assert int(suite.attrib[attribute]) == len(suite.findall(f"testcase/{tag}"))
    return xml.fromstring(junit_xml(outcome).encode())


def gitlab(root: xml.Element) -> dict[tuple[str, str], tuple[str, str, str, str]]:
    """By class and name, what GitLab shows: status, file, seconds, text; the first of equals."""
    shown: dict[tuple[str, str], tuple[str, str, str, str]] = {}
    for case in root.findall("testsuite/testcase"):
        status, text = "success", ""
        for tag in ("failure", "error", "skipped"):
            found = case.find(tag)
            if found is not None:
                status, text = tag, found.text or ""
                break
        key = case.attrib["classname"], case.attrib["name"]
        assert key not in shown
        shown[key] = (status, case.attrib["file"], case.attrib["time"], text)
    return shown


def test_each_verdict_is_what_ci_systems_call_it(mixed):
    root = checked(mixed)
    assert [root.attrib[name] for name in ("failures", "errors")] == ["1", "1"]
    shown = gitlab(root)
    name = "chat is answered 401 while auth is open"
    status, file, _, text = shown["failing", name]
    assert (status, file) == ("failure", "scenarios/auth_blackhole_50s.yaml")
    assert "observed: 200 for 3 of 58" in text
    assert "because: nobody is let in" in text
    assert shown["excused", name][::3] == ("skipped", "the target has no upstream git")
    assert shown["failing", THE_RUN][0] == "success"


def test_names_are_the_same_whether_a_promise_holds_or_is_broken(finding, judgement, outcome):
    says = "no request takes longer than its deadlines"
    held = finding(name=says, expected=says)
    broken = [
        finding(Verdict.FAILED, name=f"no hang ({name})", expected=says, observed=f"{name} hangs")
        for name in ("auth", "git")
    ]
    before = gitlab(checked(outcome(judgement(promises=(held,)))))
    after = gitlab(checked(outcome(judgement(promises=tuple(broken), verdict=Verdict.FAILED))))
    assert before.keys() == after.keys()
    status, *_, text = after["auth_blackhole_50s.promises", says]
    assert status == "failure"
    assert "auth hangs" in text
    assert "git hangs" in text


def test_one_cause_is_one_error(finding, judgement, outcome):
    unclear = [finding(Verdict.INCONCLUSIVE, name=name) for name in "abc"]
    dead = finding(Verdict.INCONCLUSIVE, name="run: the world starts", observed="no port")
    one, two = (judgement(dead, *unclear, name=name) for name in ("one", "two"))
    root = checked(outcome(one, two))
    assert root.attrib["errors"] == "1"
    shown = gitlab(root)
    assert shown["one", THE_RUN][0] == "error"
    assert shown["one", "a"][::3] == ("skipped", f"not judged: see {THE_RUN}")
    assert shown["two", THE_RUN][::3] == ("skipped", "for the same cause as one")
    busy = [finding(Verdict.INCONCLUSIVE, name=name, noise=True) for name in "abc"]
    assert checked(outcome(judgement(*busy))).attrib["errors"] == "1"
    # What has no cause in the run stands for itself.
    assert checked(outcome(judgement(*unclear))).attrib["errors"] == "3"


def test_a_known_failure_is_skipped_and_says_why(finding, judgement, outcome):
    known = finding(Verdict.FAILED, known=Known(because="OPS-7", until="2030-12-31"))
    root = checked(outcome(judgement(known, verdict=Verdict.PASSED)))
    assert root.attrib["failures"] == "0"
    status, *_, text = gitlab(root)["auth_blackhole_50s", known.name]
    assert status == "skipped"
    assert text.startswith("known failure until 2030-12-31: OPS-7")
    assert "observed: 401" in text


def test_when_where_and_how_long_are_the_real_ones(finding, judgement, outcome):
    made = Provenance(
        began="2026-11-27T02:17:00Z", host="runner-7", real_s={"auth_blackhole_50s": 4.0}
    )
    root = checked(outcome(judgement(finding(line=12), finding(name="b")), made=made))
    suite = root[0]
    assert suite.attrib["timestamp"] == "2026-11-27T02:17:00"
    assert suite.attrib["hostname"] == "runner-7"
    assert root.attrib["time"] == suite.attrib["time"] == "4.000"
    cases = root.findall("testsuite/testcase")
    assert sum(float(case.attrib["time"]) for case in cases) == pytest.approx(4.0, abs=0.01)
    assert [case.attrib.get("line") for case in cases] == [None, "12", None]


def test_properties_say_what_was_played(mixed):
    root = checked(mixed)
    found = {p.attrib["name"]: p.attrib["value"] for p in root[0].iter("property")}
    assert found["engine"] == "local"
    assert found["without"] == "nothing"
    assert found["breaker.auth"].startswith("open 9.01 s")


@example(text="\ud800")
@given(text=st.text(st.characters(), min_size=1))
def test_any_text_gives_valid_xml(finding, judgement, outcome, text):
    bad = finding(Verdict.FAILED, name=text, observed=text, evidence=text, because=text)
    skipped = finding(Verdict.OUT_OF_SCOPE, evidence=text)
    checked(outcome(judgement(bad, skipped, name=text, title=text, notes=(text,))))


def test_control_characters_are_shown_escaped(finding, judgement, outcome):
    text = junit_xml(outcome(judgement(finding(Verdict.FAILED, observed="\x1b[31mred\x00"))))
    assert r"\x1b[31mred\x00" in text


def test_nothing_played_is_still_valid():
    assert checked(Outcome(judgements=())).attrib["tests"] == "0"
