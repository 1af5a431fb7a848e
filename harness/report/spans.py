"""`trace.otlp.json`: faults, open breakers and findings as OTLP spans, beside one's own traces.

A scenario is a trace: its span lasts as long as its play, and has its faults, its breakers' open
times and what is wrong with it for children. Instants are of the wall clock.
A request that shows a finding is linked by its own trace, which the harness began with
`traceparent`. The file is one ExportTraceServiceRequest in JSON, as a collector takes it on
`/v1/traces`.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from typing import Any

from harness.report.outcome import Outcome
from harness.report.secrets import clean
from harness.trace import span_id
from harness.verdict import Finding, Judgement, Verdict

_OK, _ERROR = 1, 2
_INTERNAL = 1
_WRONG = (Verdict.FAILED, Verdict.INCONCLUSIVE)


def otlp_json(outcome: Outcome) -> str:
    """The text of `trace.otlp.json`; scenarios whose 0s nobody knows are left out."""
    spans = [
        span
        for judgement in outcome.judgements
        if (zero_s := outcome.made.zero_unix_s.get(judgement.name)) is not None
        for span in _spans(judgement, zero_s, outcome)
    ]
    resource = {
        "service.name": "outage-harness",
        "service.version": outcome.made.versions.get("outage-harness", "unknown"),
        "host.name": outcome.made.host or "unknown",
        "outage.target": outcome.target,
        "outage.target.commit": outcome.made.commit or "unknown",
        "outage.engine": outcome.engine,
        "outage.seed": outcome.seed,
    }
    scope = {"scope": {"name": "outage-harness"}, "spans": spans}
    whole = {"resource": {"attributes": _attributes(resource)}, "scopeSpans": [scope]}
    return json.dumps({"resourceSpans": [whole]}, indent=1, ensure_ascii=False) + "\n"


def _spans(judgement: Judgement, zero_s: float, outcome: Outcome) -> Iterator[dict[str, Any]]:
    trace = _id(f"{outcome.made.began}/{judgement.name}/{zero_s}", 16)
    root = span_id(trace)
    end_s = judgement.duration_s

    def span(name: str, start_s: float, stop_s: float, **more: Any) -> dict[str, Any]:
        stop_s = stop_s if math.isfinite(stop_s) else end_s
        own = more.pop("own", None) or _id(f"{trace}/{name}/{start_s}/{stop_s}", 8)
        parent = {} if own == root else {"parentSpanId": root}
        return {
            "traceId": trace,
            "spanId": own,
            **parent,
            "name": clean(name),
            "kind": _INTERNAL,
            "startTimeUnixNano": _nano(zero_s + start_s),
            "endTimeUnixNano": _nano(zero_s + max(start_s, stop_s)),
            **more,
        }

    attributes = {
        "outage.scenario": judgement.name,
        "outage.file": judgement.file,
        "outage.verdict": judgement.verdict.value,
    }
    yield span(
        f"outage {judgement.name}",
        0.0,
        end_s,
        own=root,
        attributes=_attributes(attributes),
        status={"code": _OK if judgement.verdict is Verdict.PASSED else _ERROR},
    )
    for hits in judgement.faults:
        told: dict[str, Any] = {"outage.fault.kind": hits.kind, "outage.fault.on": hits.subject}
        if hits.met is not None:
            told["outage.fault.met"] = hits.met
        yield span(
            f"fault {hits.kind} on {hits.subject}",
            hits.start_s,
            hits.end_s,
            attributes=_attributes(told),
        )
    for upstream, start_s, stop_s in _open(judgement):
        told = {"outage.upstream": upstream}
        yield span(f"breaker {upstream} open", start_s, stop_s, attributes=_attributes(told))
    for finding in judgement.all_findings:
        if finding.verdict in _WRONG:
            at_s = 0.0 if finding.at_s is None else finding.at_s
            yield span(
                finding.name,
                at_s,
                at_s,
                attributes=_attributes(_told(finding, judgement)),
                status={"code": _ERROR, "message": clean(finding.observed)},
                links=[
                    {"traceId": linked, "spanId": span_id(linked)}
                    for linked in outcome.traces.get(judgement.name, {}).get(finding.name, ())
                ],
            )


def _open(judgement: Judgement) -> Iterator[tuple[str, float, float]]:
    """Upstreams with the times in which their breakers were open; endless ones to the end."""
    for upstream, changes in judgement.breakers.items():
        since_s: float | None = None
        for change in changes:
            if change.state == "open":
                since_s = change.at_s if since_s is None else since_s
            elif since_s is not None:
                yield upstream, since_s, change.at_s
                since_s = None
        if since_s is not None:
            yield upstream, since_s, math.inf


def _told(finding: Finding, judgement: Judgement) -> dict[str, Any]:
    found: dict[str, Any] = {
        "outage.verdict": finding.verdict.value,
        "outage.expected": finding.expected,
        "outage.observed": finding.observed,
        "outage.evidence": finding.evidence,
        "outage.claims": ", ".join(finding.claims),
        "code.file.path": judgement.file,
    }
    if finding.line is not None:
        found["code.line.number"] = finding.line
    if finding.known is not None:
        found["outage.known"] = f"until {finding.known.until}: {finding.known.because}"
    return found


def _attributes(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in found.items()]


def _value(value: object) -> dict[str, str]:
    """As OTLP has it in JSON: whole numbers of 64 bits are texts."""
    return (
        {"intValue": str(value)} if isinstance(value, int) else {"stringValue": clean(str(value))}
    )


def _nano(unix_s: float) -> str:
    return str(round(unix_s * 1_000_000) * 1000)


def _id(text: str, size: int) -> str:
    said = text.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(said, digest_size=size).hexdigest()
