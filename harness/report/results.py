"""`results.json`: the run for other programs. Names and types are kept; fields may be added."""

from __future__ import annotations

import json
import math
from typing import Any

from harness.report.outcome import Outcome
from harness.report.secrets import clean
from harness.report.totals import busy_line
from harness.verdict import Finding, Hits, Judgement, Percentile, Stream, Transition

SCHEMA = 1


def results_json(outcome: Outcome) -> str:
    """The text of `results.json`; every number in it is finite."""
    return json.dumps(results(outcome), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def results(outcome: Outcome) -> dict[str, Any]:
    """The whole run, as JSON takes it."""
    return {
        "schema": SCHEMA,
        "verdict": outcome.verdict.value,
        "summary": outcome.totals,
        "engine": outcome.engine,
        "proxy": outcome.proxy,
        "target": clean(outcome.target),
        "seed": outcome.seed,
        "run": None if outcome.made.run is None else clean(outcome.made.run),
        "began": outcome.made.began,
        "versions": {name: clean(each) for name, each in sorted(outcome.made.versions.items())},
        "target_commit": outcome.made.commit,
        "host": None if outcome.made.host is None else clean(outcome.made.host),
        "shard": outcome.made.shard,
        "wall_s": _finite(outcome.wall_s or 0.0),
        "without": list(outcome.without),
        "known": [each.to_json() for each in outcome.known],
        "silent": [clean(line) for line in outcome.silent],
        "busy": busy_line(outcome.judgements),
        "scenarios": [_scenario(judgement, outcome) for judgement in outcome.judgements],
    }


def _scenario(judgement: Judgement, outcome: Outcome) -> dict[str, Any]:
    late = judgement.lateness_ms
    real_s = outcome.made.real_s.get(judgement.name)
    zero_unix_s = outcome.made.zero_unix_s.get(judgement.name)
    return {
        "name": judgement.name,
        "file": judgement.file,
        "title": clean(judgement.title),
        "verdict": judgement.verdict.value,
        "duration_s": _finite(judgement.duration_s),
        "start_s": _finite(judgement.start_s),
        "wall_s": _finite(judgement.wall_s),
        "real_s": None if real_s is None else _finite(real_s),
        "zero_unix_s": None if zero_unix_s is None else _finite(zero_unix_s),
        "requests": judgement.requests,
        "lateness_ms": {name: _finite(late.get(name, 0.0)) for name in ("p50", "p99", "max")},
        "breakers": {
            upstream: [_transition(each) for each in transitions if math.isfinite(each.at_s)]
            for upstream, transitions in judgement.breakers.items()
        },
        "perhaps_open": {
            upstream: [
                {"from_s": _finite(low_s), "to_s": _finite(high_s)} for low_s, high_s in spans
            ]
            for upstream, spans in judgement.perhaps_open.items()
        },
        "charges": {
            "total": judgement.charges,
            "duplicates": judgement.duplicates,
            "unacknowledged": judgement.unacknowledged,
        },
        "streams": {name: _stream(each) for name, each in judgement.streams.items()},
        "faults": [_fault(each) for each in judgement.faults],
        "false_rejections": dict(judgement.false_rejections),
        "expectations": [_finding(finding, judgement) for finding in judgement.findings],
        "promises": [_finding(finding, judgement) for finding in judgement.promises],
        "busy": judgement.busy,
        "plays": judgement.plays,
        "played_again": list(judgement.played_again),
        "repeats": [
            {"seed": each.seed, "verdict": each.verdict.value} for each in judgement.repeats
        ],
        "notes": [clean(note) for note in judgement.notes],
        "silent": [clean(line) for line in judgement.silent],
    }


def _stream(stream: Stream) -> dict[str, Any]:
    return {
        "requests": stream.requests,
        "answers": dict(stream.answers),
        "latency_ms": {name: _percentile(each) for name, each in stream.latency_ms.items()},
    }


def _percentile(found: Percentile) -> dict[str, Any]:
    return {
        "ms": _finite(found.ms),
        "low_ms": _finite(found.low_ms),
        "high_ms": None if found.high_ms is None else _finite(found.high_ms),
    }


def _fault(hits: Hits) -> dict[str, Any]:
    return {
        "fault": hits.fault,
        "kind": hits.kind,
        "subject": hits.subject,
        "window": {"from_s": _finite(hits.start_s), "to_s": _finite(hits.end_s)},
        "met": hits.met,
        "at_least": hits.at_least,
        "note": clean(hits.note),
    }


def _transition(transition: Transition) -> dict[str, Any]:
    return {
        "state": transition.state,
        "at_s": _finite(transition.at_s),
        "error_s": _finite(transition.error_s),
        "evidence": clean(transition.evidence),
    }


def _finding(finding: Finding, judgement: Judgement) -> dict[str, Any]:
    return {
        "name": clean(finding.name),
        "claims": list(finding.claims),
        "verdict": finding.verdict.value,
        "expected": clean(finding.expected),
        "observed": clean(finding.observed),
        "evidence": clean(finding.evidence),
        "because": clean(finding.because or ""),
        "examples": list(finding.examples),
        "file": clean(judgement.file),
        "line": finding.line or 0,
        "noise": finding.noise,
        "known": None
        if finding.known is None
        else {"because": clean(finding.known.because), "until": finding.known.until},
    }


def _finite(number: float) -> float:
    """To the millisecond; what is not a number is 0, as readers of JSON can't take it."""
    return round(float(number), 3) if math.isfinite(number) else 0.0
