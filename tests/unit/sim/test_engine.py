"""The engine: jobs in, ordinary histories out, nothing left behind."""

from __future__ import annotations

import ast
import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from harness.engines.base import Job, Progress
from harness.engines.sim.determinism import check_determinism, first_difference
from harness.engines.sim.engine import SimEngine
from harness.engines.sim.nursery import Nursery
from harness.engines.sim.plans import make_plan
from harness.errors import TargetError, WorldError
from harness.history.events import Answered, Ended, Event, Logged, Run, Sent, Trouble
from harness.history.lines import to_json
from harness.history.view import History
from harness.scenario.model import Scenario
from harness.target import Start, Target
from harness.timeline import compile_timeline

from .conftest import Simulate

GATEWAY = """
import os, time, requests
def app(environ, start_response):
    try:
        answer = requests.get(os.environ["AUTH_SERVER_URL"] + "/health", timeout=1)
        start_response(f"{answer.status_code} so", [("Set-Cookie", "auth_token=s3cr3t; Secure")])
    except requests.RequestException:
        start_response("503 no", [])
    print("worked for", environ["REMOTE_ADDR"], environ.get("HTTP_AUTHORIZATION"))
    return [b"{}"]
"""


def scenario(**more: object) -> Scenario:
    fields: dict[str, object] = {
        "title": "auth refuses",
        "duration": "10s",
        "traffic": {"look": {"request": "GET /", "as": "ada", "rate": "1/s", "addresses": 2}},
        "faults": [{"upstream": "auth", "fault": "refused", "from": "2s", "to": "6s"}],
        "expect": [{"during": "0s..1s", "traffic": "look", "status": 200}],
    }
    return Scenario.model_validate(fields | more).model_copy(update={"name": "refuses"})


@pytest.fixture
def engine() -> Iterator[SimEngine]:
    engine = SimEngine()
    yield engine
    engine.close_now()


def job(folder: Path, *, source: str = GATEWAY, seed: int = 0, **more: object) -> Job:
    (folder / "gw.py").write_text(source, encoding="utf-8")
    played = scenario(**more)
    target = Target(
        name="small",
        start=Start(command=("{python}", "gw.py"), wsgi="gw:app"),
        upstreams={"AUTH_SERVER_URL": "auth"},
        ready="GET /health",
    ).model_copy(update={"file": str(folder / "target.yaml")})
    return Job(
        scenario=played, timeline=compile_timeline(played), target=target, seed=seed, folder=folder
    )


def of(events: tuple[Event, ...], kind: type[Event]) -> list[Event]:
    return [event for event in events if isinstance(event, kind)]


@pytest.mark.parametrize("lines", [False, True])
def test_the_last_line_says_what_is_not_shown(lines: bool, tmp_path: Path) -> None:
    engine = SimEngine(lines=lines)
    last = engine.play_now(job(tmp_path))[-1]
    engine.close_now()
    assert isinstance(last, Logged)
    assert last.line.startswith("played with seed 0 on Python ")
    assert last.line.endswith("; not shown: CPU time") is lines


def test_a_history_like_any_other_engine_s(engine: SimEngine, tmp_path: Path) -> None:
    events = engine.play_now(job(tmp_path))
    history = History(events)
    assert isinstance(events[0], Run)
    assert history.run.engine == "sim"
    assert [r.status for r in history.requests] == [200] * 2 + [503] * 4 + [200] * 4
    assert [r.client for r in history.requests[:3]] == ["127.0.0.2", "127.0.0.3", "127.0.0.2"]
    assert [w.status for w in history.warm_up] == [200]
    (fault,) = history.faults
    assert (fault.start_s, fault.end_s) == (2.0, 6.0)
    assert history.end_s == 10.0
    assert history.troubles == ()
    assert {c.what for c in history.crossings} >= {"accepted", "request", "response", "closed"}
    assert len(history.calls_to("auth")) == 8


def test_no_secret_gets_into_a_history(engine: SimEngine, tmp_path: Path) -> None:
    text = "\n".join(map(to_json, engine.play_now(job(tmp_path))))
    assert "worked for" in text
    assert "token-ada" not in text
    assert "s3cr3t" not in text


def test_the_same_job_twice_in_one_command_and_in_another(tmp_path: Path) -> None:
    histories = []
    for _ in range(2):
        engine = SimEngine()
        histories += [engine.play_now(job(tmp_path, seed=5)) for _ in range(2)]
        engine.close_now()
    assert len({"\n".join(map(to_json, history)) for history in histories}) == 1


