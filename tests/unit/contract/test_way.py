"""What each kind of fault does to an attempt, as its row says it and as the bytes show it."""

from __future__ import annotations

import heapq
import itertools
import json
import random
from collections.abc import Callable

import pytest
import yaml
from pydantic import TypeAdapter

from harness.contract.attempt import Attempt, Delivered
from harness.contract.chance import Chance
from harness.contract.prediction import predict
from harness.contract.routes import Attempted, Call, flow_of
from harness.contract.service import Sent, Service
from harness.contract.way import Way
from harness.contracts import document
from harness.policy.counting import Result
from harness.scenario.faults import KINDS, Fault, FaultBase, Kind
from harness.scenario.faults.served import Served
from harness.scenario.loader import parse_scenario
from harness.scenario.traffic import Stream
from stub_services import Connection, build

CALL = Call(upstream="auth", route="POST /verify_token", says={"valid": True})
BEGINS_S, LIFTED_S = 1.0, 10.0
AS_LIFTED = pytest.approx(LIFTED_S, abs=0.01)
"""One toxic after the other, each with a call to the proxy."""
OWN = {"latency": {"latency": "3s"}, "timeout": {"timeout": "0s"}, "limit_data": {"bytes": "20B"}}
PLAYED = [
    kind for kind in KINDS.values() if "sim" in kind.engines and kind.where not in ("target",)
]


def make(kind: Kind, **more: object) -> FaultBase:
    keys = {key: yaml.safe_load(text) for key, text in kind.example.items()}
    keys |= OWN.get(kind.name, {})
    value = {"upstream": "auth", "fault": kind.name, **keys, **more}
    made: FaultBase = TypeAdapter(Fault).validate_python(value)
    return made


class Clock:
    """Virtual time for one test."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()

    def at(self, at_s: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (at_s, next(self._count), act))

    def run(self) -> None:
        while self._queue:
            self.now_s, _, act = heapq.heappop(self._queue)
            act()


def attempted(*faults: FaultBase, begin_s: float, usual_s: float) -> tuple[float, bool]:
    """When an attempt ended, and whether with an answer; faults are in force from 1 to 10 s."""
    clock = Clock()
    way = Way(clock, Chance(0), [BEGINS_S, LIFTED_S])
    ends: list[tuple[float, bool]] = []

    def ended(delivered: Delivered) -> None:
        ends.append((clock.now_s, delivered.whole))

    attempt = Attempt(
        way=way,
        call=CALL,
        user="ada",
        usual_s=usual_s,
        timeout_s=60.0,
        on_work=lambda: None,
        on_end=ended,
    )
    for index, fault in enumerate(faults):
        clock.at(BEGINS_S, lambda index=index, fault=fault: way.apply(index, fault))
        clock.at(LIFTED_S, lambda index=index, fault=fault: way.lift(index, fault))
    clock.at(begin_s, attempt.begin)
    clock.at(60.0, attempt.abandon)
    clock.run()
    return ends[0] if ends else (60.0, False)


@pytest.mark.parametrize("kind", PLAYED, ids=lambda kind: kind.name)
def test_its_row_says_what_it_does_to_an_attempt_under_way(kind: Kind) -> None:
    at_s, whole = attempted(make(kind), begin_s=0.5, usual_s=3.5)
    usual_s = 4.0
    match kind.running:
        case "nothing":
            assert (at_s, whole) == (usual_s, True)
        case "cut":
            assert not whole
            assert at_s < BEGINS_S + 3.6  # the client hears of it within the usual time
        case "silent":
            assert (at_s, whole, kind.lift) == (AS_LIFTED, False, "cuts")
        case "late":
            assert (at_s, whole, kind.lift) == (AS_LIFTED, True, "delivers")
        case "slow":
            assert whole
            assert usual_s <= at_s < LIFTED_S
        case "broken":
            assert (at_s, whole) == (usual_s, False)


@pytest.mark.parametrize("kind", PLAYED, ids=lambda kind: kind.name)
def test_its_row_says_what_it_does_to_a_new_attempt(kind: Kind) -> None:
    at_s, whole = attempted(make(kind), begin_s=2.0, usual_s=0.01)
    match kind.new:
        case "answers" | "otherwise":
            assert whole
            assert at_s == pytest.approx(2.01)
        case "slow":
            assert whole
            assert at_s >= 2.01
        case "broken":
            assert not whole or kind.name == "undecodable"  # whole, and of no use
            assert at_s == pytest.approx(2.01)
        case "at once":
            assert not whole
            assert at_s < 2.1
        case "silent":
            assert (at_s, whole, kind.lift) == (AS_LIFTED, False, "cuts")
        case "late":
            assert whole
            assert at_s >= LIFTED_S
            assert kind.lift == "delivers"


@pytest.mark.parametrize("kind", [k for k in PLAYED if k.in_stub], ids=lambda kind: kind.name)
def test_played_by_the_stub_it_leaves_attempts_under_way_alone(kind: Kind) -> None:
    fault = make(kind, on="POST /verify_token")
    assert attempted(fault, begin_s=0.5, usual_s=3.5) == (4.0, True)


@pytest.mark.parametrize("kind", ["blackhole", "request_lost", "reply_lost"])
def test_silence_of_the_stub_is_lifted_by_closing(kind: str) -> None:
    fault = make(KINDS[kind], first=5)
    assert attempted(fault, begin_s=2.0, usual_s=0.01) == (LIFTED_S, False)


def test_lifting_a_latency_delivers_at_once_what_it_held() -> None:
    latency = make(KINDS["latency"], latency="30s")
    assert attempted(latency, begin_s=2.0, usual_s=0.01) == (LIFTED_S, True)


def test_a_reset_with_a_timeout_closes_even_while_the_service_is_paused() -> None:
    reset, pause = make(KINDS["reset"], timeout="1s"), make(KINDS["pause"])
    assert attempted(pause, reset, begin_s=2.0, usual_s=0.01) == (3.0, False)


_BEHIND = """title: a limit goes behind a stall that stays, and takes along what that holds
duration: 25s
traffic: {lookup: {request: GET /v1/api/lookup?q=x, as: ada, rate: 1/s}}
faults:
  - {upstream: external_data, fault: stall, to: 25s}
  - {upstream: external_data, fault: limit_data, bytes: 1B, stream: both, to: 500ms}
