"""Same seed, same facts to the byte; another seed, other interleavings, and races come to light."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.engines.sim.birth import Nursery

from .conftest import Simulate, send

BUSY = """
import logging, os, random, requests, threading, time, uuid
from concurrent.futures import ThreadPoolExecutor, as_completed
pool = ThreadPoolExecutor(4)
session = requests.Session()
lock = threading.Lock()
count = 0
def one(i):
    global count
    time.sleep(random.random())
    with lock:
        count += 1
    try:
        session.get(os.environ["UPSTREAM"] + f"/{i}", timeout=1)
    except requests.RequestException:
        pass
    return i
def work(environ):
    done = [f.result() for f in as_completed({pool.submit(one, i) for i in range(6)})]
    logging.warning("%s %s %s", done, uuid.uuid4(), {"a", "b", "c"})
    return f"{done} {count} {time.time()}"
"""
STEPS = [send(float(i // 3), number=i + 1) for i in range(12)]


def facts(simulate: Simulate, seed: int) -> str:
    outcome = simulate(BUSY, seed=seed, steps=STEPS)
    assert outcome.escapes == []
    assert outcome.troubles == []
    return json.dumps([outcome.facts, outcome.document["switches"]])


@pytest.mark.parametrize("seed", [0, 1, 7])
def test_the_same_seed_gives_the_same_facts(seed: int, simulate: Simulate) -> None:
    assert facts(simulate, seed) == facts(simulate, seed)


def test_another_seed_gives_other_facts(simulate: Simulate) -> None:
    assert len({facts(simulate, seed) for seed in (0, 1, 2)}) == 3


@pytest.fixture
def another_nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()


def test_a_fresh_process_and_one_with_libraries_loaded_agree(
    simulate: Simulate, another_nursery: Nursery, tmp_path: Path
) -> None:
    here = simulate(BUSY, seed=3, steps=STEPS)
    plan = json.loads(max(tmp_path.glob("plan-*.json")).read_text())
    fresh = another_nursery.play(plan, tmp_path).result(60)
    another_nursery.learn(fresh["libraries"])
    warm = another_nursery.play(plan, tmp_path).result(60)
    assert here.facts == list(fresh["facts"]) == list(warm["facts"])


RACE = """
import threading, time
count = 0
guard = threading.Lock()
def work(environ):
    global count
    if environ["PATH_INFO"] == "/count":
        return count
    seen = count
    LOOK
    count = seen + 1
    return "ok"
"""
LOOKS = {
    "a look at the clock": "time.monotonic()",
    "a lock's entry": "guard.acquire(); guard.release()",
}


def lost(simulate: Simulate, look: str, seed: int, *, lines: bool = False) -> int:
    steps = [*(send(1.0, number=i + 1) for i in range(8)), send(9.0, "/count", 9)]
    outcome = simulate(RACE.replace("LOOK", look), seed=seed, steps=steps, lines=lines)
    assert outcome.troubles == []
    return 8 - int(outcome.bodies[-1])


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS.keys())
def test_some_seed_loses_an_update_and_the_plain_one_none(look: str, simulate: Simulate) -> None:
    assert lost(simulate, look, 0) == 0
    assert any(lost(simulate, look, seed) for seed in range(1, 20))


def test_line_events_find_a_race_without_a_lock_or_a_clock(simulate: Simulate) -> None:
    assert not any(lost(simulate, "pass", seed) for seed in range(1, 6))
    assert any(lost(simulate, "pass", seed, lines=True) for seed in range(1, 20))