def test_several_at_once_in_one_event_loop(engine: SimEngine, tmp_path: Path) -> None:
    folders = [tmp_path / str(n) for n in range(4)]
    got: list[list[Event]] = [[] for _ in folders]

    async def gate() -> None:
        return None

    async def main() -> None:
        told: list[Progress] = []
        plays = []
        for folder, events in zip(folders, got, strict=True):
            folder.mkdir()
            plays.append(engine.play(job(folder), events.append, told.append, gate))
        await asyncio.gather(*plays)

    asyncio.run(main())
    texts = {"\n".join(map(to_json, events)) for events in got}
    assert len(texts) == 1


def test_a_target_without_wsgi_is_told_so(engine: SimEngine, tmp_path: Path) -> None:
    made = job(tmp_path)
    target = made.target.model_copy(update={"start": Start(command=("x",))})
    plain = Job(
        scenario=made.scenario, timeline=made.timeline, target=target, seed=0, folder=tmp_path
    )
    with pytest.raises(WorldError, match="wsgi"):
        engine.play_now(plain)


def test_a_target_that_crashes_in_c_is_told_so(engine: SimEngine, tmp_path: Path) -> None:
    source = "import ctypes\nctypes.string_at(0)\n"
    with pytest.raises(WorldError, match="by signal 11"):
        engine.play_now(job(tmp_path, source=source))
    assert History(engine.play_now(job(tmp_path))).troubles == ()


def test_escapes_are_troubles(engine: SimEngine, tmp_path: Path) -> None:
    source = GATEWAY.replace("    try:", "    os.system('true')\n    try:", 1)
    events = engine.play_now(job(tmp_path, source=source))
    troubles = [event.what for event in events if isinstance(event, Trouble)]
    assert any(what.startswith("escaped the simulation: gw.py:4 ") for what in troubles)


def test_a_failed_import_is_the_targets_with_its_own_traceback(
    engine: SimEngine, tmp_path: Path
) -> None:
    source = "print('about to')\ndef load():\n    import nothing_of_this_name\nload()\n"
    with pytest.raises(TargetError) as raised:
        engine.play_now(job(tmp_path, source=source))
    error = raised.value
    assert error.why.endswith(
        "could not be started: ModuleNotFoundError from importing gw:app at gw.py:3"
    )
    assert error.output.splitlines()[:3] == [
        "about to",
        "Traceback (most recent call last):",
        f'  File "{tmp_path}/gw.py", line 4, in <module>',
    ]
    assert "harness" not in error.output
    assert error.output.endswith("ModuleNotFoundError: No module named 'nothing_of_this_name'")


@pytest.mark.parametrize(
    ("end", "status"),
    [
        ("os._exit(3)", 3),
        ("os.abort()", -6),
        ("os.kill(os.getpid(), 9)", -9),
        ("__import__('ctypes').string_at(0)", -11),
    ],
)
def test_a_target_that_ends_its_process_is_told_with_its_last_words(
    end: str, status: int, engine: SimEngine, tmp_path: Path
) -> None:
    source = f"""import os
COUNT = [0]
def app(environ, start_response):
    COUNT[0] += 1
    if COUNT[0] > 3:
        print("panic: token-ada was too much")
        {end}
    start_response("200 OK", [])
    return [b"{{}}"]
"""
    history = History(engine.play_now(job(tmp_path, source=source)))
    (ended,) = history.all(Ended)
    assert (ended.status, ended.said) == (status, ("panic: [redacted] was too much",))
    assert history.end_s == ended.at_s
    assert len(history.requests) > 1


def test_a_cancelled_play_ends_its_process(engine: SimEngine, tmp_path: Path) -> None:
    endless = "def app(environ, start_response):\n    while True: pass\n"
    nursery = engine._nursery

    async def gate() -> None:
        return None

    async def main() -> None:
        made = job(tmp_path, source=endless)
        task = asyncio.create_task(engine.play(made, print, print, gate))
        until_s = time.monotonic() + 20
        while nursery._process is None or not children(nursery._process.pid):
            assert time.monotonic() < until_s
            await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        until_s = time.monotonic() + 10
        while children(nursery._process.pid):
            assert time.monotonic() < until_s, "the child lives on"
            await asyncio.sleep(0.02)

    asyncio.run(main())


def children(pid: int) -> list[str]:
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return file.read().split()
    except FileNotFoundError:
        return []


def test_closing_ends_the_nursery(tmp_path: Path) -> None:
    engine = SimEngine()
    engine.play_now(job(tmp_path))
    nursery = engine._nursery._process
    engine.close_now()
    assert nursery is not None
    with pytest.raises(ProcessLookupError):
        os.kill(nursery.pid, 0)


WAITS = "voluntary_ctxt_switches"