expect: [{never: {status: 599}}]
"""


def test_what_a_lift_sets_free_may_be_answered_before_the_other_direction_is_lifted() -> None:
    """Then the first of the lookups is answered, and it takes one more until the breaker opens."""
    opened = predict(parse_scenario(_BEHIND, "x")).of("external_data").opened
    assert str(opened) == "19 or 20 s"


_OVER = """title: silence comes down on attempts that a latency holds up, both ways
duration: 30s
traffic: {read: {request: "GET /v1/api/project/{project}/file/a.txt", as: ada, rate: 1/2s}}
faults:
  - {upstream: filesystem, fault: latency, latency: 40s, stream: both, to: 30s}
  - {upstream: filesystem, fault: blackhole, from: 8s, to: 20250ms}
expect: [{never: {status: 599}}]
"""


def test_what_a_toxic_sets_free_as_it_comes_may_be_answered_before_the_next_one_is_there() -> None:
    """Then the first three reads are answered at 8 s, and the breaker opens with the lift."""
    moments = predict(parse_scenario(_OVER, "x")).of("filesystem").opened
    assert [moments.allows(at_s, 0.05) for at_s in (20.0, 20.25)] == [True, True]


REQUESTS = {
    "auth": {"request": "GET /v1/api/auth/check"},
    "external_data": {"request": "GET /v1/api/lookup?q=x"},
    "filesystem": {"request": "GET /v1/api/project/p1/file/a.txt"},
    "git": {"request": "GET /v1/api/project/p1/history"},
    "chroma": {
        "request": "POST /v1/api/chat",
        "json": {"message": "hello", "project_id": "p1"},
    },
    "billing": {"request": "POST /v1/api/chat"},
}
ASKED = {
    "auth": ("POST", "/verify_token", {"token": "token-ada"}),
    "external_data": ("GET", "/lookup?q=x", None),
    "filesystem": ("GET", "/file/p1/a.txt", None),
    "git": ("GET", "/history/p1", None),
    "chroma": (
        "POST",
        "/query",
        {"collection_name": "p1", "query_texts": ["hello"], "n_results": 5},
    ),
    "billing": ("GET", "/balance/ada", None),
}


@pytest.mark.parametrize("upstream", REQUESTS)
def test_it_has_the_sizes_of_the_bundled_stubs_answers(upstream: str) -> None:
    stream = Stream.model_validate({**REQUESTS[upstream], "as": "ada", "rate": "1/s"})
    route = flow_of(document(), stream)
    assert route is not None
    flow = route("ada")
    call = next(flow)
    while call.upstream != upstream:
        call = flow.send(Attempted(result=Result.SUCCESS))
    sent = Service(random.Random(0)).answer(call, "ada", 0.0)

    assert abs(sent.total_bytes - len(_said_by_the_stub(upstream))) <= 1  # 1000.0 or 999.99


def _said_by_the_stub(upstream: str) -> bytes:
    method, path, value = ASKED[upstream]
    body = b"" if value is None else json.dumps(value).encode()
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    connection = Connection(build([upstream])[upstream])
    connection.feed(0.0, head.encode() + body)
    return b"".join(part for part in connection.advance(1.0) if isinstance(part, bytes))


def test_a_part_of_an_answer_leaves_as_it_is_told() -> None:
    sent = Sent(served=make(KINDS["drip"], every="1s").serve(Served()), call=CALL, usual_s=0.5)
    steps = sent.steps()
    assert sum(count for _, count in steps) == sent.total_bytes
    assert sent.lasts_s == 0.5 + len(json.dumps(CALL.says))
