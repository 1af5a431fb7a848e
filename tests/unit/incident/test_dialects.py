"""The same formats as other tools write them: loggers, containers, spreadsheets, pages."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.cli.entry import call
from harness.incident.instants import parse_instant
from harness.incident.log_forms import parse_line
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


def refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> str:
    """What is said of a table that is not imported."""
    file = tmp_path / "a.csv"
    file.write_text(text)
    assert call(["import", str(file), "--upstream", "auth"]) == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("start,end\n2025-11-27 08:10:00 CET,2025-11-27 08:12:00 CET\n", "+01:00"),
        ("Beginn;Ende;Dienst\n1;2;x\n", "found beginn, ende, dienst\n"),
        (WIDE.replace("auth", "mail"), "of several things: mail error %, billing error %"),
    ],
)
def test_tables_are_refused_with_what_would_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, told: str
) -> None:
    assert told in refused(tmp_path, capsys, text)


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


ASKED = "POST /v1/api/chat"


@pytest.mark.parametrize(
    ("text", "status", "took_s", "upstream"),
    [
        (f'[03/Nov/2026:12:00:05 +0000] me "{ASKED} HTTP/1.1" 504 rt=5.001 us=504 ups=auth:80',
         504, 5.001, "auth:80"),
        (f'[2026-11-03T12:00:05.000Z] "{ASKED} HTTP/1.1" 504 UT 12 91 5002 - "-" "10.0.0.4:80"',
         504, None, "10.0.0.4:80"),
        (f'127.0.0.1 - - [03/Nov/2026 12:00:05] "{ASKED} HTTP/1.1" 504 -', 504, None, ""),
        ("2026-11-03T12:00:05+00:00|10.0.0.2|POST|/v1/api/chat?token=secret|504|auth_backend",
         504, None, "auth_backend"),
        (f"1793707205.000 10.0.0.2 {ASKED} 504 request_time=0.2", 504, 0.2, ""),
        ("https 2026-11-03T12:00:05.000Z app/lb/50d 10.0.0.1:28 auth:80 0.000 5.000 0.000 504 - 34 "
         '366 "POST https://example.com:443/v1/api/chat HTTP/1.1" "curl/7" - - arn:x "Root=1" "-"',
         504, 5.0, "auth:80"),
        (json.dumps({"httpRequest": {"requestMethod": "POST", "status": 504, "latency": "5.001s",
                                     "requestUrl": "https://api.example.org/v1/api/chat"},
                     "timestamp": "2026-11-03T12:00:05Z"}), 504, 5.001, ""),
    ],
)  # fmt: skip
def test_lines_of_any_form(text: str, status: int, took_s: float | None, upstream: str) -> None:
    line = parse_line(text)
    assert line is not None
    assert (line.at_s, line.status, line.took_s, line.route) == (T0 + 5, status, took_s, ASKED)
    assert not upstream or upstream in [each.strip('"') for each in line.upstreams]


def test_a_program_tells_of_trouble_by_its_level() -> None:
    line = parse_line("2026-11-03 12:00:05,123 ERROR gateway.auth: call failed: ConnectTimeout")
    assert line is not None
    assert line.said == "gateway.auth: call failed: ConnectTimeout"
    for text in ("2026-11-03 12:00:05 INFO gateway: started",
                 '{"ts": 1793707205, "level": "info", "msg": "started"}'):  # fmt: skip
        line = parse_line(text)
        assert line is not None
        assert line.silent


def samples(column: str, bad: object, good: object, *more: object) -> str:
    """A dashboard's table, bad from 60 s to 150 s; `more` is a column and its values all along."""
    heads = ",".join(f'"{name}"' for name in ("Time", column, *more[:1]))
    rest = "".join(f",{value}" for value in more[1:])
    rows = (f"{T0 + 30 * i},{bad if 2 <= i < 5 else good}{rest}" for i in range(12))
    return "\n".join([heads, *rows])


