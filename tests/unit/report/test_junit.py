from __future__ import annotations

from xml.etree import ElementTree as xml

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.junit import junit_xml
from harness.verdict import Verdict

# What the JUnit schema that CI systems share allows: children and attributes of each element.
CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"properties", "testcase", "system-out"},
    "properties": {"property"},
    "property": set(),
    "testcase": {"failure", "error", "skipped"},
    "failure": set(),
    "error": set(),
    "skipped": set(),
    "system-out": set(),
}
COUNTS = ("tests", "failures", "errors", "skipped", "time")
REQUIRED = {
    "testsuites": ("name", *COUNTS),
    "testsuite": ("name", *COUNTS),
    "property": ("name", "value"),
    "testcase": ("name", "classname", "time"),
    "failure": ("message", "type"),
    "error": ("message", "type"),
    "skipped": ("message",),
}


def checked(text: str) -> xml.Element:
    """The document, if its structure is JUnit's and its counts are right."""
    root = xml.fromstring(text.encode("utf-8"))
    for element in root.iter():
        assert {child.tag for child in element} <= CHILDREN[element.tag]
        required = REQUIRED.get(element.tag, ())
        assert set(element.attrib) == set(required), element.tag
        for name in {"tests", "failures", "errors", "skipped"} & set(element.attrib):
            assert element.attrib[name].isdigit()
        if "time" in element.attrib:
            assert float(element.attrib["time"]) >= 0
    for suite in root.iter("testsuite"):
        cases = suite.findall("testcase")
        assert [child.tag for child in suite][: 1 + len(cases)] == (
            ["properties"] + ["testcase"] * len(cases)
        )
        assert int(suite.attrib["tests"]) == len(cases)
        for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped",) * 2):
            assert int(suite.attrib[attribute]) == len(suite.findall(f"testcase/{tag}"))
    return root


def test_each_verdict_is_what_ci_systems_call_it(mixed):
    root = checked(junit_xml(mixed))
    assert root.attrib["tests"] == "5"
    assert [root.attrib[name] for name in ("failures", "errors", "skipped")] == ["1", "1", "1"]
    failure = root.find("testsuite[@name='failing']/testcase/failure")
    assert failure is not None
    assert "200 for 3 of 58" in failure.attrib["message"]
    assert "because: nobody is let in" in (failure.text or "")
    skipped = root.find("testsuite[@name='excused']/testcase/skipped")
    assert skipped is not None
    assert skipped.attrib["message"] == "the target has no upstream git"


def test_times_add_up_to_what_the_plays_took(mixed):
    root = checked(junit_xml(mixed))
    total = sum(float(case.attrib["time"]) for case in root.iter("testcase"))
    assert total == pytest.approx(4 * 93.3, abs=0.01)
    assert float(root.attrib["time"]) == pytest.approx(4 * 93.3)


def test_properties_say_what_was_played(mixed):
    root = checked(junit_xml(mixed))
    found = {p.attrib["name"]: p.attrib["value"] for p in root[0].iter("property")}
    assert found["engine"] == "local"
    assert found["file"] == "scenarios/auth_blackhole_50s.yaml"
    assert found["breaker.auth"].startswith("open 9.01 s")


@given(text=st.text(st.characters()))
def test_any_text_gives_valid_xml(finding, judgement, outcome, text):
    bad = finding(Verdict.FAILED, name=text, observed=text, evidence=text, because=text)
    skipped = finding(Verdict.OUT_OF_SCOPE, evidence=text)
    checked(junit_xml(outcome(judgement(bad, skipped, name=text, title=text, notes=(text,)))))


def test_control_characters_are_shown_escaped(finding, judgement, outcome):
    text = junit_xml(outcome(judgement(finding(Verdict.FAILED, observed="\x1b[31mred\x00"))))
    assert r"\x1b[31mred\x00" in text
    checked(text)


def test_nothing_played_is_still_valid(outcome):
    from harness.report.outcome import Outcome

    assert checked(junit_xml(Outcome(judgements=()))).attrib["tests"] == "0"
