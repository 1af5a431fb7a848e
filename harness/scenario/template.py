"""The text of a new scenario file, commented, that validates and plays as it is."""

from __future__ import annotations

from collections.abc import Mapping

from harness.scenario.faults import KINDS
from harness.scenario.located import plain, read_tree
from harness.settings import DOCUMENTED, ServiceSettings
from harness.units import format_duration

REQUESTS: Mapping[str, tuple[str, str]] = {
    "auth": ("chat", "POST /v1/api/chat"),
    "billing": ("chat", "POST /v1/api/chat"),
    "chroma": ("chat", "POST /v1/api/chat"),
    "filesystem": ("file", "GET /v1/api/project/{project}/file/notes.txt"),
    "git": ("history", "GET /v1/api/project/{project}/history"),
    "external_data": ("lookup", "GET /v1/api/lookup?q=weather"),
}
"""For each of the six upstreams a stream that needs it: its name, and its request."""
WHILE_DOWN: Mapping[str, str] = {"auth": "401", "billing": "200", "chroma": "200"}
"""What users are answered while the breaker of an upstream is open, where it is no 503."""


def scenario_text(*, upstream: str, fault: str, for_s: float, schema: str) -> str:
    """A scenario in which one fault hits one of the six upstreams for a while (seconds).

    A fault of the target itself comes midway through an outage of the upstream. `schema` is where
    an editor finds the JSON Schema, relative to the file.
    """
    title = f"{upstream} has the fault {fault} for {format_duration(for_s)}"
    midway = ""
    if KINDS[fault].where == "target":
        title = f"The target has the fault {fault} while {upstream} answers 503"
        midway = _midway(fault, at_s=for_s / 2)
        fault = "status"
    settings = DOCUMENTED[upstream]
    stream, request = REQUESTS[upstream]
    body = '\n    json: {message: hello, project_id: "{project}"}' if stream == "chat" else ""
    duration_s = for_s + settings.wait_s + settings.longest_call_s + 10
    opens = _opens(fault) and for_s >= settings.longest_call_s + settings.threshold
    expectations = (
        _opening(upstream, stream, seen=not KINDS[fault].invisible)
        if opens
        else _enduring(stream, settings, for_s)
    )
    return f"""\
# yaml-language-server: $schema={schema}
#
# 0s is the instant at which the outage begins; before it a warm-up proves that all is well.
# `outage predict` on this file says what the contract expects of it, second by second.
title: {title}
# replays: "the section of the document that this replays"
duration: {format_duration(duration_s)}   # long enough for the breaker to close again
traffic:
  {stream}:                 # a stream's name is yours to choose
    request: {request}{body}
    as: ada               # a user of the target: ada and bob are always there
    rate: 1/s             # leaves on schedule, answered or not; bursts: `count: 50 at 70s`
faults:
  # {KINDS[fault].doc}
  - upstream: {upstream}
    fault: {fault}{_parameters(fault)}
    from: 0s
    to: {format_duration(for_s)}
{midway}\
expect:
{expectations}\
  - never: {{status: 500}}
    because: an outage is no excuse for an unhandled error
"""


def _parameters(fault: str) -> str:
    return "".join(f"\n    {key}: {value}" for key, value in KINDS[fault].example.items())


def _opens(fault: str) -> bool:
    """Whether the kind, with its example's parameters, makes every attempt fail."""
    kind = KINDS[fault]
    keys = {key: read_tree(text)[0] for key, text in kind.example.items()}
    said = {key: plain(node) for key, node in keys.items()}
    return kind.model.model_validate({"upstream": "auth", "fault": fault, **said}).fails


def _midway(fault: str, *, at_s: float) -> str:
    return f"""\
  # {KINDS[fault].doc}
  - fault: {fault}{_parameters(fault)}
    from: {format_duration(at_s)}
"""


def _opening(upstream: str, stream: str, *, seen: bool) -> str:
    calls = f"  - while: {upstream} is open\n    upstream: {upstream}\n    calls: 0\n"
    # A port that refuses shows no call of anyone, so `calls: 0` would prove nothing.
    silence = calls if seen else ""
    status = WHILE_DOWN.get(upstream, "503")
    return f"""\
  - breaker: {upstream}
    opens: contract ± 1s  # computed from the target's own settings; or an instant: 9s ± 1s
    closes: contract ± 1.5s
  - while: {upstream} is open     # or a window by seconds, `during: 10s..60s`
    traffic: {stream}
    status: {status}
    because: what users meet while {upstream} is away
{silence}\
  - while: {upstream} has recovered
    traffic: {stream}
    status: 200
"""


def _enduring(stream: str, settings: ServiceSettings, for_s: float) -> str:
    bound = format_duration(settings.longest_call_s + 1)
    return f"""\
  - traffic: {stream}
    latency: "< {bound}"
    because: all attempts of a call and the waits between them take no longer
  - during: {format_duration(for_s + settings.wait_s + settings.longest_call_s)}..end
    traffic: {stream}
    status: 200
    because: all is well again
"""
