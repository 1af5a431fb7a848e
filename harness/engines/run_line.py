"""The first line of a history: what was played against what, and what could be seen of it."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping

from harness.engines.base import Job
from harness.history.events import Run
from harness.target import Target


def run_line(
    job: Job,
    *,
    engine: str,
    proxy: str,
    at_s: float,
    sees: Iterable[str],
    captured: bool,
    versions: Mapping[str, str] | None = None,
    clock_error_s: float = 0.0,
) -> Run:
    """The `Run` of a job that an engine plays.

    `sees` is the evidence that the engine itself has, `captured` whether it has the target's
    output, too; `versions` are those of what the target runs on, this Python unless it is said.
    """
    target = job.target
    return Run(
        at_s=at_s,
        by="engine",
        scenario=job.scenario.name,
        file=job.scenario.file,
        engine=engine,
        proxy=proxy,
        target=target.name,
        seed=job.seed,
        run=job.run,
        upstreams=target.upstream_names,
        without=target.without,
        background=target.background_calls,
        tcp=target.tcp_upstreams,
        real=tuple(target.real),
        tls=target.tls,
        contract=target.contract.told,
        settings={name: target.settings(name).to_json() for name in target.upstream_names},
        evidence=(*sees, *target_evidence(target, captured=captured)),
        marks=() if target.log is None else target.log.marks,
        stub_routes=_stub_routes(target),
        versions=dict(versions or {"python": platform.python_version()}),
        clock_error_s=clock_error_s,
    )


def target_evidence(target: Target, *, captured: bool) -> Iterable[str]:
    """What the target itself lets be seen."""
    if target.status is not None:
        yield "status"
    if captured:
        yield "output"
        if target.log is not None:
            yield "log"


def _stub_routes(target: Target) -> tuple[str, ...]:
    """The routes that the target file adds to stubs."""
    return tuple(
        f"{name} {route.route}"
        for name in target.upstream_names
        for route in target.written_routes(name)
    )
