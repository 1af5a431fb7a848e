"""`metrics.txt`: a run as OpenMetrics, for dashboards of one's own.

Every sample carries the instant at which its run began, so that a file which is read late (by a
textfile collector, or pushed after the night) lies where it belongs.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime

from harness.frozen import Frozen
from harness.report.outcome import Outcome
from harness.report.secrets import clean
from harness.verdict import Judgement, Verdict

Labels = dict[str, str]
Sample = tuple[Labels, float]


class _Family(Frozen, kw_only=True):
    """One metric with all its samples; names end in their unit."""

    name: str
    help: str
    samples: Iterable[Sample]
    unit: str = ""


def metrics_txt(outcome: Outcome) -> str:
    """The text of `metrics.txt`."""
    at = _began(outcome)
    lines = [line for family in _families(outcome) for line in _written(family, at)]
    return "\n".join([*lines, "# EOF"]) + "\n"


def _families(outcome: Outcome) -> Iterator[_Family]:
    judged = outcome.judgements
    about = {
        "target": outcome.target,
        "engine": outcome.engine,
        "proxy": outcome.proxy,
        "commit": outcome.made.commit or "unknown",
        "verdict": outcome.verdict.value,
    }
    yield _Family(name="outage_run", help="The run; always 1.", samples=[(about, 1.0)])
    yield _Family(
        name="outage_scenario",
        help="1 for the verdict of a scenario, 0 for those that it hasn't.",
        samples=[
            ({"scenario": each.name, "verdict": verdict.value}, float(each.verdict is verdict))
            for each in judged
            for verdict in Verdict
        ],
    )
    yield _Family(
        name="outage_expectations",
        help="Expectations and promises of a scenario, by verdict; known failures apart.",
        samples=[sample for each in judged for sample in _expectations(each)],
    )
    yield _Family(
        name="outage_play_seconds",
        help="What a scenario really took.",
        unit="seconds",
        samples=[({"scenario": name}, took_s) for name, took_s in outcome.made.real_s.items()],
    )
    yield _Family(
        name="outage_answers",
        help="Answers by stream and status; none for no answer.",
        samples=[
            ({"scenario": each.name, "stream": name, "status": status}, float(count))
            for each in judged
            for name, stream in each.streams.items()
            for status, count in stream.answers.items()
        ],
    )
    yield _Family(
        name="outage_latency_seconds",
        help="Percentiles of latencies, from the planned instant.",
        unit="seconds",
        samples=[
            ({"scenario": each.name, "stream": name, "percentile": percentile}, found.ms / 1000)
            for each in judged
            for name, stream in each.streams.items()
            for percentile, found in stream.latency_ms.items()
        ],
    )
    yield _Family(
        name="outage_breaker_change_seconds",
        help="Instants of a breaker's changes, as inferred, since the outage began.",
        unit="seconds",
        samples=[
            (
                {
                    "scenario": each.name,
                    "upstream": upstream,
                    "state": change.state,
                    "number": str(number),
                },
                change.at_s,
            )
            for each in judged
            for upstream, changes in each.breakers.items()
            for number, change in enumerate(changes, 1)
        ],
    )
    yield _Family(
        name="outage_fault_calls",
        help="Calls that a fault met, where that is known.",
        samples=[
            ({"scenario": each.name, "fault": str(hits.fault), "kind": hits.kind}, float(hits.met))
            for each in judged
            for hits in each.faults
            if hits.met is not None
        ],
    )
    yield _Family(
        name="outage_charges_duplicated",
        help="Charges that no chat can own.",
        samples=[({"scenario": each.name}, float(each.duplicates)) for each in judged],
    )


def _expectations(judgement: Judgement) -> Iterator[Sample]:
    counts = Counter(
        "known" if finding.known is not None else finding.verdict.value
        for finding in judgement.all_findings
    )
    for verdict in (*(each.value for each in Verdict), "known"):
        yield {"scenario": judgement.name, "verdict": verdict}, float(counts[verdict])


def _began(outcome: Outcome) -> str:
    """` 1764209820`, or nothing where nobody knows."""
    try:
        return f" {datetime.fromisoformat(outcome.made.began or '').timestamp():.0f}"
    except (ValueError, OverflowError):
        return ""


def _written(family: _Family, at: str) -> Iterator[str]:
    yield f"# TYPE {family.name} gauge"
    if family.unit:
        yield f"# UNIT {family.name} {family.unit}"
    yield f"# HELP {family.name} {family.help}"
    for labels, value in family.samples:
        if math.isfinite(value):
            named = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
            yield f"{family.name}{{{named}}} {round(value, 6):.10g}{at}"


def _escaped(text: str) -> str:
    return clean(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
