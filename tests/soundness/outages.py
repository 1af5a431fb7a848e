"""Outages drawn whole from a seed: streams, faults and the reference's own settings.

All that a file may say is drawn (clients that hang up or try again, ramps, bursts; faults that
overlap, flap, wait for an event, hit a route, a share, some connections, several upstreams), and
nothing is left out because it once went wrong. What makes no scenario (a fault that another hides)
is left away: whether it does, the loader says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import yaml

from harness.errors import InvalidFile
from harness.explore.finding import Plain
from harness.scenario.faults import KINDS, Kind
from harness.scenario.loader import parse_scenario
from harness.scenario.model import Scenario
from harness.scenario.traffic_checks import planned
from harness.target import Target
from harness.units import format_duration
from tests.agreement.timelines import PARAMETERS, PLAYABLE, ROUTES, STREAMED
from tests.soundness.settings import Settings, drawn_settings

Raw = dict[str, Any]

MOST_REQUESTS = 160
_FEWEST_TRIES = 40
_RATES = ("1/s", "1/s", "1/2s", "2/s", "3/s", "5/s", {"from": "1/s", "to": "6/s", "over": "20s"})
_LENGTHS_S = (0.4, 1.0, 2.5, 5.0, 12.25, 30.0, 50.0, 75.5)
_DELAYS = (
    {"from": "100ms", "to": "6s", "over": "20s"},
    {"mean": "1s", "jitter": "900ms"},
    {"mean": "2s", "deviation": "2s"},
    {"p50": "100ms", "p90": "2s", "p99": "8s"},
)
_WAYS: tuple[tuple[str, Any], ...] = (
    ("first", 1), ("first", 6), ("calls", "3..7"), ("one_in", 2), ("one_in", 3), ("above", "2/s"),
    ("above", "6/2s"), ("more_than", "2 at once"), ("share", "30%"), ("share", "70%"),
)  # fmt: skip
_CLOCK_STEP = KINDS["clock_step"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """What is played against which target, and with which seed of the simulation."""

    name: str
    text: str
    """The scenario's file."""
    settings: Settings
    seed: int

    @property
    def scenario(self) -> Scenario:
        """As the file says."""
        return _parsed(self.text, self.name, self.settings.target)


def drawn(name: str) -> Outage:
    """The outage of that name, which is its seed: the same name, the same outage."""
    draw = Random(name)
    settings = drawn_settings(draw)
    target = settings.target
    duration_s = float(draw.choice((40, 60, 90, 120, 180, 240)))
    raw: Raw = {
        "title": f"drawn with the seed {name}",
        "duration": format_duration(duration_s),
        "traffic": _traffic(draw, target, duration_s),
        "faults": [],
    }
    while raw["traffic"] and _requests(raw, target) > MOST_REQUESTS:
        raw["traffic"].popitem()
    if not raw["traffic"]:
        raw["traffic"] = {"check": target.traffic["check"].raw | {"rate": "1/2s"}}
    _add_faults(draw, raw, target, duration_s)
    expect = _expected(draw, raw, target)
    if expect:
        raw["expect"] = expect
    text = yaml.dump(raw, Dumper=Plain, sort_keys=False, allow_unicode=True, width=100)
    return Outage(name=name, text=text, settings=settings, seed=draw.choice((0, 0, 0, 1, 2, 3)))


def _parsed(text: str, name: str, target: Target) -> Scenario:
    return parse_scenario(text, f"{name}.yaml", target=target)


def _scenario(raw: Raw, target: Target) -> Scenario:
    return _parsed(yaml.dump(raw, Dumper=Plain), "drawn", target)


def _requests(raw: Raw, target: Target) -> int:
    scenario = _scenario(raw, target)
    tries = (1 if s.retry is None else s.retry.attempts for s in scenario.traffic.values())
    return planned(scenario) * max(tries)


# Traffic


def _traffic(draw: Random, target: Target, duration_s: float) -> dict[str, Raw]:
    offered = sorted(target.traffic)
    chosen = [draw.choice(offered) for _ in range(draw.choice((1, 1, 2, 2, 3, 4)))]
    return {
        f"{name}_{number}": _stream(draw, target.traffic[name].raw, duration_s)
        for number, name in enumerate(chosen)
    }


def _stream(draw: Random, sample: Raw, duration_s: float) -> Raw:
    stream = dict(sample)
    if sample.get("as") == "ada" and draw.random() < 0.3:
        stream["as"] = ["ada", "bob"] if draw.random() < 0.5 else "bob"
    steady = draw.random() < 0.85
    if steady:
        stream["rate"] = draw.choice(_RATES)
        if draw.random() < 0.2:
            begin_s = draw.choice((0.5, 3.25, 10.0))
            end_s = draw.choice((begin_s + 15, duration_s))
            stream["during"] = f"{format_duration(begin_s)}..{format_duration(end_s)}"
    if not steady or draw.random() < 0.3:
        stream["count"] = [
            f"{draw.choice((1, 2, 5, 12, 30))} at {_instant(draw, duration_s)}"
            for _ in range(draw.randint(1, 4))
        ]
    if draw.random() < 0.15:
        stream["hang_up"] = draw.choice(("300ms", "1s", "2500ms", "6s"))
    if draw.random() < 0.15:
        stream["retry"] = {
            "attempts": draw.choice((2, 3)),
            "wait": draw.choice(("200ms", ["1s", "3s"])),
            "on": draw.choice((503, ["5xx", "error"], [401, 503, "error"])),
        }
    return stream