@pytest.mark.parametrize(
    ("text", "fault", "share"),
    [
        (samples("auth errors", 18, 0, "auth requests", 60), "status", 0.3),
        (samples("auth failed", 20, 0, "auth success", 60), "status", 0.25),
        (samples('{service=""auth"", code=""503""}', 20, 0, '{service=""auth"", code=""200""}', 20),
         "status", 0.5),
        (samples("auth p99", "4.82 s", "120 ms"), "delay", 1),
        (samples("auth p99", 4.8, 0.1, "auth p50", 0.1), "delay", 1),
        ("sep=;\n" + samples("auth up", 0, 1).replace(",", ";"), "refused", 1),
        ("time,service,value\n"
         + "".join(f"{T0 + 30 * i},auth,{0.4 if 2 <= i < 5 else 0}\n" for i in range(12))
         + "".join(f"{T0 + 30 * i},billing,0\n" for i in range(12)), "status", 0.4),
        ("time,status,duration\n"
         + "".join(f"{T0 + 30 * i},{503 if 2 <= i < 5 else 200},0.2\n" for i in range(12)),
         "status", 1),
        ("created_on,resolved_on,service_name,description\n"
         f"{T0},{T0 + 90},auth,timed out\n{T0},{T0 + 900},billing,slow\n", "blackhole", 1),
        ("began,ended,service,state\n"
         f"{T0 - 500},{T0},auth,Up\n{T0},{T0 + 90},auth,Down\n{T0 + 90},{T0 + 999},auth,Up\n",
         "refused", 1),
        ('Event,Monitor,"Date-Time",Duration\n'
         f'Up,auth,{T0 + 90},"3 hrs, 2 mins"\nDown,auth,{T0},"0 hrs, 1 mins, 30 secs"\n',
         "refused", 1),
    ],
)  # fmt: skip
def test_tables_of_all_sorts(tmp_path: Path, text: str, fault: str, share: float) -> None:
    assert spans(tmp_path, text) == [(fault, 0, 90)]
    (found,) = load_scenario(tmp_path / "out.yaml").faults
    assert found.share == pytest.approx(share, abs=0.01)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (samples("auth cpu", 0.9, 0.1, "auth memory", 0.4),
         "of several things: auth cpu, auth memory"),
        (samples("auth requests", 600, 600), "nothing says which of its values are bad"),
        (samples("auth requests", "high", "low"), "expected a column of numbers beside it"),
        (f"began,ended,state\n{T0},{T0 + 90},up\n", "under state all is well"),
    ],
)  # fmt: skip
def test_what_nobody_can_tell_is_not_guessed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, told: str
) -> None:
    assert told in refused(tmp_path, capsys, text)


def test_errors_beside_all_requests_are_a_share(tmp_path: Path) -> None:
    def counter(name: str, at_once: int, per_step: int) -> dict[str, object]:
        sums = [sum(at_once if 3 <= i < 6 else per_step for i in range(n)) for n in range(12)]
        values = [[T0 + 30 * n, str(value)] for n, value in enumerate(sums)]
        return {"metric": {"__name__": name, "upstream": "auth"}, "values": values}

    both = [counter("calls_total", 300, 300), counter("call_errors_total", 90, 0)]
    text = json.dumps({"data": {"resultType": "matrix", "result": both}})
    assert spans(tmp_path, text) == [("status", 0, 90)]
    assert "share: 30%" in (tmp_path / "out.yaml").read_text()


@pytest.mark.parametrize(
    "text",
    ["Nov 27, 2025, 8:10:00 am", "27-11-2025 08:10:00 UTC", "27 November 2025 08:10",
     "Thursday, November 27, 2025 at 8:10 AM UTC", "27-Nov-2025 08:10:00", "27/Nov/2025 08:10:00"],
)  # fmt: skip
def test_days_in_words(text: str) -> None:
    assert parse_instant(text).at_s == datetime(2025, 11, 27, 8, 10, tzinfo=UTC).timestamp()


def test_a_page_of_today_holds_until_it_was_last_changed(tmp_path: Path) -> None:
    incident = {
        "name": "auth down", "created_at": "2026-11-03T12:00:00Z", "resolved_at": None,
        "updated_at": "2026-11-03T12:30:00Z", "impact": "critical",
        "incident_updates": [{"created_at": "2026-11-03T12:00:00Z", "body": "unreachable"}],
    }  # fmt: skip
    assert [each[1:] for each in spans(tmp_path, json.dumps({"incidents": [incident]}))] == [
        (0, 1800)
    ]


