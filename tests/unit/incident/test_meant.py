"""Whose trouble it is, where times are, and until when it lasts: what the data leaves open."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.cli.entry import call
from harness.scenario.loader import load_scenario
from harness.scenario.model import Scenario

T0 = 1793707200  # 2026-11-03T12:00:00Z


def imported(tmp_path: Path, *args: str) -> Scenario:
    out = tmp_path / "out.yaml"
    assert call(["import", *args, "-o", str(out)]) == 0
    return load_scenario(out)


def written(tmp_path: Path, name: str, text: str) -> str:
    path = tmp_path / name
    path.write_text(text)
    return str(path)


def of_services(tmp_path: Path, *jobs: str) -> str:
    """A range query with a share of errors for each of these services: the first is down."""
    rising = [[T0 + 15 * n, "1" if 4 <= n < 8 else "0"] for n in range(20)]
    calm = [[at_s, "0"] for at_s, _ in rising]
    result = [
        {"metric": {"job": job}, "values": rising if job == jobs[0] else calm} for job in jobs
    ]
    data = {"status": "success", "data": {"resultType": "matrix", "result": result}}
    return written(tmp_path, "errors.json", json.dumps(data))


def test_series_of_several_services_have_no_mean(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = of_services(tmp_path, "login-svc", "pay-svc")
    assert call(["import", file, "--upstream", "auth"]) == 2
    told = capsys.readouterr().err
    assert "login-svc, pay-svc" in told
    assert "--called" in told
    scenario = imported(tmp_path, file, "--upstream", "auth", "--called", "login-svc")
    assert [(f.from_, f.to, f.share) for f in scenario.faults] == [(0, 60, 1)]


def test_who_has_to_say_whose_trouble_it_was_is_told_whom_the_data_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["import", of_services(tmp_path, "chroma-svc", "pay-svc")]) == 2
    assert "--upstream NAME (the data names chroma)" in capsys.readouterr().err
    assert call(["import", of_services(tmp_path, "pay-svc")]) == 2
    assert "--upstream NAME (of auth, " in capsys.readouterr().err


def test_incidents_and_alerts_of_several_things_are_not_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    began, ended = "2026-11-03T12:00:00Z", "2026-11-03T12:10:00Z"
    page = [
        {"name": what, "impact": "major", "created_at": began, "resolved_at": ended,
         "components": [{"name": what}]}
        for what in ("Sign-in", "E-mail")
    ]  # fmt: skip
    alerts = [
        {"labels": {"alertname": "Down", "job": job}, "startsAt": began, "endsAt": ended}
        for job in ("login-svc", "pay-svc")
    ]
    for name, value in (("page.json", {"incidents": page}), ("alerts.json", alerts)):
        file = written(tmp_path, name, json.dumps(value))
        assert call(["import", file, "--upstream", "auth"]) == 2
        assert "of several" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("open.csv", "service,start,end\nauth,2026-11-03T12:00:00Z,\n"),
        (
            "firing.json",
            '{"alerts": [{"status": "firing", "labels": {"alertname": "AuthDown"}, '
            '"startsAt": "2026-11-03T12:00:00Z", "endsAt": "0001-01-01T00:00:00Z"}]}',
        ),
    ],
)
def test_what_goes_on_is_played_until_the_given_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, text: str
) -> None:
    file = written(tmp_path, name, text)
    assert call(["import", file, "--upstream", "auth"]) == 2
    assert "--until" in capsys.readouterr().err
    scenario = imported(tmp_path, file, "--upstream", "auth", "--until", "2026-11-03T12:05:00Z")
    assert [(f.from_, f.to) for f in scenario.faults] == [(0, 300)]
    assert "still bad, as far as is known" in (tmp_path / "out.yaml").read_text()


@pytest.mark.parametrize(("zone", "from_s"), [("Europe/Berlin", 0), ("+02:00", -3600)])
def test_times_without_a_zone_are_of_the_one_that_is_said(
    tmp_path: Path, zone: str, from_s: float
) -> None:
    zoned = written(tmp_path, "zoned.csv", "start,end\n2026-11-03T12:00:00Z,2026-11-03T12:01:00Z\n")
    local = written(tmp_path, "local.csv", "start,end\n2026-11-03 13:00:00,2026-11-03 13:01:00\n")
    scenario = imported(tmp_path, zoned, local, "--upstream", "auth", "--zone", zone)
    assert min(f.from_ for f in scenario.faults) == 0
    assert max(f.to for f in scenario.faults) == 60 - from_s
    assert f"taken for {zone}" in (tmp_path / "out.yaml").read_text().replace("UTC+", "+")


def test_a_zone_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, "a.csv", "start,end\n2026-11-03 12:00:00,2026-11-03 12:01:00\n")
    assert call(["import", file, "--zone", "Berlin"]) == 2
    assert "Europe/Berlin" in capsys.readouterr().err


def test_how_most_calls_failed_is_told_whatever_numbers_their_lines_hold(tmp_path: Path) -> None:
    said = [
        f"2026/11/03 12:00:{n:02} [error] 31#31: *{900 + n} connect() failed (111: Connection "
        f'refused) while connecting to upstream, upstream: "http://auth:80/x/{n}"'
        for n in range(20)
    ]
    said += [
        '2026/11/03 12:00:20 [error] 31#31: *7 upstream timed out, upstream: "http://auth:80/"'
    ] * 3
    scenario = imported(
        tmp_path, written(tmp_path, "error.log", "\n".join(said)), "--upstream", "auth"
    )
    assert [f.fault for f in scenario.faults] == ["refused"]
    assert "20 of 23 calls: connect() failed" in (tmp_path / "out.yaml").read_text()


def test_where_a_share_is_drawn_no_instant_of_the_breaker_is_expected(tmp_path: Path) -> None:
    table = "start,end,share\n2026-11-03T12:00:00Z,2026-11-03T12:02:00Z,100%\n"
    table += "2026-11-03T12:02:00Z,2026-11-03T12:05:00Z,40%\n"
    scenario = imported(tmp_path, written(tmp_path, "s.csv", table), "--upstream", "auth")
    text = (tmp_path / "out.yaml").read_text()
    assert "opens: contract" not in text
    assert "hangs on which calls" in text
    assert scenario.expect


def test_samples_out_of_order_are_put_in_order(tmp_path: Path) -> None:
    """As files put together, and exports of several stores, have them."""
    file = of_services(tmp_path, "auth")
    data = json.loads(Path(file).read_text())
    values = data["data"]["result"][0]["values"]
    values[3], values[12] = values[12], values[3]
    values.append(values[7])
    Path(file).write_text(json.dumps(data))
    scenario = imported(tmp_path, file, "--upstream", "auth")
    assert [(f.from_, f.to, f.share) for f in scenario.faults] == [(0, 60, 1)]


def test_a_number_that_nobody_wrote_is_said_to_be_an_example(tmp_path: Path) -> None:
    rows = "start,end,fault\n2026-11-03T12:00:00Z,2026-11-03T12:05:00Z,{}\n"
    told = "an example: the data has no number"
    out = tmp_path / "out.yaml"
    for word, assumed in (("slow", True), ("refused", False), ("answers 502", False)):
        imported(tmp_path, written(tmp_path, "a.csv", rows.format(word)), "--upstream", "auth")
        assert (told in out.read_text()) is assumed, word
    samples = "time,p99_seconds\n" + "".join(
        f"{T0 + 15 * n},{2.5 if 4 <= n < 8 else 0.1}\n" for n in range(20)
    )
    imported(tmp_path, written(tmp_path, "b.csv", samples), "--upstream", "auth")
    assert "delay: 2.4s" in out.read_text()
    assert told not in out.read_text()
    imported(
        tmp_path, written(tmp_path, "b.csv", samples), "--upstream", "auth", "--fault", "latency"
    )
    assert told in out.read_text()
