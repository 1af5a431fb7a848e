"""`outage new`: what it writes holds of a sound gateway, whatever its policy is."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.entry import call
from harness.scenario.loader import load_scenario
from harness.scenario.model import Scenario
from harness.target.loading import load_target

_TARGET = """
name: t
start: {{command: [x]}}
upstreams: {{A: auth}}
breakers: {{auth: {own}}}
"""


def new(own: str, *words: str) -> Scenario:
    Path("t.yaml").write_text(_TARGET.format(own=own), encoding="utf-8")
    options = ["--target", "t.yaml", "--fault", "refused", "--for", "30s", "--no-schema", *words]
    assert call(["new", "mine", *options]) == 0
    return load_scenario("mine.yaml", target=load_target("t.yaml"))


@pytest.mark.parametrize(
    ("wait", "opened_s"),
    [
        ("60s", 60.0),
        ("2s", 2.0),
        # Opens after 0, 3 and 9 s, and at 21 s for as long again as it was down.
        ("{first: 3s, factor: 2, most: 24s, tick: 500ms}", 24.5),
        ("{first: 3s, factor: 2}", 24.0),
        ("{first: 5s, step: first}", 15.0),
    ],
)
def test_it_lasts_until_the_longest_wait_that_is_under_way_at_the_lift_is_over(
    wait: str, opened_s: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    scenario = new(f"{{attempts: 1, timeout: 1s, threshold: 2, wait: {wait}}}")
    assert scenario.duration == pytest.approx(30 + opened_s + 1 + 10)


def test_nothing_is_expected_of_a_breaker_that_there_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.yaml").write_text(
        "name: c\n"
        "upstreams: {rates: {variable: RATES, attempts: 3, timeout: 1s, breaker: {rule: none}}}\n"
        "routes: {rate: {request: GET /rate, calls: [{call: rates GET /rate, else: 503}]}}\n"
        "traffic: {rate: {request: GET /rate}}\n",
        encoding="utf-8",
    )
    (tmp_path / "t.yaml").write_text(
        "name: t\nstart: {command: [x]}\ncontract: c.yaml\nstubs: {rates: [{route: GET /rate}]}\n",
        encoding="utf-8",
    )
    assert call(["new", "mine", "--target", "t.yaml", "--fault", "refused", "--no-schema"]) == 0
    text = Path("mine.yaml").read_text(encoding="utf-8")
    assert "breaker" not in text
    assert "has recovered" not in text
    load_scenario("mine.yaml", target=load_target("t.yaml"))


@pytest.mark.parametrize(
    ("rate", "a_second", "opens"),
    [
        ("{share: 50%, within: 10s, least: 6}", 1, True),
        ("{share: 25%, within: 4s, least: 8}", 2, True),
        ("{share: 25%, within: 1s, least: 100}", 1, False),
    ],
)
def test_as_many_requests_are_sent_as_it_takes_to_open_a_breaker_by_rate(
    rate: str, a_second: int, opens: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    scenario = new(f"{{attempts: 1, timeout: 1s, rate: {rate}, wait: 4s}}")
    text = Path("mine.yaml").read_text(encoding="utf-8")
    assert f"    rate: {a_second}/s " in text
    assert ("opens: contract" in text) is opens
    assert scenario.expect


@pytest.mark.parametrize(("more", "told"), [("", True), (", under_way: true", False)])
def test_nothing_is_expected_of_when_a_breaker_opens_where_that_can_t_be_told(
    more: str, told: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """opossum's: what `new` wrote was inconclusive for any gateway."""
    monkeypatch.chdir(tmp_path)
    rate = f"{{share: 50%, within: 10s, least: 2{more}}}"
    scenario = new(f"{{attempts: 1, timeout: 1s, rate: {rate}, wait: 5s}}")
    assert any(getattr(one, "opens", None) for one in scenario.expect) is told
    assert ("calls under way count" in Path("mine.yaml").read_text()) is not told


def test_outages_at_the_border_of_a_policy_are_files_by_what_befalls_the_upstream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    own = "{attempts: 1, timeout: 1s, rate: {share: 50%, calls: 10, least: 6}, wait: 4s}"
    Path("t.yaml").write_text(_TARGET.format(own=own), encoding="utf-8")
    words = ["new", "borders", "--border", "--target", "t.yaml", "--no-schema"]
    assert call(words) == 0
    target = load_target("t.yaml")
    made = {path.stem: load_scenario(path, target=target) for path in Path("borders").iterdir()}
    assert {"auth_down_for_long", "auth_silent", "auth_odd_answers_1"} < made.keys()
    around = [one for name, one in made.items() if "around_what_opens_its_breaker" in name]
    assert len(around) > 3
    assert all(one.traffic and one.faults for one in made.values())
    assert call(words) == 2


@pytest.mark.parametrize("contract", ["", "contract: c.yaml\n"])
def test_who_knows_no_request_is_told_of_files_that_are_theirs(
    contract: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("c.yaml").write_text("name: c\nupstreams: {rates: {variable: RATES}}\n", "utf-8")
    Path("t.yaml").write_text(
        f"name: t\nstart: {{command: [x]}}\n{contract}upstreams: {{RATES: rates}}\n"
        "stubs: {rates: [{route: GET /rate}]}\n",
        encoding="utf-8",
    )
    assert call(["new", "mine", "--target", "t.yaml", "--upstream", "rates"]) == 2
    told = capsys.readouterr().err
    assert "under `routes:` of t.yaml" in told
    assert ("c.yaml" in told, "document.yaml" in told) == (bool(contract), False)


@pytest.mark.parametrize("without", ["[B1, B2, B3]", "[B2 at payments]"])
def test_nothing_hangs_on_a_breaker_that_its_target_does_without(
    without: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("t.yaml").write_text(
        "name: t\nstart: {command: [x]}\nupstreams: {PAY: payments}\n"
        "stubs: {payments: [{route: POST /pay}]}\n"
        f"routes: {{order: {{request: POST /orders}}}}\nwithout: {without}\n",
        encoding="utf-8",
    )
    Path("log.csv").write_text("start,end\n2026-11-03 12:00:00,2026-11-03 12:05:00\n", "utf-8")
    named = ["--target", "t.yaml", "--upstream", "payments"]
    assert call(["new", "mine", *named, "--fault", "refused", "--no-schema"]) == 0
    assert call(["import", "log.csv", *named, "-o", "had.yaml"]) == 0
    for name in ("mine.yaml", "had.yaml"):
        load_scenario(name, target=load_target("t.yaml"))
        text = Path(name).read_text(encoding="utf-8")
        assert "breaker" not in text
        assert "is open" not in text