def waits_of(pid: int) -> int:
    """How often a process has begun to wait for something, by Linux."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(WAITS))


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="only Linux tells of a child's end so")
def test_however_long_a_play_takes_nobody_looks_again_and_again_whether_it_has_ended(
    tmp_path: Path,
) -> None:
    engine = SimEngine()
    engine.play_now(job(tmp_path))
    nursery = engine._nursery._process
    assert nursery is not None
    before = waits_of(nursery.pid)
    busy = "    import ctypes\n    ctypes.CDLL(None).usleep(20_000)\n    print("
    engine.play_now(job(tmp_path, source=GATEWAY.replace("    print(", busy, 1)))
    waited = waits_of(nursery.pid) - before
    engine.close_now()
    assert waited < 20


def test_the_doctor_trusts_an_ordinary_target(tmp_path: Path) -> None:
    found = check_determinism(job(tmp_path, seed=7))
    assert found.trustworthy
    assert found.lines()[0].startswith("Played twice with seed 7: same history.")


def test_the_doctor_names_what_differs_and_what_escapes(tmp_path: Path) -> None:
    source = GATEWAY.replace("import os,", "import ctypes, os,", 1).replace(
        "    print(", "    ctypes.CDLL(None).usleep(200_000)\n    print(os.getppid(), id, ", 1
    )
    source = source.replace("os.getppid(), id,", "open('/proc/uptime').read(),")
    found = check_determinism(job(tmp_path, source=source))
    assert not found.trustworthy
    assert found.difference is not None
    assert any(escape.startswith("gw.py:9 waited in real time") for escape in found.escapes)
    assert "can't be trusted" in found.lines()[0]


def test_the_first_difference_of_two_histories() -> None:
    def sent(number: int) -> Sent:
        return Sent(
            at_s=0.0, by="client", id=number, stream="s", number=number, planned_s=0.0,
            method="GET", path="/",
        )  # fmt: skip

    assert first_difference([sent(1)], [sent(1)]) is None
    longer = first_difference([sent(1)], [sent(1), sent(2)])
    assert longer is not None
    assert (longer.line, longer.first) == (2, "")


def test_what_the_target_prints_is_in_the_history(engine: SimEngine, tmp_path: Path) -> None:
    events = engine.play_now(job(tmp_path))
    lines = [e.line for e in events if isinstance(e, Logged) and e.by == "target"]
    assert lines[-1] == "worked for 127.0.0.3 Bearer [redacted]"
    assert len(of(events, Answered)) == 11


def test_it_makes_room_as_its_harness_does_and_hears_no_ctrl_c(simulate: Simulate) -> None:
    """Linux weighs sessions as wholes (autogroup): one of its own would undo `nice` and `chrt`."""
    outcome = simulate("import os\n\ndef work(environ):\n    return os.getsid(0), os.getpgrp()\n")
    session, group = ast.literal_eval(outcome.body)
    assert session == os.getsid(0)
    assert group != os.getpgrp()


def test_plays_at_once_are_on_different_cpus() -> None:
    nursery = Nursery(None)
    nursery._cpus = [4, 5, 6]
    assert [nursery._next_cpu() for _ in range(4)] == [5, 6, 4, 5]
    nursery._running = {100: (1, 5), 101: (2, 4)}
    assert [nursery._next_cpu() for _ in range(3)] == [6, 6, 6]
    nursery._running |= {102: (3, 6), 103: (4, 6), 104: (5, 4)}
    assert nursery._next_cpu() == 5


ENDS_TWICE = """
import os, sys, threading
from harness.engines.sim.play import Play

written = []

def write(data):
    written.append(data)
    if len(written) == 1:  # the watchdog finds that it takes too long, while it is being written
        late = threading.Thread(target=play._on_stuck, args=("too long",), daemon=True)
        late.start()
        late.join(0.3)
    os.write(1, data)

play = Play({"line_by_line": False, "real_limit_s": 60.0}, write)
play.finish(None)
"""


def test_a_play_that_ends_while_its_watchdog_ends_it_is_written_once() -> None:
    done = subprocess.run([sys.executable, "-c", ENDS_TWICE], capture_output=True, check=True)
    facts, document = map(json.loads, done.stdout.splitlines())
    assert [fact["kind"] for fact in facts] == ["phase"]
    assert document["last"] == facts[-1]["at"]


def test_a_play_of_many_requests_has_more_real_time(tmp_path: Path) -> None:
    few, many = job(tmp_path), job(tmp_path)
    many = replace(many, timeline=many.timeline * 200)
    assert make_plan(few)["real_limit_s"] == 60.0
    assert make_plan(many)["real_limit_s"] > 60.0
