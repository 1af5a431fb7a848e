"""The scenario of an incident: its faults, and expectations twice, each line with its origin."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Literal

from harness.contracts import Sample
from harness.errors import UsageError
from harness.frozen import Frozen
from harness.incident.evidence import WHOLE, Episode, Incident
from harness.incident.instants import written_instant
from harness.incident.symptoms import playable
from harness.policy.outage import opens_after_s
from harness.policy.settings import ServiceSettings
from harness.printable import in_line
from harness.scenario.faults import KINDS
from harness.scenario.located import plain, read_tree
from harness.scenario.template import example_of, sample_lines
from harness.target import Target
from harness.units import format_duration, format_rate

Which = Literal["should", "happened"]
MARK = "# Written by `outage import`"
"""How a file that was imported begins: another import may replace it."""
MOST_FAULTS = 200
_LONGEST_S = 86_400.0
_MOST_REQUESTS = 3600
_PERIODS_S = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600)
_AFTER_S = 10.0
_LEAST_TOLERANCE_S = 1.0
_GAP = 1.5
"""So many steps without a sample are a gap."""
_COLUMN = 24


class _Fault(Frozen, kw_only=True):
    """An episode as it is played: seconds after 0, and the kind of fault that can do it."""

    episode: Episode
    from_s: float
    to_s: float
    kind: str
    parameters: dict[str, str]
    note: str
    assumed: bool
    """Whether nobody said its parameters."""

    @property
    def opens(self) -> bool:
        """Whether every attempt that meets it fails, and all meet it."""
        values = {key: plain(read_tree(text)[0]) for key, text in self.parameters.items()}
        model = KINDS[self.kind].model
        said = {"upstream": "it", "fault": self.kind, **values}
        return self.episode.share >= WHOLE and model.model_validate(said).fails


def scenario_text(
    incident: Incident,
    *,
    files: Sequence[str],
    target: Target,
    settings: dict[str, ServiceSettings],
    which: Which = "should",
    fault: str | None = None,
) -> str:
    """The scenario file of an incident.

    `target` says what is sent and what users meet; `settings` are those of each of its upstreams;
    `which` of the two expectations is in force; `fault` is played instead of what the data looks
    like.

    Raises: UsageError for what no scenario can hold.
    """
    faults = [_played(one, incident, fault, target.user_ids) for one in incident.episodes]
    _bound(incident, faults)
    upstream = faults[0].episode.upstream or target.upstream_names[0]
    own = settings[upstream]
    last_s = max(one.to_s for one in faults)
    well_s = last_s + own.open_after_s(last_s) + own.longest_call_s
    duration_s = well_s + max(_AFTER_S, 2 * incident.step_s)
    if duration_s > _LONGEST_S:
        last = max(faults, key=lambda one: one.to_s).episode.source
        raise UsageError(
            f"it lasts {math.ceil(duration_s / 3600):,}h until all is well again after {last}, and "
            "a scenario at most 24h: choose a part with --since and --until"
        )
    rate = _rate(faults, duration_s)
    known = target.calling(upstream, surely=True)
    stream, sample, why = _asked(incident, target, upstream)
    lines = [
        *_head(incident, files, upstream),
        *_traffic(
            incident, stream, sample, why, faults, rate, duration_s, opens=not own.breaker.absent
        ),
        "faults:",
        *(line for one in faults for line in _fault_lines(one, incident)),
    ]
    happened = list(_happened(faults, incident, stream, sample.healthy))
    met = None if known is None else target.contract.while_down(sample.request, upstream)
    well = sample.healthy
    should = list(_should(faults, incident, upstream, stream, own, rate, met=met, well=well))
    lines += [
        "# What should be: the contract's answer to this, and so what a run is judged by.",
        *_block(should, in_force=which == "should"),
        "# What happened, as the data has it. To see whether a target does it again, put this in",
        "# force instead of the block above (`--expect happened` does).",
        *_block(happened, in_force=which == "happened"),
    ]
    return "\n".join(in_line(line) for line in lines) + "\n"


def _asked(incident: Incident, target: Target, upstream: str) -> tuple[str, Sample, str]:
    """A request of users: its stream, itself, and in words why it is this one."""
    known = target.calling(upstream, surely=True)
    if known is not None:
        return *known, f"one that needs {upstream}"
    if target.routes and (own := target.calling(upstream)) is not None:
        return *own, f"the target's first; one that needs {upstream} should stand here"
    asks = Sample(request=incident.route or "GET /", as_=next(iter(target.user_ids), None))
    return "requests", asks, f"put one here that needs {upstream}"


def _played(one: Episode, incident: Incident, fault: str | None, users: Sequence[str]) -> _Fault:
    symptom, note = playable(one.symptom, one.share)
    kind, parameters = symptom.fault, dict(symptom.parameters)
    if fault is not None and fault != kind:
        kind, parameters, note = fault, example_of(fault, users), "by --fault"
        if one.share < WHOLE and not KINDS[kind].in_stub:
            raise UsageError(
                f"--fault {kind} hits all calls of an upstream; {one.source} says {one.share:.0%}"
            )
    elif not symptom.told and not note:
        note = "how calls failed the data doesn't say; --fault KIND if you know"
    return _Fault(
        episode=one,
        from_s=one.start_s - incident.zero_s,
        to_s=one.end_s - incident.zero_s,
        kind=kind,
        parameters=parameters,
        note=note,
        assumed=symptom.assumed or kind != symptom.fault,
    )


def _bound(incident: Incident, faults: Sequence[_Fault]) -> None:
    if len(faults) <= MOST_FAULTS:
        return
    gaps = sorted((two.from_s - one.to_s for one, two in pairwise(faults)), reverse=True)
    bridge_s = max(gaps[MOST_FAULTS - 1], incident.step_s)
    raise UsageError(
        f"{len(faults)} stretches are bad, too many for one scenario; take short good ones between "
        f"them as part of the trouble: --bridge {format_duration(math.ceil(bridge_s))}"
    )


def _rate(faults: Sequence[_Fault], duration_s: float) -> float:
    """Requests a second: 1, fewer for a long incident, as long as the shortest fault meets five."""
    shortest_s = min(one.to_s - one.from_s for one in faults)
    for period_s in _PERIODS_S:
        longer = duration_s / period_s > _MOST_REQUESTS
        if not longer or shortest_s < 5 * 2 * period_s:
            return 1 / period_s
    return 1 / _PERIODS_S[-1]


def _quoted(text: str) -> str:
    return json.dumps(in_line(text), ensure_ascii=False)


def _commented(line: str, comment: str) -> str:
    return f"{line:<{_COLUMN}}  # {comment}" if comment else line


def _head(incident: Incident, files: Sequence[str], upstream: str) -> Iterator[str]:
    yield f"{MARK} from {', '.join(files)}."
    zero = written_instant(incident.zero_s, clock=incident.clock)
    wide = any(
        _wide(within_s, incident)
        for one in incident.episodes
        for within_s in (one.begins_within_s, one.ends_within_s)
    )
    where = ", where nothing else is said" if wide else ""
    yield f"# 0s is the first bad sample, {zero}. Instants are good to {_step(incident)}{where}:"
    yield f"# {incident.step_from}."
    for note in incident.notes:
        yield f"# {note}"
    title = incident.title or f"{upstream} in trouble, as {', '.join(files)} shows"
    yield f"title: {_quoted(title[:200])}"
    yield f"replays: {_quoted(', '.join(files)[:300])}"


def _step(incident: Incident) -> str:
    return format_duration(max(incident.step_s, 0.001))


def _wide(within_s: float, incident: Incident) -> str:
    """The time between two samples around an edge, where it is longer than usual; else empty."""
    return format_duration(within_s) if within_s > _GAP * incident.step_s else ""


def _traffic(
    incident: Incident,
    stream: str,
    sample: Sample,
    why: str,
    faults: Sequence[_Fault],
    rate: float,
    duration_s: float,
    *,
    opens: bool,
) -> Iterator[str]:
    then = "for a breaker to probe and close" if opens else "to see that all is well again"
    yield _commented(
        f"duration: {format_duration(math.ceil(duration_s))}",
        f"the last fault's end, then long enough {then}",
    )
    yield "traffic:"
    yield f"  {stream}:"
    seen = f"; in the data most ask for {incident.route}" if incident.route else ""
    yield _commented(f"    request: {sample.request}", f"{why}{seen}")
    yield from (f"    {line}" for line in sample_lines(sample) if not line.startswith("request:"))
    period_s = 1 / rate
    written = format_rate(rate) if rate >= 1 else f"1/{period_s:.0f}s"
    own = f"in the data {incident.rate:.3g}/s" if incident.rate else "the data has no requests"
    yield _commented(f"    rate: {written}", own)
    missed = [
        one for one in faults if not _meets(one.from_s, one.to_s, period_s)
    ]  # fmt: skip
    if missed:
        bursts = ", ".join(f"1 at {format_duration(one.from_s)}" for one in missed)
        yield _commented(f"    count: [{bursts}]", "so that the shortest faults meet somebody")


def _meets(from_s: float, to_s: float, period_s: float) -> bool:
    return math.ceil(from_s / period_s) * period_s < to_s - 1e-3


def _fault_lines(one: _Fault, incident: Incident) -> Iterator[str]:
    episode = one.episode
    clock = incident.clock
    yield f"  # {episode.source}: {episode.symptom.why}"
    yield f"  - upstream: {episode.upstream}"
    yield _commented(f"    fault: {one.kind}", one.note)
    assumed = "an example: the data has no number" if one.assumed else ""
    for key, value in one.parameters.items():
        yield _commented(f"    {key}: {value}", assumed)
    begin = written_instant(episode.start_s, clock=clock)
    end = written_instant(episode.end_s, clock=clock)
    unknown = f"; the good sample before is {_wide(episode.begins_within_s, incident)} older"
    since = f"first bad: {begin}{unknown if _wide(episode.begins_within_s, incident) else ''}"
    yield _commented(f"    from: {format_duration(one.from_s)}", since)
    told = f"still bad, as far as is known: {end}" if episode.open_end else f"good again: {end}"
    within = _wide(episode.ends_within_s, incident) or _step(incident)
    yield _commented(f"    to: {format_duration(one.to_s)}", f"{told}, ± {within}")
    if episode.share < WHOLE:
        share = f"{episode.share * 100:.3g}%"
        yield _commented(f"    share: {share}", "of the calls, drawn from the run's seed")


def _block(expectations: Sequence[str], *, in_force: bool) -> Iterator[str]:
    mark = "" if in_force else "# "
    for line in ("expect:", *expectations):
        yield f"{mark}{line}"


def _should(
    faults: Sequence[_Fault],
    incident: Incident,
    upstream: str,
    stream: str,
    own: ServiceSettings,
    rate: float,
    *,
    met: str | None,
    well: int,
) -> Iterator[str]:
    """What the contract says of these faults, with the data's step as tolerance.

    `met` is what users are answered while the upstream is away, `well` when it isn't.
    """
    tolerance_s = max(incident.step_s, _LEAST_TOLERANCE_S)
    tolerance = f"± {format_duration(tolerance_s)}"
    opened_s = opens_after_s(own, rate)
    enough_s = math.inf if opened_s is None else own.longest_call_s + opened_s
    hits = [one for one in faults if one.episode.upstream == upstream]
    if any(one.opens and one.to_s - one.from_s >= enough_s for one in hits):
        if any(one.episode.share < WHOLE for one in hits):
            yield "  # when its breaker opens hangs on which calls `share` hits: promises judge it"
        else:
            yield f"  - breaker: {upstream}"
            yield _commented(f"    opens: contract {tolerance}", "the data's step is the tolerance")
            yield f"    closes: contract {tolerance}"
        yield f"  - while: {upstream} is open"
        yield f"    traffic: {stream}"
        yield '    latency: "< 1s"' if met is None else f"    status: {met}"
        yield f"    because: what users meet while {upstream} is away"
    else:
        bound = format_duration(own.longest_call_s + 1)
        yield f"  - traffic: {stream}"
        yield f'    latency: "< {bound}"'
        yield "    because: all attempts of a call and the waits between them take no longer"
    last_s = max(one.to_s for one in faults)
    after_s = last_s + own.open_after_s(last_s) + own.longest_call_s
    yield f"  - during: {format_duration(math.ceil(after_s))}..end"
    yield f"    traffic: {stream}"
    yield f"    status: {well}"
    yield "  - never: {status: 500}"
    yield "    because: an outage is no excuse for an unhandled error"


def _happened(
    faults: Sequence[_Fault], incident: Incident, stream: str, well: int
) -> Iterator[str]:
    """What users were answered, each episode by itself."""
    for one in faults:
        # Up to the last sample that was bad, not the first that was good.
        end_s = max(one.to_s - incident.step_s, one.from_s + (one.to_s - one.from_s) / 2)
        window = f"{format_duration(one.from_s)}..{format_duration(end_s)}"
        answers = one.episode.answers
        if answers is not None:
            if not answers.bad:
                status, share = str(well), 1.0
                why = f"all {answers.of} answers were good"
            else:
                status = f"[{', '.join(answers.statuses)}]"
                share, why = answers.bad / answers.of, f"{answers.bad} of {answers.of} answers"
        elif one.kind in ("delay", "latency"):
            yield f"  - {{during: {window}, traffic: {stream}, status: {well}}}"
            continue
        else:
            status, share = "[4xx, 5xx, error]", one.episode.share
            why = "the data has no answers of users: as if none got what they wanted by a bad call"
        least = max(1, math.floor(share * 100))
        at_least = f", at_least: {least}%" if least < 100 else ""
        yield f"  # {why}"
        yield f"  - {{during: {window}, traffic: {stream}, status: {status}{at_least}}}"
    last_s = math.ceil(max(one.to_s for one in faults) + incident.step_s)
    if faults[-1].episode.answers is not None and not faults[-1].episode.open_end:
        yield "  # good again in the data"
        yield f"  - {{during: {last_s}s..end, traffic: {stream}, status: {well}}}"
