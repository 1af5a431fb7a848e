"""Scenario files: the good ones are read as written, each mistake is told with its line."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from harness.bundled import bundled_scenarios
from harness.contracts import document
from harness.errors import InvalidFile, Problem, UsageError
from harness.scenario.faults import ClockStep
from harness.scenario.loader import load_scenario, load_scenarios, parse_scenario
from harness.target.loading import parse_target
from harness.units import Around, Window
from tests.unit.scenario.malformed import GOOD, MISTAKES


def problems(text: str | bytes) -> list[tuple[int, str]]:
    with pytest.raises(InvalidFile) as caught:
        parse_scenario(text, "x.yaml")
    return [(problem.line, problem.message) for problem in caught.value.problems]


def test_a_good_file_is_read_as_written() -> None:
    scenario = parse_scenario(GOOD, "some/auth_down.yaml")
    assert (scenario.name, scenario.file) == ("auth_down", "some/auth_down.yaml")
    assert scenario.duration == 80.0
    assert scenario.traffic["chat"].json_ == {"message": "hello", "project_id": "{project}"}
    assert [fault.upstreams for fault in scenario.faults] == [("auth",)]
    assert scenario.expect[0].opens == Around(9, 1)  # type: ignore[union-attr]
    assert scenario.expect[1].during == Window(10, 68)  # type: ignore[union-attr]


def test_steps_of_the_clock_are_of_the_target_and_add_up() -> None:
    steps = (
        "to: 50s\n  - {fault: clock_step, by: -1h, from: 10s}\n  - {fault: clock_step, by: +90s}"
    )
    _, back, forth = parse_scenario(GOOD.replace("to: 50s", steps), "x.yaml").faults
    assert isinstance(back, ClockStep)
    assert isinstance(forth, ClockStep)
    assert (back.by, forth.by) == (-3600.0, 90.0)
    assert (back.upstreams, back.subject, back.where) == ((), "target", "target")


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_with_its_line(name: str) -> None:
    before, after, line, message = MISTAKES[name]
    assert before in GOOD
    found = problems(GOOD.replace(before, after, 1))
    assert any(at == line and message in text for at, text in found), found


@pytest.mark.parametrize("name", MISTAKES)
def test_nothing_of_pydantic_or_yaml_leaks(name: str) -> None:
    before, after, _, _ = MISTAKES[name]
    for _, text in problems(GOOD.replace(before, after, 1)):
        for leak in (
            "Input should",
            "valid dictionary",
            "instance of",
            "union",
            "pydantic",
            "None",
        ):
            assert leak not in text


def test_one_mistake_is_one_problem() -> None:
    noisy = {}
    for name, (before, after, _, _) in MISTAKES.items():
        count = len(problems(GOOD.replace(before, after, 1)))
        if count > 1:
            noisy[name] = count
    # In these the replacement really breaks two things.
    two = {"no engine left", "empty traffic", "name of a stream", "how a token is sent"}
    assert set(noisy) == two, noisy


def test_all_problems_of_a_file_are_told_at_once() -> None:
    text = GOOD
    for before, after in (
        ("duration: 80s", "durration: 80"),
        ("as: ada", "as: adda"),
        ("fault: blackhole", "fault: blackhol"),
        ("to: 50s", "to: 50"),
        ("opens: 9s ± 1s", "opens: 9s"),
        ("status: 401", "status: {5xx}"),
        ("traffic: chat", "traffic: chatt"),
        ("calls: 0", "calls: -1"),
    ):
        text = text.replace(before, after, 1)
    lines = [line for line, _ in problems(text)]
    assert set(lines) >= {3, 8, 12, 14, 17, 20, 23}


def test_words_that_yaml_1_1_takes_for_booleans_stay_words() -> None:
    text = GOOD.replace("from: 0s", "on: POST /verify_token").replace("hello", "no")
    scenario = parse_scenario(text, "x.yaml")
    assert scenario.faults[0].on == "POST /verify_token"
    assert scenario.traffic["chat"].json_["message"] == "no"


@pytest.mark.parametrize(
    ("data", "line", "message"),
    [
        (b"", 1, "is empty"),
        (b"# nothing but a comment\n", 1, "is empty"),
        (b"--- \n", 1, "is empty"),
        (b"- a\n- b\n", 1, "expected a scenario"),
        (b"just text\n", 1, "expected a scenario"),
        (b"title: caf\xe9\n", 1, "not UTF-8"),
        (b"title: x\nclaims: [\xff]\n", 2, "not UTF-8"),
        ("title: x\n".encode("utf-16"), 1, "not UTF-8"),
        (b"title: x\n" * 200_000, 1, "larger than"),
        (b"[" * 100_000, 1, "deeper"),
        (b"title: x\0\n", 1, "control character"),
        ("title: x\nclaims: []\x85- x".encode(), 2, "control character"),
    ],
)
def test_what_is_no_scenario_at_all(data: bytes, line: int, message: str) -> None:
    found = problems(data)
    assert any(at == line and message in text for at, text in found), found


def test_a_byte_order_mark_is_no_mistake() -> None:
    assert parse_scenario(b"\xef\xbb\xbf" + GOOD.encode(), "x.yaml").title.startswith("Auth")


def test_anchors_that_expand_without_bound_are_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert "aliases counted" in problems("\n".join(lines))[0][1]


def test_aliases_serve_to_say_something_once() -> None:
    text = GOOD.replace("status: 401", "status: &down 401").replace(
        "{status: 5xx}", "{status: *down}"
    )
    scenario = parse_scenario(text, "x.yaml")
    assert scenario.expect[3].never.status == scenario.expect[1].status  # type: ignore[union-attr]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing.yaml", Path("/dev/zero"), Path("a\0b")):
        with pytest.raises(UsageError):
            load_scenario(path)


def test_problems_of_several_files_are_told_together(tmp_path: Path) -> None:
    for name, text in (("a", GOOD.replace("80s", "80")), ("b", GOOD), ("c", "")):
        (tmp_path / f"{name}.yaml").write_text(text)
    with pytest.raises(InvalidFile) as caught:
        load_scenarios(sorted(tmp_path.glob("*.yaml")))
    assert {Path(problem.file).name for problem in caught.value.problems} == {"a.yaml", "c.yaml"}


def test_scenarios_of_one_name_are_told_apart(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "down.yaml").write_text(GOOD)
    names = [scenario.name for scenario in load_scenarios(sorted(tmp_path.rglob("*.yaml")))]
    assert names == ["down", "two-down"]


def test_a_target_adds_its_own_names() -> None:
    target = parse_target(
        "name: mine\nurl: http://127.0.0.1:1\nusers: {eve: {bearer: t}}\n"
        "upstreams: {MAIL_URL: mail}\nstubs: {mail: [{route: GET /inbox}]}\n",
        "t.yaml",
    )
    text = GOOD.replace("as: ada", "as: eve").replace(
        "  - upstream: auth\n", "  - upstream: [auth, mail]\n"
    )
    assert parse_scenario(text, "x.yaml", target=target).faults[0].upstreams == ("auth", "mail")
    assert len(problems(text)) == 2


def test_statuses_in_quotes_are_statuses() -> None:
    scenario = parse_scenario(GOOD.replace("status: 401", 'status: ["401", "5xx"]'), "x.yaml")
    status = scenario.expect[1].status  # type: ignore[union-attr]
    assert status is not None
    assert [code for code in (400, 401, 402, 500, 599) if code in status] == [401, 500, 599]


def test_nothing_in_json_is_a_value() -> None:
    scenario = parse_scenario(GOOD.replace("message: hello", "message: null"), "x.yaml")
    assert scenario.traffic["chat"].json_["message"] is None


def test_other_statuses_for_other_requests_are_no_contradiction() -> None:
    more = (
        "  - {during: 68s..end, traffic: chat, status: 200}\n"
        "  - {during: 20s..30s, traffic: chat, status: [401, 503]}\n"
        "  - {during: 20s..30s, traffic: chat, status: 503, at_least: 10%}\n"
    )
    assert len(parse_scenario(GOOD + more, "x.yaml").expect) == 7


def _calls_to_read(text: str) -> int:
    """How many Python functions are called to read a good file: its cost on any machine."""
    calls = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        parse_scenario(text, "x.yaml")
    finally:
        sys.setprofile(None)
    return calls


def test_reading_takes_as_long_as_the_file_is() -> None:
    """Each fault with each other fault took minutes for three thousand of them."""

    def text(many: int) -> str:
        faults = (
            f"  - {{upstream: git, fault: refused, from: {at}ms, to: {at + 1}ms}}\n"
            for at in range(many)
        )
        expectations = "  - {traffic: chat, requests: 11, status: 401}\n" * many
        return GOOD.replace("expect:\n", "".join(faults) + "expect:\n") + expectations

    parse_scenario(text(1), "x.yaml")  # what is only made once
    assert _calls_to_read(text(400)) < 3 * _calls_to_read(text(200))


def test_toxics_of_one_kind_may_stand_in_opposite_directions() -> None:
    pair = "".join(
        f"  - {{upstream: git, fault: latency, latency: 1s, stream: {stream}}}\n"
        for stream in ("upstream", "downstream")
    )
    text = GOOD.replace("expect:\n", pair + "expect:\n")
    assert len(parse_scenario(text, "x.yaml").faults) == 3
    both = text.replace("stream: downstream", "stream: both")
    assert [line for line, _ in problems(both)] == [16]


@pytest.mark.parametrize("path", bundled_scenarios(), ids=lambda path: path.stem)
def test_bundled_scenarios_are_valid(path: Path) -> None:
    assert load_scenario(path).claims


LINES = GOOD.splitlines(keepends=True)
JUNK = [
    *"\t{}[]:\"'~\n0#|>%?,\x00ü",
    *["- ", "&a ", "*a", "!!str ", "  ", "-1", "1e9", "true", "9s", "auth", "on", "chat", "---\n"],
]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_whatever_is_done_to_a_file_gives_no_traceback(data: st.DataObject) -> None:
    text = GOOD
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        until = data.draw(st.integers(at, min(len(text), at + 12)))
        text = text[:at] + data.draw(st.sampled_from(JUNK)) + text[until:]
    _is_read_or_refused(text)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(LINES), max_size=40).map("".join))
def test_lines_in_any_order_give_no_traceback(text: str) -> None:
    _is_read_or_refused(text)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=80))
@example("\ud800")
@example("a: &a")
@example("\x85- x")
def test_any_text_gives_no_traceback(text: str) -> None:
    _is_read_or_refused(text)


def _is_read_or_refused(text: str) -> None:
    lines = text.count("\n") + text.count("\r") + 1
    found: tuple[Problem, ...] = ()
    try:
        parse_scenario(text, "x.yaml")
    except InvalidFile as error:
        found = error.problems
        if not found:
            pytest.fail("refused without a reason")
    assert all(1 <= problem.line <= lines for problem in found)


_ROUTED = GOOD.replace("to: 50s", "to: 50s\n    on: GET /price/apple")


def test_a_target_may_add_routes_to_a_stub() -> None:
    stubs = "stubs: {auth: [{route: GET /price/*, json: {}}]}"
    target = parse_target(f"name: t\nurl: http://127.0.0.1:1\n{stubs}\n", "t.yaml")
    assert parse_scenario(_ROUTED, "x.yaml", target=target).faults[0].on == "GET /price/apple"
    (problem,) = problems(_ROUTED)
    assert "auth has no GET /price/apple" in problem[1]
    assert "--target FILE" in problem[1]


def test_the_routes_of_a_real_service_are_its_own() -> None:
    text = "name: t\nurl: http://127.0.0.1:1\nreal: {auth: '127.0.0.1:2'}\n"
    target = parse_target(text, "t.yaml")
    text = _ROUTED.replace("    on: GET /price/apple", "").replace(
        "calls: 0", "calls: 0\n    on: GET /price/apple"
    )
    parse_scenario(text, "x.yaml", target=target)


@pytest.mark.parametrize(
    ("route", "message"),
    [
        ("{route: 'GET /price/{sku}', json: {}}", "'GET /price/*'"),
        ("{route: 'GET /price?sku=1', json: {}}", "without a query"),
        ("{route: GET /price, json: {}, headers: {Content-Length: '5'}}", "framed"),
    ],
)
def test_what_no_stub_can_answer_is_refused_in_a_target_file(route: str, message: str) -> None:
    text = f"name: t\nurl: http://127.0.0.1:1\nstubs:\n  auth:\n    - {route}\n"
    with pytest.raises(InvalidFile) as caught:
        parse_target(text, "t.yaml")
    (problem,) = caught.value.problems
    assert problem.line == 5
    assert message in problem.message


def test_thousands_of_faults_are_compared_in_no_time() -> None:
    faults = "".join(
        f"  - {{upstream: auth, fault: status, status: 503, on: POST /login, calls: {n}..{n}}}\n"
        for n in range(1, 3001)
    )
    text = GOOD.replace("expect:", f"{faults}expect:")
    assert len(parse_scenario(text, "x.yaml").faults) == 3001


def test_all_are_those_of_the_target_and_are_remembered_as_such() -> None:
    text = GOOD.replace("upstream: auth\n    fault", "upstream: all\n    fault", 1)
    (fault,) = parse_scenario(text, "x.yaml").faults
    assert set(fault.upstreams) == set(document().upstreams)
    assert fault.of_all
    named = GOOD.replace("upstream: auth\n    fault", "upstream: [auth, git]\n    fault", 1)
    assert not parse_scenario(named, "x.yaml").faults[0].of_all
