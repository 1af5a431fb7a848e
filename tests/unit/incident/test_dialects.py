"""The same formats as other tools write them: loggers, containers, spreadsheets, pages."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.cli.entry import call
from harness.incident.instants import parse_instant
from harness.incident.log_line import parse_line
from harness.scenario.loader import load_scenario

T0 = 1793707200  # 2026-11-03T12:00:00Z
COMBINED = '1.2.3.4 - - [03/Nov/2026:12:00:05 +0000] "GET /thumb/7 HTTP/1.1" 502 157 "-" "curl/8"'


def spans(tmp_path: Path, text: str, *args: str) -> list[tuple[str, float, float]]:
    """What the faults of an imported file are, and when."""
    file, out = tmp_path / "data", tmp_path / "out.yaml"
    file.write_text(text)
    assert call(["import", str(file), "-o", str(out), *(args or ("--upstream", "auth"))]) == 0
    return [(fault.fault, fault.from_, fault.to or -1.0) for fault in load_scenario(out).faults]


@pytest.mark.parametrize(
    ("text", "took_s"),
    [
        # pino, with its epoch in milliseconds
        (json.dumps({"level": 50, "time": (T0 + 5) * 1000, "req": {"method": "GET",
         "url": "/thumb/7?size=1"}, "res": {"statusCode": 502}, "responseTime": 5003}), 5.003),
        # ECS as Elastic's loggers nest it
        (json.dumps({"@timestamp": "2026-11-03T12:00:05Z", "http": {"request": {"method": "GET"},
         "response": {"status_code": 502}}, "url": {"path": "/thumb/7"}}), None),
        # Docker's json-file around a line of nginx's
        (json.dumps({"log": COMBINED + "\n", "stream": "stdout",
         "time": "2026-11-03T12:00:05.123Z"}), None),
        ("nginx-1  | " + COMBINED, None),  # docker compose logs
        ("2026-11-03T12:00:05.123456Z stdout F " + COMBINED, None),  # what kubelet keeps
    ],
)  # fmt: skip
def test_lines_of_other_loggers(text: str, took_s: float | None) -> None:
    line = parse_line(text)
    assert line is not None
    assert (line.at_s, line.status, line.route) == (T0 + 5, 502, "GET /thumb/7")
    assert line.took_s == took_s


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        ('haproxy[7]: 10.0.0.1:4242 [03/Nov/2026:12:00:05.000] web auth/a1 0/0/1/20/21 200 312 '
         '- - ---- 1/1/0/0/0 0/0 "GET /thumb/7 HTTP/1.1"', 200, ""),
        ('Nov  3 12:00:05 lb haproxy[7]: 10.0.0.1:42 [03/Nov/2026:12:00:05.000] web~ auth/a1 '
         '0/0/0/-1/5001 504 194 - - sH-- 1/1/0/0/0 0/0 {a|b} "GET /thumb/7 HTTP/1.1"', 504,
         "timed out"),
        ('10.0.0.1:42 [03/Nov/2026:12:00:05.000] web auth/a1 0/0/-1/-1/0 503 194 - - SC-- '
         '1/1/0/0/3 0/0 "GET /thumb/7 HTTP/1.1"', 503, "connection refused"),
    ],
)  # fmt: skip
def test_lines_of_haproxy(text: str, status: int, said: str) -> None:
    line = parse_line(text)
    assert line is not None
    assert (line.at_s, line.status, line.route, line.said) == (T0 + 5, status, "GET /thumb/7", said)
    assert line.upstreams == ("auth/a1",)


WIDE = '"Time","auth error %","billing error %"\n' + "".join(
    f"2026-11-03 12:0{i}:00,{'97.5%' if 2 <= i < 5 else '0.1%' if i else ''},{i}%\n"
    for i in range(9)
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("start;length;service;share\n10,5;42,25;auth;97,5 %\n", (0, 42.25)),
        ("start;downtime_s;percent\n10;42;30%\n", (0, 42)),
        ("start,end\n27.11.2025 08:10:00,27.11.2025 08:12:30\n", (0, 150)),
        ("start,end\n11/27/2025 8:10 AM,11/27/2025 1:10 PM\n", (0, 18_000)),
        (WIDE, (0, 180)),
        # As `up` is: a table that begins with 1 has good samples of 1.
        ("time,value\n" + "".join(f"{T0 + 10 * i},{int(not 2 <= i < 7)}\n" for i in range(12)),
         (0, 50)),
    ],
)  # fmt: skip
def test_tables_of_spreadsheets(tmp_path: Path, text: str, found: tuple[float, float]) -> None:
    assert [each[1:] for each in spans(tmp_path, text)] == [found]


def test_samples_of_a_table_say_how_they_were_read(tmp_path: Path) -> None:
    spans(tmp_path, WIDE)
    assert "auth error %: a share of errors" in (tmp_path / "out.yaml").read_text()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("start,end\n2025-11-27 08:10:00 CET,2025-11-27 08:12:00 CET\n", "+01:00"),
        ("Beginn;Ende;Dienst\n1;2;x\n", "found beginn, ende, dienst\n"),
        (WIDE.replace("auth", "mail"), "columns: Time, mail error %, billing error %"),
    ],
)
def test_tables_are_refused_with_what_would_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, told: str
) -> None:
    file = tmp_path / "a.csv"
    file.write_text(text)
    assert call(["import", str(file), "--upstream", "auth"]) == 2
    assert told in capsys.readouterr().err


def test_slower_than_any_bucket_is_bad_and_no_gap(tmp_path: Path) -> None:
    said = ["0.1"] * 4 + ["+Inf"] * 2 + ["4.8"] * 3 + ["0.1"] * 4
    values = [[T0 + 30 * i, value] for i, value in enumerate(said)]
    for labels in ({"quantile": "0.99"}, {"upstream": "auth"}):
        series = {"metric": labels, "values": values}
        text = json.dumps({"data": {"resultType": "matrix", "result": [series]}})
        assert [each[1:] for each in spans(tmp_path, text)] == [(0, 150)]


def test_a_page_says_of_each_component_when_it_was_named(tmp_path: Path) -> None:
    def update(minute: int, *states: tuple[str, str]) -> dict[str, object]:
        affected = [{"code": name, "name": name, "new_status": state} for name, state in states]
        at = datetime.fromtimestamp(T0 + 60 * minute, UTC).isoformat()
        return {"status": "x", "body": "", "created_at": at, "affected_components": affected}

    incident = {
        "name": "Trouble", "created_at": "2026-11-03T12:00:00Z", "impact": "critical",
        "resolved_at": "2026-11-03T12:40:00Z",
        "incident_updates": [
            update(40, ("Auth API", "operational"), ("Billing", "operational")),
            update(15, ("Auth API", "operational"), ("Billing", "degraded_performance")),
            update(2, ("Auth API", "major_outage")),
        ],
    }  # fmt: skip
    text = json.dumps({"incidents": [incident]})
    assert spans(tmp_path, text) == [("status", 0, 900)]
    assert spans(tmp_path, text, "--upstream", "billing") == [("delay", 0, 1500)]
    assert "2026-11-03T12:15:00Z" in (tmp_path / "out.yaml").read_text()


@pytest.mark.parametrize("text", ["27.11.2025 08:10:00", "11/27/2025 8:10 AM", "27/11/2025 08:10"])
def test_a_day_that_is_no_month_tells_the_order(text: str) -> None:
    assert parse_instant(text).at_s == datetime(2025, 11, 27, 8, 10, tzinfo=UTC).timestamp()


def test_data_that_names_another_is_taken_and_said(tmp_path: Path) -> None:
    values = [[T0 + 15 * i, str(int(i not in (3, 4)))] for i in range(9)]
    series = {"metric": {"__name__": "up", "job": "billing"}, "values": values}
    spans(tmp_path, json.dumps({"data": {"resultType": "matrix", "result": [series]}}))
    assert (
        "none of its series names auth; all are taken for it" in (tmp_path / "out.yaml").read_text()
    )
