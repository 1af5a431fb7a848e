"""Metrics and spans, as their readers take them."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from harness.cli.ci import check_collector, send_spans
from harness.errors import UsageError
from harness.report.metrics import metrics_txt
from harness.report.provenance import Provenance
from harness.report.spans import otlp_json
from harness.trace import span_id, trace_id
from harness.verdict import Hits, Known, Percentile, Stream, Verdict

MADE = Provenance(
    began="2026-11-27T02:17:00Z",
    real_s={"auth_blackhole_50s": 92.2},
    zero_unix_s={"auth_blackhole_50s": 1_795_747_020.25},
)
HITS = Hits(fault=1, kind="blackhole", subject="auth", start_s=0.0, end_s=50.0, met=13)


def samples(text: str) -> dict[str, dict[tuple[str, ...], float]]:
    return {
        family.name: {tuple(sample.labels.values()): sample.value for sample in family.samples}
        for family in text_string_to_metric_families(text)
    }


def test_prometheus_reads_what_was_judged(finding, judgement, outcome):
    known = finding(Verdict.FAILED, name="k", known=Known(because="x", until="2030-01-01"))
    stream = Stream(
        requests=90,
        answers={"200": 32, "401": 58},
        latency_ms={"p95": Percentile(ms=1250.0, low_ms=1000.0, high_ms=None)},
    )
    found = samples(
        metrics_txt(
            outcome(
                judgement(
                    finding(), known, streams={"chat": stream}, faults=(HITS,), duplicates=2,
                    verdict=Verdict.PASSED,
                ),
                made=MADE,
            )
        )
    )  # fmt: skip
    name = "auth_blackhole_50s"
    assert found["outage_scenario"][name, "passed"] == 1
    assert found["outage_scenario"][name, "failed"] == 0
    assert found["outage_expectations"][name, "known"] == 1
    assert found["outage_answers"][name, "chat", "401"] == 58
    assert found["outage_latency_seconds"][name, "chat", "p95"] == 1.25
    assert found["outage_breaker_change_seconds"][name, "auth", "open", "1"] == 9.0123
    assert found["outage_fault_calls"][name, "1", "blackhole"] == 13
    assert found["outage_play_seconds"][(name,)] == 92.2
    assert found["outage_charges_duplicated"][(name,)] == 2


@given(st.text())
def test_no_text_breaks_the_metrics(judgement, outcome, text):
    samples(metrics_txt(outcome(judgement(name=text), target=text)))


def test_spans_are_valid_and_lie_where_it_happened(finding, judgement, outcome):
    trace = trace_id(0, "auth_blackhole_50s", "chat", 11)
    bad = finding(Verdict.FAILED, name="bad", at_s=10.5, line=7)
    text = otlp_json(
        outcome(
            judgement(finding(), bad, faults=(HITS,)),
            made=MADE,
            traces={"auth_blackhole_50s": {"bad": (trace,)}},
        )
    )
    (resource,) = json.loads(text)["resourceSpans"]
    (scope,) = resource["scopeSpans"]
    spans = {span["name"]: span for span in scope["spans"]}
    assert len({span["spanId"] for span in spans.values()}) == len(scope["spans"]) == 4
    for span in spans.values():
        assert re.fullmatch("[0-9a-f]{32}", span["traceId"])
        assert re.fullmatch("[0-9a-f]{16}", span["spanId"])
        assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"])
    root = spans["outage auth_blackhole_50s"]
    assert "parentSpanId" not in root
    assert {span.get("parentSpanId") for span in spans.values()} == {None, root["spanId"]}
    zero = 1_795_747_020_250_000_000
    fault = spans["fault blackhole on auth"]
    assert (int(fault["startTimeUnixNano"]) - zero, int(fault["endTimeUnixNano"]) - zero) == (
        0,
        50_000_000_000,
    )
    assert int(spans["breaker auth open"]["startTimeUnixNano"]) - zero == 9_012_300_000
    assert int(spans["bad"]["startTimeUnixNano"]) - zero == 10_500_000_000
    assert spans["bad"]["links"] == [{"traceId": trace, "spanId": span_id(trace)}]
    assert spans["bad"]["status"]["code"] == 2


def test_a_play_whose_instants_nobody_knows_has_no_spans(judgement, outcome):
    found = json.loads(otlp_json(outcome(judgement())))
    assert found["resourceSpans"][0]["scopeSpans"][0]["spans"] == []


def test_a_collector_is_sent_the_spans_and_its_refusal_is_said(outcome):
    with collector() as (url, taken):
        assert send_spans(outcome(), url) == f"spans: taken by {url}"
        assert json.loads(taken[0])["resourceSpans"]
    assert "took none" in send_spans(outcome(), url)


def test_a_collector_elsewhere_is_meant_or_refused():
    check_collector("http://127.0.0.1:4318/v1/traces", allow_remote=False)
    check_collector("https://otel.example/v1/traces", allow_remote=True)
    for url in ("https://otel.example/v1/traces", "otel:4318"):
        with pytest.raises(UsageError):
            check_collector(url, allow_remote=False)


@contextmanager
def collector() -> Iterator[tuple[str, list[bytes]]]:
    taken: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/traces", taken
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
