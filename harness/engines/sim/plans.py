"""From a job to the plan that the child process plays: what a simulated world does, as plain data.

The mappings from faults to toxics and behaviours are those of every other engine.
"""

from __future__ import annotations

import itertools
from typing import Any

from harness.engines.base import GRACE_S, LEAD_S, Job
from harness.engines.network import plan as proxy_plan
from harness.engines.placed_files import place_files
from harness.engines.requests import again_plan, trace_of, wire_request
from harness.engines.services import behaviour, routes_json, users_json
from harness.errors import TargetError
from harness.policy.telling import moved_by_answers
from harness.scenario.faults import FaultBase
from harness.scenario.traffic import Stream
from harness.target import Target
from harness.target.wired import Wired
from harness.timeline import Apply, Lift, Send

from .plan import FaultPlan, Plan, RequestPlan, StatusPlan, StepPlan, StreamPlan, UpstreamPlan

INTERNAL_TOKEN = "simulated-internal-token"
TARGET_PORT = 5000
FIRST_PORT = 20_001
_WARM_UP_TRIES = 20
_SLOWEST = 0.25
"""Real seconds that a virtual second may take before the play is ended..."""
_AT_LEAST_S = 60.0
"""...but no play is ended before so many..."""
_PER_REQUEST_S = 0.05
"""...and not before so many for each of its requests, of which a busy gateway takes one."""


def unsimulated(target: Target) -> str | None:
    """Why a target can't be simulated, whatever is played; None where it can."""
    if target.start is None or target.start.app is None:
        return "its file has no `start: wsgi: module:app` (or `asgi:`)"
    if target.real:
        return f"{', '.join(target.real)} is a real service, and the simulation reaches none"
    if target.tls_files:
        return "there is no TLS in the simulation (`tls:`, `start: {tls: true}`)"
    return None


def make_plan(
    job: Job, *, points: float | None = None, lines: bool = False, threads: int | None = None
) -> Plan:
    """The plan of a job; the target's own files are placed in its folder.

    Raises: TargetError for a target that can't be simulated.
    """
    target = job.target
    app = None if target.start is None else target.start.app
    why = unsimulated(target)
    if why is not None or target.start is None or app is None:
        raise TargetError(
            f"target {target.name!r} can't be simulated: {why}; `outage run --engine local` plays "
            "it"
        )
    names = target.upstream_names
    ports = {name: FIRST_PORT + index for index, name in enumerate(names)}
    offsets = itertools.accumulate(
        (stream.addresses for stream in job.scenario.traffic.values()), initial=2
    )
    first_address = dict(zip(job.scenario.traffic, offsets, strict=False))
    method, _, path = target.ready.partition(" ")
    status: StatusPlan | None = None
    if target.status is not None:
        status_method, _, status_path = target.status.request.partition(" ")
        status = {
            "request": _plain(status_method, status_path),
            "state": target.status.state,
            "closely": any(moved_by_answers(target.settings(name)) for name in names),
            "looks": None if job.looks_s is None else list(job.looks_s),
        }
    return {
        "seed": job.seed,
        "points": points,
        "lines": lines,
        "app": app,
        "asgi": True if target.start.asgi is not None else None,
        "cwd": str(target.cwd),
        "env": _environment(job, ports),
        "threads": threads,
        "internal_token": INTERNAL_TOKEN,
        "ready": _plain(method, path),
        "ready_within_s": target.ready_within,
        "upstreams": [_upstream(job, name, port) for name, port in ports.items()],
        "warm_up": [
            _warm_up(job, index, stream_name, stream)
            for index, (stream_name, stream) in enumerate(job.scenario.traffic.items())
        ],
        "faults": [_fault(job, index, fault) for index, fault in enumerate(job.scenario.faults)],
        "steps": [_step(job, step, first_address) for step in job.timeline],
        "duration_s": job.scenario.duration,
        "grace_s": GRACE_S,
        "lead_s": LEAD_S,
        "status": status,
        "real_limit_s": _real_limit_s(job),
        "line_by_line": False,
    }


def _real_limit_s(job: Job) -> float:
    sent = sum(isinstance(step, Send) for step in job.timeline)
    return max(_AT_LEAST_S, _SLOWEST * job.scenario.duration, _PER_REQUEST_S * sent)


def _environment(job: Job, ports: dict[str, int]) -> dict[str, str]:
    wired = place_files(Wired(job.target, TARGET_PORT, ports), job.folder)
    return {"INTERNAL_SERVICE_TOKEN": INTERNAL_TOKEN} | wired.environment


def _upstream(job: Job, name: str, port: int) -> UpstreamPlan:
    return {
        "name": name,
        "port": port,
        "users": users_json(job.target),
        "routes": routes_json(job.target, name),
    }


def _plain(method: str, path: str) -> RequestPlan:
    return {
        "stream": "",
        "number": 0,
        "user": None,
        "client": "127.0.0.1",
        "method": method,
        "path": path,
        "headers": {},
        "body": "",
    }


