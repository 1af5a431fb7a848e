"""The text of a new scenario file, commented, that validates and plays as it is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from harness.contracts import Sample
from harness.errors import UsageError
from harness.policy.outage import needed_rate_per_s, opens_after_s
from harness.policy.settings import ServiceSettings
from harness.scenario.faults import KINDS
from harness.scenario.located import plain, read_tree
from harness.target import Target
from harness.units import format_duration


def sample_of(target: Target, upstream: str) -> tuple[str, Sample]:
    """A request that calls an upstream, and a name for its stream.

    Raises: UsageError where none is known.
    """
    found = target.calling(upstream)
    if found is None:
        # The bundled contract is nobody's to write in.
        own = "" if target.holds_to_document else (
            f", or under `traffic:` of {target.contract.file}, of a route with such a call"
        )  # fmt: skip
        raise UsageError(
            f"no request is known that calls {upstream}: expected one under `routes:` of "
            f"{target.file or target.name}, such as `price: {{request: GET /price}}`{own}"
        )
    return found


def scenario_text(target: Target, *, upstream: str, fault: str, for_s: float, schema: str) -> str:
    """A scenario in which one fault hits one of a target's upstreams for a while (seconds).

    A fault of the target itself comes midway through an outage of the upstream. `schema` is where
    an editor finds the JSON Schema, relative to the file.

    Raises: UsageError where no request is known that calls the upstream.
    """
    stream, sample = sample_of(target, upstream)
    settings, users = target.owed(upstream), target.user_ids
    title = f"{upstream} has the fault {fault} for {format_duration(for_s)}"
    midway = ""
    if KINDS[fault].where == "target":
        title = f"The target has the fault {fault} while {upstream} answers 503"
        midway = _midway(fault, at_s=for_s / 2)
        fault = "status"
    while_down = target.contract.while_down(sample.request, upstream)
    duration_s = for_s + settings.open_after_s(for_s) + settings.longest_call_s + 10
    rate = needed_rate_per_s(settings)
    opened_s = opens_after_s(settings, rate)
    lasts = opened_s is not None and for_s >= settings.longest_call_s + opened_s
    opens = _opens(fault) and lasts
    expectations = (
        _changes(upstream, settings.breaker.opens.untold)
        + _opening(upstream, stream, sample, while_down, seen=not KINDS[fault].invisible)
        if opens
        else _enduring(stream, sample, settings, for_s)
    )
    return f"""\
# yaml-language-server: $schema={schema}
#
# 0s is the instant at which the outage begins; before it a warm-up proves that all is well.
# `outage predict` on this file says what the contract expects of it, second by second.
title: {title}
# replays: "the section of the document that this replays"
duration: {format_duration(duration_s)}   # long enough until all is well again
traffic:
  {stream}:                 # a stream's name is yours to choose
{_sample(sample, users)}\
    rate: {rate:g}/s             # leaves on schedule, answered or not; bursts: `count: 50 at 70s`
faults:
  # {KINDS[fault].doc}
  - upstream: {upstream}
    fault: {fault}{_parameters(fault, users)}
    from: 0s
    to: {format_duration(for_s)}
{midway}\
expect:
{expectations}\
  - never: {{status: 500}}
    because: an outage is no excuse for an unhandled error
"""


def sample_lines(sample: Sample) -> Iterator[str]:
    """The keys of a stream, a line each."""
    for key, value in sample.raw.items():
        plain_text = key in ("request", "as", "with")
        yield f"{key}: {value if plain_text else json.dumps(value, ensure_ascii=False)}"


def _sample(sample: Sample, users: Sequence[str]) -> str:
    known = f"   # a user of the target: {', '.join(users)}"
    told = ((line, known if line.startswith("as:") else "") for line in sample_lines(sample))
    return "".join(f"    {line}{comment}\n" for line, comment in told)


def example_of(fault: str, users: Sequence[str]) -> dict[str, str]:
    """The parameters of a kind's example, with a user whom the target knows."""
    known = {"user": users[0]} if users else {}
    return {key: known.get(key, value) for key, value in KINDS[fault].example.items()}


def _parameters(fault: str, users: Sequence[str]) -> str:
    return "".join(f"\n    {key}: {value}" for key, value in example_of(fault, users).items())


def _opens(fault: str) -> bool:
    """Whether the kind, with its example's parameters, makes every attempt fail."""
    kind = KINDS[fault]
    keys = {key: read_tree(text)[0] for key, text in kind.example.items()}
    said = {key: plain(node) for key, node in keys.items()}
    return kind.model.model_validate({"upstream": "it", "fault": fault, **said}).fails


def _midway(fault: str, *, at_s: float) -> str:
    return f"""\
  # {KINDS[fault].doc}
  - fault: {fault}{_parameters(fault, ())}
    from: {format_duration(at_s)}
"""


def _changes(upstream: str, untold: str) -> str:
    """When it opens and closes, where the contract tells."""
    if untold:
        return f"  # When {upstream} opens can't be told: {untold}. Every run holds that it does.\n"
    return f"""\
  - breaker: {upstream}
    opens: contract ± 1s  # computed from the target's own settings; or an instant: 9s ± 1s
    closes: contract ± 1.5s
"""


def _opening(
    upstream: str, stream: str, sample: Sample, while_down: str | None, *, seen: bool
) -> str:
    calls = f"  - while: {upstream} is open\n    upstream: {upstream}\n    calls: 0\n"
    # A port that refuses shows no call of anyone, so `calls: 0` would prove nothing.
    silence = calls if seen else ""
    met = (
        ""
        if while_down is None
        else f"""\
  - while: {upstream} is open     # or a window by seconds, `during: 10s..60s`
    traffic: {stream}
    status: {while_down}
    because: what users meet while {upstream} is away
"""
    )
    return f"""\
{met}\
{silence}\
  - while: {upstream} has recovered
    traffic: {stream}
    status: {sample.healthy}
"""


def _enduring(stream: str, sample: Sample, settings: ServiceSettings, for_s: float) -> str:
    bound = format_duration(settings.longest_call_s + 1)
    well_s = for_s + settings.open_after_s(for_s) + settings.longest_call_s
    return f"""\
  - traffic: {stream}
    latency: "< {bound}"
    because: all attempts of a call and the waits between them take no longer
  - during: {format_duration(well_s)}..end
    traffic: {stream}
    status: {sample.healthy}
    because: all is well again
"""
