"""What the child process is told to play: plain JSON, made by the parent, where pydantic lives.

Instants are seconds after 0s. Bodies are latin-1 text, so that any bytes survive JSON.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

from harness.engines.again import AgainPlan


class RequestPlan(TypedDict):
    """One request, ready to be given to the target."""

    stream: str
    number: int
    user: str | None
    client: str
    method: str
    path: str
    headers: dict[str, str]
    body: str
    hang_up_s: NotRequired[float | None]
    """How long its client waits for an answer."""
    tries: NotRequired[list[RequestPlan]]
    """What its client sends after it, where it tries again, in order..."""
    again: NotRequired[AgainPlan | None]
    """...and when it does."""
    tried: NotRequired[int]


class StreamPlan(TypedDict):
    """How a stream's steady state is proven: the same request for each try."""

    tries: list[RequestPlan]
    healthy_low: float
    healthy_high: float


class FaultPlan(TypedDict):
    """One fault: what applying and lifting it does, as words of `world.World.act`."""

    index: int
    name: str
    upstreams: list[str]
    apply: list[list[Any]]
    lift: list[list[Any]]


class StepPlan(TypedDict):
    """One step: at most one of `send`, `apply`, `lift` (numbers of faults) is set."""

    at_s: float
    send: RequestPlan | None
    apply: int | None
    lift: int | None


class UpstreamPlan(TypedDict):
    """One stub behind its proxy, with the JSON that it is told before the play."""

    name: str
    port: int
    users: dict[str, Any]
    routes: list[dict[str, Any]]


class StatusPlan(TypedDict):
    """The target's own account of its breakers."""

    request: RequestPlan
    state: str
    """Dotted path in the answer; {upstream} is replaced."""
    closely: bool
    """Whether a breaker may open by an answer of less than 500."""
    looks: list[float] | None
    """When it is asked besides first and last; None: whenever a breaker may have moved."""


class Plan(TypedDict):
    """Everything that one play needs."""

    seed: int
    points: float | None
    """Probability of a switch at a clock read or lock entry; drawn from the seed if None."""
    lines: bool
    """Whether the lines of the target's code are switch points too."""
    app: str
    """`module:attribute`, or `module:factory()`."""
    asgi: bool | None
    """Whether it speaks ASGI or WSGI; None: found out by its look."""
    cwd: str
    env: dict[str, str]
    threads: int | None
    """How many requests a WSGI target's server works on at once; None: all."""
    internal_token: str
    ready: RequestPlan
    ready_within_s: float
    upstreams: list[UpstreamPlan]
    warm_up: list[StreamPlan]
    faults: list[FaultPlan]
    steps: list[StepPlan]
    duration_s: float
    grace_s: float
    lead_s: float
    status: StatusPlan | None
    real_limit_s: float
    """Real seconds after which the play is ended, whatever it does."""
    line_by_line: bool
    """Whether facts are written as they come: slow, and not lost when the process crashes."""
