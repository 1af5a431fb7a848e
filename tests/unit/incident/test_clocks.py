"""When something was: by a file's own clock, and by when what a line tells of began."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.cli.entry import call
from harness.incident.log_forms import parse_line
from harness.scenario.loader import load_scenario

T0 = datetime(2026, 11, 3, 12, 0, 5, tzinfo=UTC).timestamp()


def imported(tmp_path: Path, text: str, *args: str, name: str = "a.csv") -> tuple[str, list[float]]:
    """The scenario's text, and its faults' instants in seconds since 1970."""
    file, out = tmp_path / name, tmp_path / "out.yaml"
    file.write_text(text)
    assert call(["import", str(file), "--upstream", "auth", *args, "-o", str(out)]) == 0
    written = out.read_text()
    zero = written.partition("first bad sample, ")[2].partition(". ")[0]
    zero_s = datetime.fromisoformat(zero).timestamp()
    edges = [(fault.from_, fault.to) for fault in load_scenario(out).faults]
    return written, [zero_s + each for pair in edges for each in pair]


def at(hour: int, minute: int, day: int = 26, month: int = 10) -> float:
    return datetime(2025, month, day, hour, minute, tzinfo=UTC).timestamp()


BERLIN = ("--zone", "Europe/Berlin")


def test_a_zone_is_that_of_the_times_that_name_none(tmp_path: Path) -> None:
    text, found = imported(
        tmp_path,
        "start;end\n2025-10-20 12:00:00;2025-10-20 12:05:00\n"
        "2025-10-20T12:00:00Z;2025-10-20T13:05:00+01:00\n"
        "2025-10-20T12:30:00Z;1760963700\n",
        *BERLIN,
    )
    on_20th = [at(10, 0, 20), at(10, 5, 20), at(12, 0, 20), at(12, 5, 20), at(12, 30, 20)]
    assert found == [*on_20th, at(12, 35, 20)]
    assert "some of its times name no zone; these are taken for Europe/Berlin" in text


def test_what_goes_on_ends_when_it_is_said_to(tmp_path: Path) -> None:
    text = "start;end\n2025-10-20 12:00:00;\n"
    _, found = imported(tmp_path, text, *BERLIN, "--until", "2025-10-20 12:30")
    assert found == [at(10, 0, 20), at(10, 30, 20)]


@pytest.mark.parametrize(
    ("row", "found", "told"),
    [
        ("01:50:00;2025-10-26 03:10:00", (at(23, 50, 25), at(2, 10)), ""),
        ("02:50:00;2025-10-26 02:10:00", (at(0, 50), at(1, 10)), "and 1 other time came twice"),
        ("02:10:00;2025-10-26 02:50:00", (at(0, 10), at(0, 50)), "came twice as clocks were set"),
        ("02:10:00;2025-10-26 03:10:00", (at(0, 10), at(2, 10)), "10-26 02:10:00 came twice"),
    ],
)
def test_an_hour_that_clocks_have_twice(
    tmp_path: Path, row: str, found: tuple[float, float], told: str
) -> None:
    text, edges = imported(tmp_path, f"start;end\n2025-10-26 {row}\n", *BERLIN)
    assert tuple(edges) == found
    assert told in text
    assert told or "twice" not in text


def test_an_hour_that_clocks_never_have(tmp_path: Path) -> None:
    rows = "start;end\n2025-03-30 02:10:00;2025-03-30 03:50:00\n"
    text, edges = imported(tmp_path, rows, *BERLIN)
    assert edges == [at(1, 10, 30, 3), at(1, 50, 30, 3)]
    assert "2025-03-30 02:10:00 never came in Europe/Berlin" in text


def test_a_length_is_as_long_when_clocks_are_set_back(tmp_path: Path) -> None:
    _, edges = imported(tmp_path, "start;duration\n2025-10-26 01:50:00;20m\n", *BERLIN)
    assert edges == [at(23, 50, 25), at(0, 10)]


NGINX = '10.0.0.1 - - [03/Nov/2026:12:00:20 +0000] "GET /a HTTP/1.1" 200 5 "-" "-" '


@pytest.mark.parametrize(
    ("line", "came_s", "calls"),
    [
        (NGINX + 'rt=7.011 us="504, 502, 200" urt="5.000, 2.001, 0.010"', 13, [13, 18, 20]),
        (NGINX + "rt=0.004 us=502 urt=0.004", 20, [20]),
        (NGINX + "5.003 5.003", 15, [15]),
        (NGINX, 20, [20]),
        ('{"time": "2026-11-03T12:00:20.250Z", "status": 504, "duration_ms": 5250}', 15, [15]),
        ('{"start_time": "2026-11-03T12:00:20.250Z", "status": 504, "duration": 5250}', 20.25,
         [20.25]),
        ('{"started_at": 1793707220250, "status": 504, "request_time": 5.25}', 20.25, [20.25]),
        ("x haproxy[1]: 10.0.0.1:4 [03/Nov/2026:12:00:20.250] web a/b 0/0/0/-1/5001 504 194 - - "
         'sH-- 1/1/1/1/0 0/0 "GET /a HTTP/1.1"', 20.25, [20.25]),
        ("http 2026-11-03T12:00:20.250000Z app/a/1 10.0.0.1:4 10.0.0.2:80 0.0 5.25 0.0 504 - 1 1 "
         '"GET http://a/b HTTP/1.1"', 15, [15]),
    ],
)  # fmt: skip
def test_a_call_began_so_long_before_its_line_as_it_took(
    line: str, came_s: float, calls: list[float]
) -> None:
    parsed = parse_line(line)
    assert parsed is not None
    assert parsed.came_s - (T0 - 5) == pytest.approx(came_s, abs=0.01)
    assert [at_s - (T0 - 5) for at_s, _ in parsed.calls()] == pytest.approx(calls, abs=0.01)


def test_a_silent_outage_begins_when_the_first_call_went_unheard(tmp_path: Path) -> None:
    """From 12:00:10 to 12:00:40 nothing is heard, and each call gives up after 8 s."""
    lines = []
    for second in range(60):
        took_s = 8 if 10 <= second < 40 else 0
        end = f"12:{(second + took_s) // 60:02}:{(second + took_s) % 60:02}"
        status = 504 if took_s else 200
        lines.append(
            f'1.1.1.1 - - [03/Nov/2026:{end} +0000] "GET /a HTTP/1.1" {status} 1 "-" "-" '
            f"rt={took_s}.002 us={status} urt={took_s}.002\n"
        )
    _, edges = imported(tmp_path, "".join(lines), name="a.log")
    assert [edge - (T0 - 5) for edge in edges] == [10, 40]


def test_a_gap_in_the_samples_widens_the_edge_that_lies_in_it(tmp_path: Path) -> None:
    begin = 1764237600
    good = [*range(0, 300, 15), *range(1815, 2100, 15)]
    bad = [*range(900, 1200, 15)]
    rows = [f"{begin + each},{int(each not in good)}" for each in sorted(good + bad)]
    text, edges = imported(tmp_path, "\n".join(["time,error_ratio", *rows, ""]))
    assert [edge - begin for edge in edges] == [900, 1815]
    assert "Instants are good to 15s, where nothing else is said:" in text
    assert "first bad: 2025-11-27T10:15:00Z; the good sample before is 615s older" in text
    assert "good again: 2025-11-27T10:30:15Z, ± 630s" in text
    assert "all bad in 20 samples" in text


@pytest.mark.parametrize(("took", "told"), [("", True), (" rt=5.002", False)])
def test_a_log_that_says_not_how_long_calls_waited_is_said_to(
    tmp_path: Path, took: str, told: bool
) -> None:
    line = '1.1.1.1 - - [03/Nov/2026:12:00:{:02} +0000] "GET /a HTTP/1.1" {} 1 "-" "-"{}\n'
    lines = [line.format(n, 504 if 10 <= n < 30 else 200, took) for n in range(50)]
    text, _ = imported(tmp_path, "".join(lines), name="a.log")
    assert ("so much earlier they began" in text) is told


@pytest.mark.parametrize("took", ["NaN", "inf", "-5", "1e300", "99999999999999999999.0"])
def test_what_no_call_can_have_taken_moves_nothing(took: str) -> None:
    for rest in (f"rt={took} us=504 urt={took}", f"{took} {took}"):
        parsed = parse_line(NGINX + rest)
        assert parsed is not None
        assert [at_s - (T0 - 5) for at_s, _ in parsed.calls()] == [20]
        assert parsed.came_s == T0 + 15


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
def test_the_ends_of_time_are_refused_in_every_zone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], zone: str
) -> None:
    for row in (
        "0001-01-01 00:00:00;2025-10-26 01:00:00",
        "2025-10-26 01:00:00;9999-12-31 23:59:59",
    ):
        file = tmp_path / "a.csv"
        file.write_text(f"start;end\n{row}\n")
        assert call(["import", str(file), "--upstream", "auth", "--zone", zone]) == 2
        assert "a scenario at most 24h" in capsys.readouterr().err
