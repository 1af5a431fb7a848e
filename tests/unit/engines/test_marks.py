from __future__ import annotations

import time
from itertools import count

import pytest

from harness.engines.marks import LogReader
from harness.engines.redact import Redactor
from harness.engines.run_line import target_evidence
from harness.errors import InvalidFile
from harness.history.events import Logged, Trouble
from harness.log_patterns import LONGEST_LINE, MARKS, MOST_LINES, Log, fault_of
from harness.target import Target
from harness.target.loading import bundled, parse_target

FILE = """\
name: mine
start: {command: [./serve, "{port}"]}
upstreams: {AUTH_SERVER_URL: auth, BILLING_SERVER_URL: billing}
log:
  %s
"""


def reader(**patterns) -> LogReader:
    target = Target(name="t", url="http://127.0.0.1:1", log=Log(**patterns))
    return LogReader(target, Redactor(("token-ada",)))


def read(line: str, **patterns) -> Logged:
    (event,) = reader(**patterns).events(line, 1.0)
    assert isinstance(event, Logged)
    return event


def test_a_line_has_all_marks_that_it_matches() -> None:
    event = read(
        "call 1 failed, retrying", attempt=r"call \d", failed="failed", retrying="retry", opened="O"
    )
    assert (event.marks, event.upstream) == (("attempt", "failed", "retrying"), None)


@pytest.mark.parametrize("said", ["auth", "Auth", "AUTH ", "External Data", "external-data"])
def test_a_pattern_names_the_upstream_however_the_log_spells_it(said: str) -> None:
    event = read(f"{said}: OPEN", opened="(?P<upstream>[A-Za-z -]+): OPEN")
    assert event.upstream == ("auth" if said.strip().lower() == "auth" else "external_data")


def test_what_the_log_calls_an_upstream_can_be_said() -> None:
    log = {"opened": r"(?P<upstream>\S+) open", "names": {"login-svc": "auth"}}
    assert read("login-svc open", **log).upstream == "auth"
    assert read("other-svc open", **log).upstream == "other-svc"


def test_blank_lines_take_no_room_of_those_that_are_kept() -> None:
    """Whoever has as many lines as are kept knows that some may be missing."""
    lines = reader()
    kept = [
        event for _ in range(MOST_LINES) for line in ("", "x") for event in lines.events(line, 0.0)
    ]
    assert len(kept) == MOST_LINES


def test_lines_are_cut_counted_and_redacted() -> None:
    lines = reader(opened="OPEN$")
    (event,) = lines.events("token-ada " + "x" * LONGEST_LINE + "OPEN", 0.0)
    assert isinstance(event, Logged)
    assert event.marks == ()
    assert "token-ada" not in event.line
    assert list(lines.events("", 0.0)) == []
    for _ in range(MOST_LINES):
        last = list(lines.events("x", 0.0))
    assert last == []


def test_a_pattern_that_takes_long_is_given_up_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = count(0.0, 0.2)
    lines = reader(opened="OPEN")
    monkeypatch.setattr(time, "thread_time", lambda: next(clock))
    trouble, event = lines.events("OPEN", 0.0)
    assert isinstance(trouble, Trouble)
    assert "`opened` took 0.2 s" in trouble.what
    assert isinstance(event, Logged)
    assert event.marks == ("opened",)
    (event,) = lines.events("OPEN", 0.0)
    assert isinstance(event, Logged)
    assert event.marks == ()


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+b", "(a|bc)*d", "(?:x.*)*y", "a?" * 60 + "a" * 60, "a.*b.*c.*d.*e", r"(\w+\s?)*$x"],
)
def test_a_pattern_that_could_take_for_ever_is_refused(pattern: str) -> None:
    assert "for ever" in (fault_of(pattern) or "")


@pytest.mark.parametrize(
    "pattern",
    [
        r"a.*b.*(?P<upstream>\w+)",
        r"(?:\d{1,3}\.){3}\d{1,3} down",
        "(?i)open|opened|tripped",
        "[ab]*c",
        "(?:ab)+",
    ],
)
def test_what_people_write_is_accepted_and_quick(pattern: str) -> None:
    assert fault_of(pattern) is None
    began_s = time.thread_time()
    read("ab 1.1.1." * 60, opened=pattern)
    assert time.thread_time() - began_s < 5


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("opened: '(open'", "6: opened: is not a regular expression"),
        ("opened: 'x*'", "6: opened: matches an empty line"),
        ("opened: '(?P<service>x)'", "6: opened: names a group service; the only one known is up"),
        ("opened: '(x+)+y'", "6: opened: could take for ever"),
        ("openend: 'x'", "6: 'openend' is not known here; did you mean 'opened'?"),
        ("names: {a: aut}", "6: upstream 'aut' is not known; did you mean 'auth'?"),
    ],
)
def test_a_mistake_in_a_target_file_is_told_with_its_line(line: str, told: str) -> None:
    with pytest.raises(InvalidFile) as caught:
        parse_target(FILE.replace("name: mine\n", "name: mine\n\n") % line, "t.yaml")
    assert told in str(caught.value)


def test_the_reference_has_a_pattern_for_each_mark() -> None:
    target = bundled("reference")
    assert target is not None
    assert target.log is not None
    assert target.log.marks == tuple(MARKS)
    assert [fault_of(getattr(target.log, mark)) for mark in MARKS] == [None] * len(MARKS)
    assert tuple(target_evidence(target, captured=True))[-2:] == ("output", "log")
    assert "output" not in target_evidence(target, captured=False)
