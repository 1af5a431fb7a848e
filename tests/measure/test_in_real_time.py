"""Measuring in real time: a gateway in Node, whose settings nobody tells the harness."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.cli.entry import call
from harness.engines.base import Job
from harness.engines.local.engine import LocalEngine
from harness.errors import WorldError
from harness.measure.downs import REFUSALS, Downs
from harness.measure.findings import Findings, Span
from harness.measure.realtime import study as study_module
from harness.measure.realtime.budget import Budget, allowed_s, announcement
from harness.measure.realtime.ground import Ground, Grounds
from harness.measure.realtime.looks import Look
from harness.measure.realtime.rate import Dose, note_share
from harness.measure.realtime.recovery import Volley, Watched, note_trials
from harness.measure.realtime.study import Study
from harness.measure.routes import Called
from harness.target.loading import load_target

PRICE = Called(
    name="price", request="GET /price", stream={"request": "GET /price"},
    calls=(("rates", "GET /rate"),), status=200, lasts_s=0.1,
)  # fmt: skip
TARGET = Path(__file__).parents[1] / "node_gateway" / "target.yaml"


def test_it_says_beforehand_how_long_it_takes() -> None:
    assert allowed_s(20.0) == 120.0
    assert "at most 120s" in announcement(1, 20.0)
    assert "at most 240s" in announcement(3, 20.0)
    assert "2 of 3 upstreams at a time" in announcement(3, 20.0)


def test_the_deadline_comes_nearer_when_all_waits_are_known() -> None:
    budget = Budget(longest_s=60.0, began_s=0.0, upstreams=2)
    assert budget.deadline_s == 240.0
    budget.note_wait("rates", 5.0)
    assert budget.deadline_s == 240.0
    budget.note_wait("stock", 10.0)
    assert budget.deadline_s == 90.0


def test_a_busy_machine_is_given_what_was_announced_and_no_more() -> None:
    """Where others had the processors, all that was still unknown of a rate came to nothing."""
    ends_s = []
    for busy in (1.0, 2.0, 12.0):
        budget = Budget(longest_s=60.0, began_s=0.0, busy=busy)
        budget.note_wait("rates", 10.0)
        ends_s.append(budget.deadline_s)
    assert ends_s == [90.0, 150.0, allowed_s(60.0)]


def test_a_deadline_takes_nothing_from_those_who_wait_for_the_same() -> None:
    """Whoever is broken off while it waits for what opens it leaves that to the others."""

    async def rule_is_late() -> tuple[bool, bool, dict[str, str]]:
        budget = Budget(longest_s=0.0, began_s=time.monotonic() - 1000.0)
        found = Findings(upstream="rates")
        study = Study(cast(Grounds, None), found, [PRICE], Downs(), budget)
        await study._rule()
        return study._opening.cancelled(), study._known.done(), found.unknown

    cancelled, known, unknown = asyncio.run(rule_is_late())
    assert not cancelled
    assert known
    assert "no time left" in unknown["breaker.rule"]


def test_what_was_found_in_time_is_not_said_to_have_come_too_late() -> None:
    """A world that is slow to be taken down ends after the deadline, what it told did not."""
    found = Findings(upstream="tides")
    found.breaker.trials, found.counts["503"] = 2, "failure"
    for key in ("breaker.trials", "breaker.successes", "counts.503", "counts.404", "by"):
        found.cannot_tell(key, "there was no time left for it after 112 s")
    found.settle()
    assert set(found.unknown) == {"breaker.successes", "counts.404", "by"}


class Halting:
    """An engine whose worlds can't be built at first."""

    def __init__(self, times: int) -> None:
        self.times = times

    @asynccontextmanager
    async def world(self, job: Job, record: Any, *, watched: bool) -> AsyncIterator[str]:
        self.times -= 1
        if self.times >= 0:
            raise WorldError("the deck stub does not answer the harness")
        yield "a world"


@pytest.mark.parametrize(("times", "stands"), [(2, True), (3, False)])
def test_a_world_for_which_the_machine_was_too_late_is_built_again(
    times: int, stands: bool
) -> None:
    async def built() -> bool:
        grounds = Grounds(load_target(str(TARGET)), cast(LocalEngine, Halting(times)))
        async with AsyncExitStack() as stack:
            try:
                await grounds._stand(stack, cast(Job, None), [])
            except WorldError:
                return False
            return True

    assert asyncio.run(built()) is stands


@pytest.mark.parametrize(
    ("volleys", "trials", "why"),
    [
        ([(1, 13, 12), (12, 12, 0)], 1, ""),
        ([(13, 13, 0)], None, "all of 13"),
        ([(5, 13, 6)], None, "too late"),  # of two it is not known
    ],
)
def test_trials_are_counted_where_it_is_known_of_everybody(
    volleys: list[tuple[int, int, int]], trials: int | None, why: str
) -> None:
    found = Findings(upstream="rates")
    seen = [Volley(let=let, asked=asked, away=away) for let, asked, away in volleys]
    watched = Watched(wait=Span(low_s=1.0, high_s=1.1), volleys=seen)
    note_trials(found, watched, queues=False)
    assert found.breaker.trials == trials
    assert why in found.unknown.get("breaker.trials", "")
    assert found.breaker.successes == (1 if trials else None)


