"""Random timelines: traffic, and up to three faults of any kind with random windows."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from harness.scenario.faults import KINDS

Raw = dict[str, Any]

STREAMS: dict[str, tuple[tuple[str, ...], Raw]] = {
    "check": (("auth",), {"request": "GET /v1/api/auth/check"}),
    "lookup": (("external_data", "auth"), {"request": "GET /v1/api/lookup?q=x"}),
    "read": (("filesystem", "auth"), {"request": "GET /v1/api/project/{project}/file/a.txt"}),
    "history": (("git", "auth"), {"request": "GET /v1/api/project/{project}/history"}),
    "chat": (
        ("billing", "chroma", "auth"),
        {"request": "POST /v1/api/chat", "json": {"message": "hello", "project_id": "{project}"}},
    ),
}
"""By name: the upstreams that a stream's requests call, and what it is in a file."""
ROUTES = {
    "auth": "POST /verify_token",
    "external_data": "GET /lookup",
    "filesystem": "GET /file",
    "git": "GET /history",
    "billing": "GET /balance",
    "chroma": "POST /query",
}
"""A route of each upstream that some stream calls."""
_SECONDS = ("200ms", "1s", "3s", "4500ms", "7s", "12s", "40s")
PARAMETERS: dict[str, dict[str, tuple[Any, ...]]] = {
    "reset": {"timeout": ("0s", "1s", "8s")},
    "latency": {"latency": _SECONDS, "jitter": ("0s", "300ms")},
    "bandwidth": {"rate": ("1KB/s", "5KB/s", "1MB/s")},
    "slow_close": {"delay": _SECONDS},
    "slicer": {"average_size": ("1B", "10B", "64B"), "delay": ("10ms", "100ms", "1s")},
    "limit_data": {"bytes": ("1B", "20B", "80B", "120B", "200B", "1000B")},
    "timeout": {"timeout": ("0s", "2s", "20s")},
    "status": {"status": (200, 204, 302, 400, 404, 429, 500, 503)},
    "delay": {"delay": _SECONDS},
    "truncate": {"after": ("0B", "10B")},
    "drip": {"every": ("10ms", "100ms", "1s"), "part": ("body", "chunked", "headers")},
    "json": {"json": ({}, [], None, {"valid": False}, "surprise")},
    "headers": {"headers": ({"X-Odd": "yes"},), "status": (200, 503, 404)},
    "revoke": {"user": ("ada",)},
}
"""By kind of fault: its own keys, each with what it may be."""
STREAMED = ("latency", "bandwidth", "slow_close", "slicer", "limit_data", "timeout")
PLAYABLE = tuple(
    kind for kind in KINDS.values() if "sim" in kind.engines and kind.where != "target"
)
_INSTANTS = st.integers(0, 240).map(lambda quarter: quarter / 4)


@st.composite
def timelines(draw: st.DrawFn) -> Raw:
    """A whole scenario, without expectations."""
    names = draw(st.lists(st.sampled_from(sorted(STREAMS)), min_size=1, max_size=2, unique=True))
    upstreams = sorted({upstream for name in names for upstream in STREAMS[name][0]})
    faults = draw(st.lists(_faults(upstreams), min_size=1, max_size=3))
    return {
        "title": "a random timeline",
        "duration": f"{draw(st.sampled_from([100, 160, 220]))}s",
        "traffic": {name: draw(_stream(name)) for name in names},
        "faults": _apart(faults),
    }


@st.composite
def _stream(draw: st.DrawFn, name: str) -> Raw:
    stream = {
        **STREAMS[name][1],
        "as": "ada",
        "rate": draw(st.sampled_from(["1/s", "1/2s", "2/s"])),
    }
    if draw(st.booleans()):
        stream["count"] = f"{draw(st.integers(2, 12))} at {draw(_INSTANTS):g}s"
    return stream


@st.composite
def _faults(draw: st.DrawFn, upstreams: list[str]) -> Raw:
    upstream = draw(st.sampled_from(upstreams))
    kinds = [kind for kind in PLAYABLE if kind.name != "revoke" or upstream == "auth"]
    kind = draw(st.sampled_from(kinds))
    begin = draw(st.one_of(st.just(0.0), _INSTANTS))
    length = draw(st.sampled_from([0.5, 2.0, 5.0, 12.25, 30.0, 50.0, 75.5]))
    fault: Raw = {"upstream": upstream, "fault": kind.name}
    own = PARAMETERS.get(kind.name, {})
    fault |= {key: draw(st.sampled_from(values)) for key, values in own.items()}
    fault |= {"from": f"{begin:g}s", "to": f"{begin + length:g}s"}
    if kind.name in STREAMED:
        fault["stream"] = draw(st.sampled_from(["downstream", "downstream", "upstream", "both"]))
    if kind.in_stub and draw(st.integers(0, 2)) == 2:
        fault |= draw(_selection(upstream))
    return fault


def _selection(upstream: str) -> st.SearchStrategy[Raw]:
    return st.one_of(
        st.just({"on": ROUTES[upstream]}),
        st.integers(1, 12).map(lambda count: {"first": count}),
        st.integers(2, 4).map(lambda count: {"one_in": count}),
        st.integers(1, 9).map(lambda count: {"calls": f"{count}..{count + 4}"}),
    )


def _apart(faults: list[Raw]) -> list[Raw]:
    """Without those of one kind on one upstream: two at a time contradict each other."""
    kept: dict[tuple[str, str], Raw] = {}
    for fault in faults:
        kept.setdefault((fault["upstream"], fault["fault"]), fault)
    return list(kept.values())
