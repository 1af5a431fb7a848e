"""What is imported: the same intervals, whatever the format; and what is refused, with its line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.cli.entry import call
from harness.incident import logs
from harness.incident.clocks import Clock
from harness.incident.formats import FORMATS, guessed
from harness.incident.instants import parse_instant
from harness.scenario.loader import load_scenario, parse_scenario
from harness.scenario.model import Scenario

DATA = Path(__file__).parent / "data"
T0 = 1793707200  # 2026-11-03T12:00:00Z
Interval = tuple[float, float]


def imported(tmp_path: Path, *args: str) -> Scenario:
    out = tmp_path / "out.yaml"
    assert call(["import", *args, "-o", str(out)]) == 0
    return load_scenario(out)


def swapped(text: str) -> str:
    """The file with the other of its two expectations in force."""
    now, happened = text.index("\nexpect:"), text.index("\n# What happened")
    block = text[text.index("\n# expect:") :]
    assert "\n# What should be" in text[:now]
    return text[:now] + block.replace("\n# ", "\n") + text[now:happened].replace("\n", "\n# ")


@pytest.mark.parametrize(
    ("file", "upstream", "format_name", "faults", "step"),
    [
        ("prometheus_up.json", "auth", "prometheus", [("refused", 0, 60, 1)], "± 15s"),
        ("prometheus_codes.json", "auth", "prometheus", [("status", 0, 180, 0.333)], "± 15s"),
        ("prometheus_latency.json", "auth", "prometheus", [("delay", 0, 180, 1)], "± 15s"),
        ("intervals.csv", "auth", "csv", [("blackhole", 0, 50, 1), ("status", 175, 295, 0.3)],
         "± 1s"),
        ("durations.csv", "git", "csv", [("reset", 0, 90, 1)], "± 1s"),
        ("nginx_access.log", "auth", "log", [("blackhole", 0, 51, 0.633)], "± 2s"),
        ("nginx_error.log", "auth", "log", [("refused", 0, 49, 1)], "± 2s"),
        ("envoy.jsonl", "auth", "log", [("refused", 0, 50, 1)], "± 1s"),
        ("gateway.jsonl", "auth", "log", [("blackhole", 0, 30, 1)], "± 1s"),
        ("gateway.logfmt", "external_data", "log", [("delay", 0, 62, 1)], "± 3s"),
        ("alertmanager_webhook.json", "auth", "alertmanager", [("refused", 0, 50, 1)], "± 1s"),
        ("alertmanager_v2.json", "auth", "alertmanager", [("status", 0, 1200, 0.425)], "± 1s"),
        ("statuspage.json", "auth", "statuspage",
         [("status", 0, 600, 1), ("status", 600, 1800, 0.4)], "± 60s"),
    ],
)  # fmt: skip
def test_each_format_is_read(
    tmp_path: Path,
    file: str,
    upstream: str,
    format_name: str,
    faults: list[tuple[str, float, float, float]],
    step: str,
) -> None:
    path = str(DATA / file)
    assert guessed(path) == format_name
    scenario = imported(tmp_path, path, "--upstream", upstream)
    assert [(f.fault, f.from_, f.to) for f in scenario.faults] == [f[:3] for f in faults]
    assert [f.share for f in scenario.faults] == pytest.approx([f[3] for f in faults], abs=0.01)
    assert {name for f in scenario.faults for name in f.upstreams} == {upstream}
    text = (tmp_path / "out.yaml").read_text()
    assert step in text
    assert "secret" not in text  # of a query
    assert re.search(r"# first bad: 2026-11-03T12:\d\d:\d\d", text)
    parse_scenario(swapped(text), "swapped.yaml")


def test_what_happened_is_what_users_were_answered(tmp_path: Path) -> None:
    scenario = imported(
        tmp_path, str(DATA / "nginx_access.log"), "--upstream", "auth", "--expect", "happened"
    )
    first = scenario.expect[0]
    assert "504" in first.demand
    assert getattr(first, "at_least", None) == pytest.approx(0.62)


def test_several_files_are_one_incident(tmp_path: Path) -> None:
    files = [str(DATA / "prometheus_up.json"), str(DATA / "alertmanager_webhook.json")]
    scenario = imported(tmp_path, *files, "--upstream", "auth")
    assert [(f.from_, f.to) for f in scenario.faults] == [(0, 50), (114.877, 174.877)]
    bridged = imported(tmp_path, *files, "--upstream", "auth", "--bridge", "2min")
    assert [(f.from_, f.to) for f in bridged.faults] == [(0, 174.877)]


def test_an_upstream_by_its_column(tmp_path: Path) -> None:
    scenario = imported(tmp_path, str(DATA / "intervals.csv"))
    assert scenario.faulted_upstreams == ("billing", "auth")


@pytest.mark.parametrize(
    "text",
    [
        "upstream,start_epoch,end_epoch\nauth,1793707205,1793707255\n",
        "from_ms,to_ms\n1793707205000,1793707255000\n",
        "Outage start (UTC);Duration (s)\n2026-11-03 12:00:05;50\n",
        "Began,Length\n12:00:05,00:00:50\n",
        '"Time","Error rate"\n' + "".join(f"{10 * i},{int(2 <= i < 7)}\n" for i in range(12)),
    ],
)
def test_tables_have_headers_of_many_kinds(tmp_path: Path, text: str) -> None:
    file = tmp_path / "t.csv"
    file.write_text(text)
    (fault,) = imported(tmp_path, str(file), "--upstream", "auth").faults
    assert (fault.from_, fault.to) == (0, 50)


STEP = 15


@st.composite
def intervals(draw: st.DrawFn, least: int = 20, most: int = 4) -> list[tuple[int, int]]:
    """Stretches of trouble in whole seconds, each and the time between longer than a step."""
    lengths = draw(st.lists(st.integers(least, 200), min_size=1, max_size=2 * most))
    edges = [100]
    for length in lengths:
        edges.append(edges[-1] + length)
    return list(pairwise(edges))[::2]


def iso(at_s: float) -> str:
    return datetime.fromtimestamp(T0 + at_s, UTC).isoformat().replace("+00:00", "Z")


def bad_at(made: list[tuple[int, int]], at_s: float) -> bool:
    return any(start <= at_s < end for start, end in made)


def as_up(made: list[tuple[int, int]]) -> str:
    values = [[T0 + t, str(int(not bad_at(made, t)))] for t in range(0, made[-1][1] + 100, STEP)]
    series = {"metric": {"__name__": "up", "job": "auth"}, "values": values}
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": [series]}})


def as_ratio(made: list[tuple[int, int]]) -> str:
    values = [
        [T0 + t, str(0.37 + t // STEP % 5 / 100 if bad_at(made, t) else t // STEP % 3 / 500)]
        for t in range(0, made[-1][1] + 100, STEP)
    ]
    return json.dumps(
        {"data": {"resultType": "matrix", "result": [{"metric": {}, "values": values}]}}
    )


def as_csv(made: list[tuple[int, int]]) -> str:
    return "start_time,end_time\n" + "".join(f"{iso(a)},{iso(b)}\n" for a, b in made)


def as_log(made: list[tuple[int, int]]) -> str:
    return "".join(
        json.dumps({"time": iso(t), "status": 503 if bad_at(made, t) else 200}) + "\n"
        for t in range(made[-1][1] + 100)
    )


@pytest.mark.parametrize(
    ("written", "step_s"), [(as_up, STEP), (as_ratio, STEP), (as_csv, 0.01), (as_log, 1)]
)
@settings(
    max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(made=intervals())
def test_made_intervals_come_back(
    tmp_path: Path,
    written: Callable[[list[tuple[int, int]]], str],
    step_s: float,
    made: list[Interval],
) -> None:
    file = tmp_path / "made"
    file.write_text(written(made))  # type: ignore[arg-type]
    faults = imported(tmp_path, str(file), "--upstream", "auth").faults
    zero = made[0][0]
    edges = [edge - zero for pair in made for edge in pair]
    found = [edge for fault in faults for edge in (fault.from_, fault.to)]
    # Whichever sample saw the begin of the first is 0 s, up to a step after it happened.
    assert found == pytest.approx(edges, abs=step_s)
    if written is as_ratio:
        assert [fault.share for fault in faults] == pytest.approx([0.39] * len(made), abs=0.025)


@pytest.mark.parametrize(
    ("name", "content", "line", "message"),
    [
        ("a.json", '{"data": {\n "result": [}', 2, "is not JSON"),
        ("a.json", '{"status": "error",\n"error": "bad query", "metric": 1}', 2, "bad query"),
        ("a.json", '{"data": {"resultType": "matrix",\n"result": []}}', 2, "has no series"),
        ("a.json", '{"data": {\n"resultType": "vector", "result": []}}', 2, "query_range"),
        ("a.json", '[{"metric": {}, "values": [[1, "1"],\n[2, "x"]]}]', 2, '[time, "value"]'),
        ("a.json", '[{"metric": {}, "values": [[1, "1"],\n["inf", "0"]]}]', 2, "1970, not inf"),
        ("a.json", '[{"metric": {}, "values": [[1764237600000, "1"],\n[1764237615000, "0"]]}]', 1,
         "since 1970, not 1764237600000"),
        ("a.json", '[{"metric": {}, "values": [[1, "0"], [2, "0"]]}]', 0, "nothing bad"),
        ("a.json", '[{"metric": {}, "values": [[1, "NaN"]]}]', 0, "no sample that is a number"),
        ("a.json", '{"alerts": [\n{"startsAt": "yesterday"}]}', 2, "expected a time"),
        ("a.json", '{"alerts": [\n{"startsAt": "2026-11-03T12:00:00Z", "status": "firing"}]}', 2,
         "firing still"),
        ("a.json", '{"incidents": [\n{"name": "x"}]}', 2, "created_at"),
        ("a.json", '{"something":\n"else"}', 1, "--from"),
        ("a.csv", "start,end\n2026-11-03T12:00:00Z,soon\n", 2, "expected a time"),
        ("a.csv", "start,end\n\n2026-11-03T12:00:00Z,2026-11-03T11:00:00Z\n", 3, "not after"),
        ("a.csv", "start,end\n03/04/2026 12:00,03/04/2026 12:05\n", 2, "day or the month"),
        ("a.csv", "start,end\n2026-11-03T12:00:00Z,\n", 2, "no end"),
        ("a.csv", "start,finnish\n1,2\n", 1, "did you mean 'finish'"),
        ("a.csv", "start,end,share\n100,150,130%\n", 2, "expected a share"),
        ("a.csv", "service,start,end\nx,1,2\ny,3,4\n", 2, "of several: x, y"),
        ("a.csv", "start,end\n", 1, "no row"),
        ("a.log", "hello\nworld\n", 1, "no line is understood"),
        ("a.log", '{"time": "2026-11-03T12:00:00Z", "status": 200}\n', 0, "nothing bad"),
        ("a.log", "", 1, "is empty"),
        ("a.log", "\x1f\x8bnot gzip at all", 0, "can't be unpacked"),
    ],
)  # fmt: skip
def test_bad_files_are_refused_with_their_line(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    content: str,
    line: int,
    message: str,
) -> None:
    file, out = tmp_path / name, tmp_path / "out.yaml"
    file.write_bytes(content.encode("latin-1"))
    assert call(["import", str(file), "--upstream", "auth", "-o", str(out)]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert told.startswith(f"{file}:{line}: " if line else f"{file}: ")
    assert not out.exists()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--upstream", "aut"], "did you mean 'auth'"),
        (["--upstream", "auth", "--fault", "blakhole"], "did you mean 'blackhole'"),
        (["--upstream", "auth", "--bad", "much"], "expected a comparison"),
        (["--upstream", "auth", "--since", "2027-01-01"], "--since and --until"),
        (["--upstream", "auth", "--from", "alertmanager"], "expected a webhook's"),
        ([], "--upstream NAME"),
    ],
)  # fmt: skip
def test_wrong_usage(args: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["import", str(DATA / "prometheus_up.json"), *args]) == 2
    assert message in capsys.readouterr().err


def test_only_an_imported_file_is_replaced(tmp_path: Path) -> None:
    mine = tmp_path / "out.yaml"
    mine.write_text("title: mine\n")
    args = ["import", str(DATA / "prometheus_up.json"), "--upstream", "auth", "-o", str(mine)]
    assert call(args) == 2
    assert mine.read_text() == "title: mine\n"


def test_too_many_stretches_say_what_to_bridge(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "flapping.csv"
    file.write_text("start,end\n" + "".join(f"{i * 60},{i * 60 + 30}\n" for i in range(300)))
    assert call(["import", str(file), "--upstream", "auth"]) == 2
    assert "--bridge 30s" in capsys.readouterr().err
    assert call(["import", str(file), "--upstream", "auth", "--bridge", "30s"]) == 0


def test_a_log_of_months_is_kept_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_MOST_CELLS", 100)
    tally = logs._Tally(Clock("a.log", UTC))
    for hour in range(24 * 60):
        tally.cell(T0 + hour * 3600.0).calls += 1
    assert len(tally.cells) <= 100
    assert sum(cell.calls for cell in tally.cells.values()) == 24 * 60


@pytest.mark.parametrize(
    "text",
    ["2026-11-03T12:00:05Z", "2026-11-03 12:00:05 UTC", "2026-11-03T13:00:05+01:00",
     "03/Nov/2026:12:00:05 +0000", "2026/11/03 12:00:05", "Tue, 03 Nov 2026 12:00:05 GMT",
     "1793707205", "1793707205000", "1793707205.0", "2026-11-03T12:00:05.000000000Z"],
)  # fmt: skip
def test_times_as_they_are_written(text: str) -> None:
    assert parse_instant(text).at_s == T0 + 5


def test_the_command_knows_every_format() -> None:
    from harness.cli import importing

    assert importing.FORMATS == FORMATS


OWN = """
name: thumbs
start: {command: [node, server.js]}
upstreams: {CACHE_URL: cache}
stubs: {cache: [{route: GET /blobs/*}]}
routes: {thumb: {request: GET /thumb/7, healthy: 201}}
"""


def test_users_of_a_target_with_routes_ask_for_one_of_these(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, target = tmp_path / "out.yaml", tmp_path / "my gateway.yaml"
    target.write_text(OWN)
    data = tmp_path / "down.csv"
    data.write_text("Start (UTC),End\n2026-11-28 14:03:10,2026-11-28 14:04:40\n")
    words = ["--upstream", "cache", "--target", str(target), "-o", str(out)]
    assert call(["import", str(data), *words]) == 0
    text = out.read_text()
    assert "  thumb:\n    request: GET /thumb/7" in text
    assert "as:" not in text
    assert "no zone" not in text
    assert "status: 201" in text
    assert "status: 200" not in text
    said = capsys.readouterr().out
    assert f"outage run {out} --target '{target}'\n" in said, "it has nothing to simulate"