def _instant(draw: Random, before_s: float) -> str:
    """On a grid as people write them, or anywhere."""
    at_s = draw.uniform(0.0, before_s - 1.0)
    return format_duration(round(at_s * 4) / 4 if draw.random() < 0.5 else round(at_s, 2))


# Faults


def _add_faults(draw: Random, raw: Raw, target: Target, duration_s: float) -> None:
    """One to five of them; each only where there is still a scenario with it."""
    called = _called(raw, target)
    wanted = draw.choice((1, 2, 2, 3, 3, 4, 5))
    for _ in range(_FEWEST_TRIES):
        if len(raw["faults"]) >= wanted:
            return
        fault = _fault(draw, target, called, duration_s)
        try:
            _scenario({**raw, "faults": [*raw["faults"], fault]}, target)
        except InvalidFile:
            continue
        raw["faults"].append(fault)


def _called(raw: Raw, target: Target) -> tuple[str, ...]:
    """The upstreams that some stream's requests call."""
    scenario = _scenario(raw, target)
    requests = (stream.request for stream in scenario.traffic.values())
    routes = filter(None, map(target.contract.route_of, requests))
    return tuple(dict.fromkeys(call.upstream for route in routes for call in route.calls))


def _fault(draw: Random, target: Target, called: Sequence[str], duration_s: float) -> Raw:
    if draw.random() < 0.02:
        return {"fault": _CLOCK_STEP.name, "by": draw.choice(("-1h", "90s"))} | _times(
            draw, called, duration_s
        )
    kind = draw.choice(PLAYABLE)
    upstream = "auth" if kind.name == "revoke" else draw.choice(called)
    fault: Raw = {"upstream": upstream, "fault": kind.name}
    fault |= {key: draw.choice(values) for key, values in PARAMETERS.get(kind.name, {}).items()}
    fault |= _times(draw, called, duration_s)
    if kind.name == "delay" and draw.random() < 0.4:
        fault["delay"] = draw.choice(_DELAYS)
    if kind.name in STREAMED:
        fault["stream"] = draw.choice(("downstream", "downstream", "upstream", "both"))
        if draw.random() < 0.3:
            fault["toxicity"] = draw.choice(("20%", "50%", "90%"))
    fault |= _selection(draw, kind, upstream)
    if "on" not in fault and kind.name != "revoke" and draw.random() < 0.15:
        fault["upstream"] = draw.choice(("all", draw.sample(list(target.upstream_names), 2)))
    return fault


def _times(draw: Random, called: Sequence[str], duration_s: float) -> Raw:
    length_s = draw.choice(_LENGTHS_S)
    if draw.random() < 0.12:
        after = draw.choice(
            (
                {
                    "breaker": draw.choice(called),
                    "is": draw.choice(("open", "half_open", "closed")),
                },
                {"calls": draw.choice((1, 5, 20)), "at": draw.choice(called)},
            )
        )
        wait: Raw = {"wait": draw.choice(("500ms", "4s"))} if draw.random() < 0.3 else {}
        return {"after": after, "for": format_duration(length_s)} | wait
    begin_s = 0.0 if draw.random() < 0.25 else draw.uniform(0.0, duration_s * 0.8)
    begin_s = round(begin_s * 4) / 4 if draw.random() < 0.5 else round(begin_s, 2)
    end_s = min(duration_s, begin_s + length_s)
    times: Raw = {"from": format_duration(begin_s), "to": format_duration(end_s)}
    if length_s > 10 and draw.random() < 0.25:
        every_s = draw.choice((2.0, 4.0, 10.0))
        times |= {
            "every": format_duration(every_s),
            "for": format_duration(draw.choice((every_s / 4, every_s / 2, every_s * 0.9))),
        }
    return times


def _selection(draw: Random, kind: Kind, upstream: str) -> Raw:
    """Which of its calls a fault hits, where a stub can play it."""
    if not kind.in_stub or draw.random() < 0.55:
        return {}
    chosen: Raw = {}
    if draw.random() < 0.5:
        chosen["on"] = ROUTES[upstream]
    if not chosen or draw.random() < 0.5:
        key, value = draw.choice(_WAYS)
        chosen[key] = value
    return chosen


# Expectations


def _expected(draw: Random, raw: Raw, target: Target) -> list[Raw]:
    """Of some outages no more than promises; of the others what the contract's arithmetic says."""
    called = _called(raw, target)
    hit = [name for name in _scenario(raw, target).faulted_upstreams if name in called]
    if not hit or draw.random() < 0.2:
        return []
    upstream = draw.choice(hit)
    said: Raw = {"breaker": upstream, "opens": "contract ± 1s"}
    for key in ("probes", "closes"):
        if draw.random() < 0.7:
            said[key] = "contract ± 1s"
    if draw.random() < 0.5:
        said["attempts"] = "contract"
    # Apart: what the contract can't tell of a draw is no reason not to hold it to the rest.
    found = [said, {"breaker": upstream, "keeps": "contract"}]
    return [*found, {"charges": ">= 0", "duplicates": 0}] if "billing" in called else found
