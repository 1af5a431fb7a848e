"""What is said of breakers that are wrong is true: the cause by its name, or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.engines.base import Job
from harness.engines.sim.engine import SimEngine
from harness.judge import judge
from harness.scenario.loader import load_scenario
from harness.target import Target
from harness.target.loading import load_target
from harness.timeline import compile_timeline
from harness.verdict import Finding, Verdict

HERE = Path(__file__).parent
LABELS = "label: {request: POST /labels, rate: 4/s}"
QUOTES = "quote: {request: GET /quote, rate: 1/s}"
SILENT = "{upstream: carrier, fault: blackhole, to: 40s}"
ROUTES = (
    "track: {request: GET /track/7, rate: 4/s}; "
    "watch: {request: POST /track/7, rate: 1/3s, during: 1s..}"
)
ONE_ROUTE = "{upstream: tracking, fault: status, status: 503, on: GET /events/*, to: 20s}"
WORKERS = "it behaves as one that has several breakers, as worker processes do (2 would explain it)"
LONGER = "it behaves as one that waits longer each time that it opens (16s, 2 times as long"


@dataclass(frozen=True)
class Case:
    """A gateway that is wrong, what it is asked, and all that may be said to be behind it."""

    wrong: str
    traffic: tuple[str, ...]
    faults: tuple[str, ...]
    said: frozenset[str]


def case(wrong: str, traffic: str, faults: str, *said: str) -> object:
    own = Case(wrong, tuple(traffic.split("; ")), tuple(faults.split("; ")), frozenset(said))
    return pytest.param(own, id=wrong)


CASES = (
    case(
        "shared, by rates",
        f"{LABELS}; {QUOTES}",
        "{upstream: carrier, fault: status, status: 503, to: 40s}",
        "it behaves as one that shares one breaker with rates",
        "it behaves as one that shares one breaker with carrier",
    ),
    case(
        "shared, by carrier",
        f"{LABELS}; {QUOTES}",
        SILENT,
        "it behaves as one that shares one breaker with rates",
        "it behaves as one that shares one breaker with carrier",
    ),
    case(
        "shared by likes",
        "quote: {request: GET /quote, rate: 4/s}; shelf: {request: GET /shelf, rate: 1/6s}",
        "{upstream: [rates, depot], fault: blackhole, to: 3s}",
    ),
    case(
        "one probe more",
        LABELS,
        "{upstream: carrier, fault: blackhole, to: 3s}; {upstream: carrier, fault: status, status: "
        "500, from: 3s, to: 10s}; {upstream: carrier, fault: delay, delay: 1s, from: 10s, to: 40s}",
        "it behaves as one that lets 2 through while half open",
    ),
    case("a worker and a half", LABELS, SILENT, WORKERS),
    case("one at a time", LABELS, SILENT, "never more than one call in flight at carrier"),
    case("one for all calls", ROUTES, ONE_ROUTE, "it behaves as one that has one breaker for all"),
    case("waits grow", LABELS, SILENT, LONGER),
    case(
        "a slot of 5s",
        QUOTES.replace("1/s", "2/s"),
        "{upstream: rates, fault: status, status: 503, to: 5s}; "
        "{upstream: rates, fault: status, status: 404, from: 5s, to: 25s}",
        "it behaves as one that never hears of a probe that is answered 4xx, and lets another "
        "through within 5s of it",
    ),
)


def gateway(wrong: str) -> Target:
    loaded = load_target(str(HERE / "target.yaml"))
    assert loaded.start is not None
    start = loaded.start.model_copy(update={"env": {"WRONG": wrong}})
    return loaded.model_copy(update={"start": start})


def failed(engine: SimEngine, wrong: str, one: Case, folder: Path, *expected: str) -> list[Finding]:
    own = gateway(wrong)
    lines = ["title: a test", "duration: 60s", "traffic:", *(f"  {each}" for each in one.traffic)]
    lines += ["faults:", *(f"  - {each}" for each in one.faults)]
    lines += ["expect:", *(f"  - {each}" for each in expected)] if expected else []
    file = folder / "words.yaml"
    file.write_text("\n".join(lines))
    scenario = load_scenario(file, target=own)
    timeline = compile_timeline(scenario)
    job = Job(scenario=scenario, timeline=timeline, target=own, folder=folder)
    found = judge(scenario, engine.play_now(job)).all_findings
    return [each for each in found if each.verdict is not Verdict.PASSED]


@pytest.mark.parametrize("one", CASES)
def test_what_is_behind_it_is_said_by_its_name(
    simulation: SimEngine, one: Case, tmp_path: Path
) -> None:
    assert not failed(simulation, "", one, tmp_path)
    found = failed(simulation, one.wrong, one, tmp_path)
    evidence = [words for each in found for words in each.evidence.split("; ")]
    named = [words for words in evidence if "behaves as" in words or "serialised?" in words]
    assert all(any(words.startswith(said) for said in one.said) for words in named), named
    assert all(any(words.startswith(said) for words in named) for said in one.said), found
    assert not any(
        "status page" in each.name or "status endpoint" in each.observed for each in found
    )


def test_each_route_has_a_breaker_that_is_told_by_itself(
    simulation: SimEngine, tmp_path: Path
) -> None:
    one = Case("", tuple(ROUTES.split("; ")), (ONE_ROUTE,), frozenset())
    expected = (
        "{breaker: tracking, traffic: track, opens: contract ± 300ms, attempts: contract, "
        "probes: contract ± 500ms, closes: contract ± 500ms, first_rejection: contract}",
        "{breaker: tracking, keeps: contract}",
        "{traffic: watch, status: 200}",
    )
    assert not failed(simulation, "", one, tmp_path, *expected)


def test_which_breaker_is_meant_is_unknown_where_those_of_two_routes_open(
    simulation: SimEngine, tmp_path: Path
) -> None:
    both = "{upstream: tracking, fault: status, status: 503, to: 20s}"
    one = Case("", tuple(ROUTES.split("; ")), (both,), frozenset())
    expected = "{breaker: tracking, opens: 1s ± 1s}"
    found = failed(simulation, "", one, tmp_path, expected)
    assert [each.verdict for each in found] == [Verdict.INCONCLUSIVE]
    assert "several of its routes" in found[0].expected