def _of_client(job: Job, step: Send, stream: Stream, client: str) -> RequestPlan:
    """A request, with all that its client may send after it."""
    again = again_plan(stream)
    tries = [
        _request(job, step.stream, stream, step.user, step.number, client, tried)
        for tried in range(1, 2 if again is None else len(again["waits_s"]) + 2)
    ]
    for plan in tries:
        plan["hang_up_s"] = stream.hang_up
    first, *others = tries
    if again is not None:
        first |= {"tries": others, "again": again}
    return first


def _request(
    job: Job,
    name: str,
    stream: Stream,
    user: str | None,
    number: int,
    client: str,
    tried: int = 1,
) -> RequestPlan:
    trace = trace_of(job, name, number, client, tried)
    wire = wire_request(stream, job.target, user, number, trace)
    return {
        "stream": name,
        "number": number,
        "user": user,
        "client": client,
        "method": wire.method,
        "path": wire.path,
        "headers": wire.headers,
        "body": wire.body.decode("latin-1"),
        "tried": tried,
    }


def _warm_up(job: Job, index: int, name: str, stream: Stream) -> StreamPlan:
    tries = [
        _request(job, name, stream, stream.users[0], 0, f"127.0.1.{_spare(index, attempt)}")
        for attempt in range(_WARM_UP_TRIES)
    ]
    return {
        "tries": tries,
        "healthy_low": stream.healthy.low,
        "healthy_high": stream.healthy.high,
    }


def _spare(index: int, attempt: int) -> int:
    """A warm-up's own address, so that it uses up nobody's rate limit (as in `player`)."""
    return (index * 16 + attempt % 16) % 250 + 1


def _client(first: int, step: Send) -> str:
    index = first + step.address
    return f"127.0.{2 + index // 250}.{index % 250 + 1}" if index >= 250 else f"127.0.0.{index}"


def _step(job: Job, step: Send | Apply | Lift, first_address: dict[str, int]) -> StepPlan:
    plan: StepPlan = {"at_s": step.at_s, "send": None, "apply": None, "lift": None}
    if isinstance(step, Apply):
        plan["apply"] = step.fault
    elif isinstance(step, Lift):
        plan["lift"] = step.fault
    else:
        stream = job.scenario.traffic[step.stream]
        client = _client(first_address[step.stream], step)
        plan["send"] = _of_client(job, step, stream, client)
    return plan


def _fault(job: Job, index: int, fault: FaultBase) -> FaultPlan:
    apply: list[list[Any]] = []
    lift: list[list[Any]] = []
    if fault.clock_step_s:
        # Steps are added up, so that several may overlap and be lifted in any order.
        apply, lift = [["step_clock", fault.clock_step_s]], [["step_clock", -fault.clock_step_s]]
    names = [name for name in fault.upstreams if name in job.target.upstream_names]
    for name in names:
        applied, lifted = _words(job, index, fault, name)
        apply += applied
        lift += lifted
    kind: str = fault.fault
    return {"index": index, "name": kind, "upstreams": names, "apply": apply, "lift": lift}


def _words(
    job: Job, index: int, fault: FaultBase, name: str
) -> tuple[list[list[Any]], list[list[Any]]]:
    """What applying and lifting a fault on one upstream does, as words of `World.act`."""
    reason = f"f{index}"
    match fault.where:
        case "proxy":
            return _proxy_words(reason, fault, name)
        case "stub":
            value = behaviour(fault, seed=job.seed + index)
            return [["behave", name, reason, value]], [["unbehave", name, reason]]
        case "connect":
            return [["ignore", name, reason]], [["answer", name, reason]]
        case _:
            return _process_words(reason, fault, name)


def _proxy_words(
    reason: str, fault: FaultBase, name: str
) -> tuple[list[list[Any]], list[list[Any]]]:
    plan = proxy_plan(fault)
    apply: list[list[Any]] = []
    lift: list[list[Any]] = []
    if plan.disabled:
        apply.append(["disable", name, reason])
        lift.append(["enable", name, reason])
    if plan.cut_off:
        apply.append(["cut_off", name, reason])
        lift.append(["connect", name, reason])
    for toxic in plan.toxics:
        toxic_name = f"{reason}_{toxic.type}_{toxic.stream}"
        words = [toxic_name, toxic.type, toxic.stream, toxic.attributes, toxic.toxicity]
        apply.append(["toxic", name, *words])
        lift.append(["untoxic", name, toxic_name])
    return apply, lift


def _process_words(
    reason: str, fault: FaultBase, name: str
) -> tuple[list[list[Any]], list[list[Any]]]:
    done = fault.KIND.process
    apply = [[verb, name, *_reason(verb, reason)] for verb in done]
    undone = [_UNDOES[verb] for verb in done if verb in _UNDOES and _UNDOES[verb] not in done]
    return apply, [[verb, name, *_reason(verb, reason)] for verb in undone]


_UNDOES = {"kill": "revive", "disable": "enable", "pause": "resume"}


def _reason(verb: str, reason: str) -> list[str]:
    """What a proxy is told besides, so that several faults may want the same."""
    return [reason] if verb in ("disable", "enable") else []