def test_a_value_on_each_line_is_a_list_of_them(tmp_path: Path) -> None:
    values, stamps = [0 if 2 <= i < 5 else 1 for i in range(12)], [T0 + 30 * i for i in range(12)]
    exported = {"metric": {"__name__": "up", "job": "auth"}, "values": values,
                "timestamps": [stamp * 1000 for stamp in stamps]}  # fmt: skip
    other = exported | {"metric": {"__name__": "up", "job": "billing"}}
    assert spans(tmp_path, f"{json.dumps(exported)}\n{json.dumps(other)}\n") == [("refused", 0, 90)]
    alert = {"labels": {"alertname": "auth down"}, "startsAt": "2026-11-03T12:00:00Z"}
    sent = [
        {"alerts": [alert | {"status": "firing", "endsAt": "0001-01-01T00:00:00Z"}]},
        {"alerts": [alert | {"status": "resolved", "endsAt": "2026-11-03T12:01:30Z"}]},
    ]
    assert spans(tmp_path, "\n".join(map(json.dumps, sent))) == [("refused", 0, 90)]
    assert spans(tmp_path, json.dumps(sent, indent=1)) == [("refused", 0, 90)]


def test_what_is_wrong_in_a_value_on_a_line_has_that_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a.json"
    file.write_text('{"alerts": [{"startsAt": "2026-11-03T12:00:00Z"}]}\n\n{"alerts": [{}]}\n')
    assert call(["import", str(file), "--upstream", "auth", "--from", "alertmanager"]) == 2
    assert f"{file}:3: expected an alert" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("head", "line", "fault"),
    [
        ("#Software: IIS\n#Fields: date time cs-method cs-uri-stem s-port sc-status time-taken\n",
         lambda at, bad: f"{at:%Y-%m-%d %H:%M:%S} POST /v1/api/chat 443 {503 if bad else 200} 31",
         "status"),
        ("", lambda at, bad: json.dumps({
            "EdgeStartTimestamp": at.isoformat(), "ClientRequestMethod": "POST",
            "EdgeResponseStatus": 522 if bad else 200, "OriginResponseStatus": 0}), "blackhole"),
        ("", lambda at, bad: json.dumps({"__REALTIME_TIMESTAMP": f"{at.timestamp() * 1e6:.0f}",
         "PRIORITY": "3" if bad else "6", "MESSAGE": "connection refused" if bad else "well"}),
         "refused"),
        ("", lambda at, bad: f"{at:%Y-%m-%dT%H:%M:%SZ} POST /v1/api/chat 443 {503 if bad else 200}",
         "status"),
    ],
)  # fmt: skip
def test_logs_of_servers_and_systems(
    tmp_path: Path, head: str, line: Callable[[datetime, bool], str], fault: str
) -> None:
    moments = [datetime.fromtimestamp(T0 + second, UTC) for second in range(200)]
    lines = (line(at, 60 <= second < 150) for second, at in enumerate(moments))
    (found,) = spans(tmp_path, head + "\n".join(lines))
    assert found[:2] == (fault, 0)
    assert found[2] == pytest.approx(90, abs=2)


def test_a_page_says_when_it_was_resolved_and_what_had_no_impact(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def incident(impact: str) -> str:
        updates = [
            {"created_at": "2026-11-03T12:30:00Z", "status": "postmortem", "body": "what it was"},
            {"created_at": "2026-11-03T12:10:00Z", "status": "resolved", "body": "auth is back"},
            {"created_at": "2026-11-03T12:00:00Z", "status": "investigating", "body": "auth fails"},
        ]
        one = {"name": "auth", "created_at": "2026-11-03T12:00:00Z", "incident_updates": updates}
        return json.dumps({"incidents": [one | {"impact": impact, "resolved_at": None}]})

    assert [each[1:] for each in spans(tmp_path, incident("major"))] == [(0, 600)]
    file = tmp_path / "none.json"
    file.write_text(incident("none"))
    assert call(["import", str(file), "--upstream", "auth"]) == 2
    assert "in which a component was not operational" in capsys.readouterr().err
