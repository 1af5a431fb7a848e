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
_ROUTES = {
    "auth": "POST /verify_token",
    "external_data": "GET /lookup",
    "filesystem": "GET /file",
    "git": "GET /history",
    "billing": "GET /balance",
    "chroma": "POST /query",
}
_SECONDS = st.sampled_from(["200ms", "1s", "3s", "4500ms", "7s", "12s", "40s"])
_SIZES = st.sampled_from(["1B", "20B", "80B", "120B", "200B", "1000B"])
_STATUSES = st.sampled_from([200, 204, 302, 400, 404, 429, 500, 503])
_KEYS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "reset": {"timeout": st.sampled_from(["0s", "1s", "8s"])},
    "latency": {"latency": _SECONDS, "jitter": st.sampled_from(["0s", "300ms"])},
    "bandwidth": {"rate": st.sampled_from(["1KB/s", "5KB/s", "1MB/s"])},
    "slow_close": {"delay": _SECONDS},
    "slicer": {
        "average_size": st.sampled_from(["1B", "10B", "64B"]),
        "delay": st.sampled_from(["10ms", "100ms", "1s"]),
    },
    "limit_data": {"bytes": _SIZES},
    "timeout": {"timeout": st.sampled_from(["0s", "2s", "20s"])},
    "status": {"status": _STATUSES},
    "delay": {"delay": _SECONDS},
    "truncate": {"after": st.sampled_from(["0B", "10B"])},
    "drip": {
        "every": st.sampled_from(["10ms", "100ms", "1s"]),
        "part": st.sampled_from(["body", "chunked", "headers"]),
    },
    "json": {"json": st.sampled_from([{}, [], None, {"valid": False}, "surprise"])},
    "headers": {"headers": st.just({"X-Odd": "yes"}), "status": st.sampled_from([200, 503, 404])},
    "revoke": {"user": st.just("ada")},
}
_STREAMED = ("latency", "bandwidth", "slow_close", "slicer", "limit_data", "timeout")
_PLAYABLE = tuple(
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
    kinds = [kind for kind in _PLAYABLE if kind.name != "revoke" or upstream == "auth"]
    kind = draw(st.sampled_from(kinds))
    begin = draw(st.one_of(st.just(0.0), _INSTANTS))
    length = draw(st.sampled_from([0.5, 2.0, 5.0, 12.25, 30.0, 50.0, 75.5]))
    fault: Raw = {"upstream": upstream, "fault": kind.name}
    fault |= {key: draw(value) for key, value in _KEYS.get(kind.name, {}).items()}
    fault |= {"from": f"{begin:g}s", "to": f"{begin + length:g}s"}
    if kind.name in _STREAMED:
        fault["stream"] = draw(st.sampled_from(["downstream", "downstream", "upstream", "both"]))
    if kind.in_stub and draw(st.integers(0, 2)) == 2:
        fault |= draw(_selection(upstream))
    return fault


def _selection(upstream: str) -> st.SearchStrategy[Raw]:
    return st.one_of(
        st.just({"on": _ROUTES[upstream]}),
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