@pytest.mark.parametrize(
    ("plays", "trials", "times"),
    [([True], 1, 1), ([False, True], 1, 2), ([False, False, True], 1, 3), ([False] * 4, None, 3)],
)
def test_who_may_pass_is_tried_again_where_the_machine_was_too_late(
    plays: list[bool], trials: int | None, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One world that others kept from the processors had it null."""
    in_time = iter(plays)

    async def watched(ground: Ground, trip: Span, **more: Any) -> Watched:
        sure = [Volley(let=1, asked=13, away=12), Volley(let=12, asked=12, away=0)]
        late = [Volley(let=5, asked=13, away=6)]
        wait = Span(low_s=1.0, high_s=1.1)
        return Watched(wait=wait, volleys=sure if next(in_time) else late)

    async def looked() -> Findings:
        found = Findings(upstream="rates")
        grounds = cast(Grounds, SimpleNamespace(ground=a_ground))
        study = Study(grounds, found, [PRICE], Downs(), Budget(longest_s=60.0))
        study._opening.set_result(Look(kind="503", calls=[], opened=True))
        await study._recovery()
        return found

    opened: list[str] = []

    @asynccontextmanager
    async def a_ground(stream: Any, upstream: str) -> AsyncIterator[Any]:
        opened.append(upstream)

        async def call(within_s: float) -> None:
            """Healthy."""

        yield SimpleNamespace(call=call)

    async def again(ground: Ground, opening: Look, patience_s: float) -> Look:
        return opening

    monkeypatch.setattr(study_module, "watch", watched)
    monkeypatch.setattr(study_module, "open_again", again)
    found = asyncio.run(looked())
    assert len(opened) == times
    assert found.breaker.trials == trials
    assert found.breaker.wait is None or found.breaker.wait.low_s == 1.0
    assert ("breaker.trials" in found.unknown) is (trials is None)


def _dose(failures: int | None) -> Dose:
    return Dose(
        made=failures or 130,
        failures=failures,
        attempts=1,
        since_first_s=0.2,
        last_to_first_s=0.1,
        last_to_end_s=0.2,
    )


def test_a_share_and_a_window_of_calls_are_told_by_how_many_failures_open_it() -> None:
    found = Findings(upstream="rates")
    # Half of at least 6: as many failures as there were successes.
    note_share(found, 6, {10: _dose(10), 30: _dose(30), 90: _dose(90)})
    share = found.breaker.share
    assert share is not None
    assert share.low_s < 0.5 <= share.high_s
    assert share.error_s < 0.01
    assert found.breaker.window_calls is None
    # Of the last 20 calls: ten failures, whatever came before.
    found = Findings(upstream="rates")
    note_share(found, 6, {10: _dose(10), 30: _dose(10), 90: _dose(10)})
    window = found.breaker.window_calls
    assert window is not None
    assert window.low_s <= 20 <= window.high_s


@pytest.mark.real_time
def test_a_breaker_in_node_is_found_as_its_code_has_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    if shutil.which("node") is None:
        if "node" in os.environ.get("OUTAGE_REQUIRE", "").split(","):
            pytest.fail("OUTAGE_REQUIRE names node, and there is none")
        pytest.skip("there is no node")
    given = ["measure", "--target", str(TARGET), "--engine", "local", "--longest-wait", "10s"]
    assert call([*given, "--format", "json"]) == 0
    told = capsys.readouterr()
    assert "at most 90s" in told.err
    document = json.loads(told.out)
    found, unknown = document["upstreams"]["rates"], document["unknown"]
    breaker, errors = found["breaker"], found["errors"]
    configured = {"timeout_s": 0.7, "connect_timeout_s": 0.7, "wait_s": 3.0}
    measured = {"wait_s": breaker["wait_s"]} | {k: found[k] for k in configured if k in found}
    for key, value in configured.items():
        if measured[key] is None:  # honest where the machine was too late
            assert any(key in name for name in unknown), key
        else:
            assert abs(measured[key] - value) <= errors[key], (key, measured[key], errors[key])
    assert breaker["wait_s"] is not None
    assert breaker["rule"] == "in a row"
    exact = {"threshold": (breaker["threshold"], 4), "by": (found["by"], "attempt")}
    exact |= {"trials": (breaker["trials"], 1), "attempts": (found["attempts"], None)}
    counts = dict.fromkeys(("refused", "timeout", "cut", "500", "503"), "failure")
    counts |= {"404": "success", "429": "neutral"}
    exact |= {f"counts.{kind}": (found["counts"][kind], word) for kind, word in counts.items()}
    for key, (got, want) in exact.items():
        assert got == want or (got is None and any(key in name for name in unknown)), (key, got)
    # An order makes one attempt only, behind the same breaker.
    assert "2 by GET /price, 1 by POST /order (503" in unknown["upstreams.rates.attempts"]
    assert breaker["per"] == "upstream"
    if found["backoff_s"] is not None:
        (backoff_s,), (error_s,) = found["backoff_s"], errors["backoff_s"]
        assert abs(backoff_s - 0.4) <= error_s
    route = document["routes"]["GET /price"]
    assert (route["calls"], route["when_down"]) == (["rates GET /rate"], {"rates": 503})
    assert set(route["when_refused"]["rates"]) <= set(REFUSALS)
