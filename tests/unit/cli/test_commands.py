"""Commands around files: exit status, one line a problem, no traceback for a mistake."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from harness.bundled import bundled_scenarios, find_scenarios
from harness.cli.entry import TARGET_REFUSED, call
from harness.cli.schema import schema_text
from harness.cli.table import COMMANDS
from harness.cli.up import curl
from harness.contracts import document
from harness.engines.compose.inside import INSIDE
from harness.errors import UsageError
from harness.scenario.faults import KINDS
from harness.scenario.loader import load_scenario
from harness.scenario.located import plain, read_tree
from harness.target.loading import load_target, parse_target

GOOD = str(bundled_scenarios()[0].resolve())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call([name, "--help"]) == 0
    assert "Usage: outage" in capsys.readouterr().out


@pytest.mark.parametrize(
    "args", [["valdate"], ["list", "--foo"], ["list", "nosuch"], ["schema", "x"], ["new"]]
)
def test_wrong_usage_is_exit_status_2(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert call(args) == 2
    said = capsys.readouterr()
    assert said.err
    assert not said.out
    assert "Traceback" not in said.err


def test_a_command_nearly_named(capsys: pytest.CaptureFixture[str]) -> None:
    call(["valdate"])
    assert "did you mean 'validate'?" in capsys.readouterr().err


def test_validate_says_little_of_good_files(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["validate", GOOD]) == 0
    assert capsys.readouterr() == ("", "1 scenario valid\n")


def test_validate_gives_one_line_a_problem(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("title: x\ndurration: 9s\n")
    assert call(["validate", str(bad), GOOD, str(tmp_path / "missing.yaml")]) == 2
    lines = capsys.readouterr().out.splitlines()
    assert f"{bad}:2: 'durration' is not known here; did you mean 'duration'?" in lines
    assert any("missing.yaml" in line for line in lines)
    assert all(line.startswith(str(tmp_path)) for line in lines)


def test_python_m_harness_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "harness", "validate", "/dev/null"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_list_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == len(bundled_scenarios())
    assert {"name", "file", "title", "claims", "duration_s"} <= rows[0].keys()


@pytest.mark.parametrize("fault", [k.name for k in KINDS.values() if k.proxy != "diverted"])
@pytest.mark.parametrize("upstream", document().upstreams)
def test_new_files_are_valid(
    upstream: str, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call(["new", "mine", "--upstream", upstream, "--fault", fault, "--no-schema"]) == 0
    assert load_scenario("mine.yaml").faulted_upstreams == (upstream,)


def test_a_certificate_is_not_for_a_target_without_tls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call(["new", "mine", "--upstream", "auth", "--fault", "certificate"]) == 2
    assert "`tls: [auth]`" in capsys.readouterr().err


def test_up_refuses_faults_that_it_cannot_play(capsys: pytest.CaptureFixture[str]) -> None:
    for how in ("--broken", "--replay"):
        assert call(["up", "clock_steps_back", how]) == 2
        assert "for the engines sim only" in capsys.readouterr().err


def test_new_never_overwrites(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text("mine")
    assert call(["new", "mine"]) == 2
    assert Path("mine.yaml").read_text() == "mine"


def test_bundled_scenarios_satisfy_the_schema() -> None:
    schema = jsonschema.Draft202012Validator(json.loads(schema_text("scenario")))
    for path in bundled_scenarios():
        schema.validate(plain(read_tree(path.read_text(encoding="utf-8"))[0]))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("duration:", "durration:"),
        ("fault: blackhole", "fault: blackhol"),
        ("- upstream: auth\n    fault", "- fault"),
        ("from: 0s", "from: 5"),
        ("rate: 1/s", "rate: fast"),
        ("request: POST", "request: SEND"),
    ],
)
def test_malformed_files_do_not_satisfy_the_schema(before: str, after: str) -> None:
    schema = jsonschema.Draft202012Validator(json.loads(schema_text("scenario")))
    (path,) = find_scenarios(["auth_blackhole_50s"])
    text = path.read_text(encoding="utf-8")
    assert before in text
    assert not schema.is_valid(plain(read_tree(text.replace(before, after))[0]))


def test_schemas_are_written(tmp_path: Path) -> None:
    assert call(["schema", "--write", str(tmp_path / "new")]) == 0
    for kind in ("scenario", "target"):
        text = (tmp_path / "new" / f"{kind}.schema.json").read_text()
        jsonschema.Draft202012Validator.check_schema(json.loads(text))


def test_doctor_finds_that_this_machine_can_play(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["doctor", "--json"]) == 0
    findings = json.loads(capsys.readouterr().out)
    assert {"engine local", "engine sim", "engine compose"} <= {one["name"] for one in findings}
    assert all(one["able"] or one["remedy"] for one in findings)


NODE = """\
name: cinema
start: {command: [node, server.js]}
upstreams: {TICKETS_URL: tickets, SEATS_URL: seats}
stubs: {tickets: [{route: POST /issue}], seats: [{route: GET /free/*}]}
contract: contract.yaml
"""
CINEMA = """\
name: cinema
upstreams: {tickets: {}, seats: {}}
routes:
  live: {request: GET /live}
  seats: {request: GET /shows/1, calls: [{call: seats GET /free/*, else: 503}]}
traffic: {live: {request: GET /live}, seats: {request: GET /shows/1}}
"""


def test_doctor_of_a_target_without_upstreams_is_wrong_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "target.yaml").write_text("name: still\nstart: {command: [x]}\nupstreams: {}\n")
    assert call(["doctor", "--target", str(tmp_path / "target.yaml")]) == 2
    assert "still has no upstream" in capsys.readouterr().err


SERVER = """
import os, sys, urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Cinema(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/shows"):
            urllib.request.urlopen(os.environ["SEATS_URL"] + "/free/1", timeout=2).read()
        self.send_response(404 if self.path == "/gone" else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Cinema).serve_forever()
"""
PROCESS = """
name: cinema
start: {command: ["{python}", server.py, "{port}"]}
ready: GET /live
upstreams: {TICKETS_URL: tickets, SEATS_URL: seats}
stubs: {tickets: [{route: POST /issue}], seats: [{route: GET /free/*}]}
"""


@pytest.mark.real_time
@pytest.mark.parametrize(
    ("said", "status", "told"),
    [
        (
            "routes: {gone: {request: GET /gone}, seats: {request: GET /shows/1}}",
            1,
            ["GET /shows/1 is answered 200, and calls seats GET /free/1",
             "GET /gone (gone): 404", "no request calls tickets", "taken from TICKETS_URL"],
        ),
        (
            "routes: {seats: {request: GET /shows/1}}\nreal: {tickets: '127.0.0.1:9'}",
            1,
            ["calls seats", "no request calls tickets"],
        ),
    ],
)  # fmt: skip
def test_doctor_looks_in_real_time_at_what_can_not_be_simulated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], said: str, status: int, told: list[str]
) -> None:
    (tmp_path / "server.py").write_text(SERVER)
    target = PROCESS.replace("tickets: [{route: POST /issue}], ", "") if "real" in said else PROCESS
    (tmp_path / "target.yaml").write_text(f"{target}{said}\n")
    assert call(["doctor", "--target", str(tmp_path / "target.yaml")]) == status
    out = capsys.readouterr().out
    assert out.startswith("cinema can't be simulated: its file has no `start: wsgi: module:app`")
    assert all(words in out for words in told), out


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("start: {command: [x], tls: true}", "the containers speak no TLS"),
        ("start: {command: [x]}\nreal: {auth: '127.0.0.1:9'}", "can't be reached from the"),
    ],
)
def test_what_containers_can_not_play_is_refused_once_whatever_is_played(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    more: str,
    said: str,
) -> None:
    """Not as inconclusive for each scenario, with the advice to name an image."""
    monkeypatch.setenv(INSIDE, "1")  # where no Docker is asked
    (tmp_path / "t.yaml").write_text(f"name: t\n{more}\n")
    played = ["auth_blackhole_50s", "billing_refused_50s"]
    target = ["--target", str(tmp_path / "t.yaml")]
    assert call(["run", *played, "--engine", "compose", *target]) == TARGET_REFUSED
    told = capsys.readouterr()
    assert (told.out + told.err).count(said) == 1
    assert "inconclusive" not in told.out


def test_a_request_to_try_is_one_that_calls_somebody(tmp_path: Path) -> None:
    (tmp_path / "contract.yaml").write_text(CINEMA)
    (tmp_path / "target.yaml").write_text(NODE)
    target = load_target(tmp_path / "target.yaml")
    assert curl(target, "http://127.0.0.1:80/") == "curl -s -X GET http://127.0.0.1:80/shows/1"


def test_targets_by_name_and_by_file(tmp_path: Path) -> None:
    assert load_target("naive").name == "naive"
    with pytest.raises(UsageError, match="did you mean 'reference'"):
        load_target("refrence")
    file = tmp_path / "mine.yaml"
    file.write_text("name: mine\nstart: {command: [python, app.py], env: {DEBUG: 0}}\n")
    target = load_target(file)
    assert target.cwd == tmp_path
    assert target.start is not None
    assert target.start.env == {"DEBUG": "0"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("upstreams: {AUTH_URL: auht}", "did you mean 'auth'"),
        ("start: {command: [a]}", "exclude each other"),
        ("breakers: {auth: {timeout: 5}}", "write 5s"),
        ("redy: GET /", "did you mean 'ready'"),
        ("log: {opened: '('}", "regular expression"),
        ("real: {billing: here}", "host:port"),
    ],
)
def test_a_target_s_mistake_is_told_with_its_line(line: str, message: str) -> None:
    from harness.errors import InvalidFile

    with pytest.raises(InvalidFile) as caught:
        parse_target(f"name: x\nurl: http://127.0.0.1:1\n{line}\n", "t.yaml")
    told = [(problem.line, problem.message) for problem in caught.value.problems]
    assert any(message in text and at in (2, 3) for at, text in told), told


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ("url: 'http://[::1'", "expected an address"),
        ("url: http://127.0.0.1:99999", "expected an address"),
        ("url: http://127.0.0.1:abc", "expected an address"),
        ('start: {command: [sh, "a\\0b"]}', "NUL"),
        ('start: {command: ["", a]}', "the name of a program"),
        ("url: http://127.0.0.1:1\nready_within: 0s", "more than 0s"),
        ("url: http://127.0.0.1:1\nlog:", "not nothing"),
        ("start: {command: [sh], env: {A=B: c}}", "can't name an environment variable"),
        (f"start: {{command: [sh], cwd: {'x' * 5000}}}", "there is no folder"),
        ("url: http://127.0.0.1:1\nupstreams: {PORT: auth}", "its own port"),
        ("url: http://127.0.0.1:1\nbreakers: {auth: {timeout: 0s}}", "more than 0"),
        ('url: http://127.0.0.1:1\nusers: {ada: {bearer: "a\\r\\nb"}}', "no line ends"),
        ("url: http://127.0.0.1:1\nreal: {billing: '127.0.0.1:0'}", "host:port"),
        ("url: http://127.0.0.1:1\nroutes: {a: {request: GET /a, as: adda}}", "did you mean 'ada'"),
        (
            'url: http://127.0.0.1:1\nstatus: {request: GET /s, state: "a.{upstraem}"}',
            "did you mean 'upstream'",
        ),
    ],
)
def test_what_could_only_break_a_run_later_is_a_target_s_mistake(start: str, message: str) -> None:
    from harness.errors import InvalidFile

    with pytest.raises(InvalidFile, match=message):
        parse_target(f"name: x\n{start}\n", "t.yaml")


def test_a_target_and_a_scenario_are_not_taken_for_each_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line of help, not one for each key that the other kind of file has."""
    target = tmp_path / "t.yaml"
    target.write_text("name: x\nurl: http://127.0.0.1:1\nready: GET /\n")
    assert call(["validate", str(target)]) == 2
    told = "is a target file, not a scenario; name it with --target"
    assert capsys.readouterr().out == f"{target}:1: {told}\n"
    assert call(["validate", GOOD, "--target", GOOD]) == 2
    said = capsys.readouterr().out
    assert said.endswith(": is a scenario, not a target file\n")
    assert said.count("\n") == 1


def test_a_broken_target_makes_no_name_in_a_scenario_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target, scenario = tmp_path / "t.yaml", tmp_path / "s.yaml"
    target.write_text("name: x\nurl: http://127.0.0.1:1\nstub: {mail: [{route: GET /}]}\n")
    scenario.write_text(
        "title: x\nduration: 9\ntraffic: {ask: {request: GET /, rate: 1/s}}\n"
        "faults: [{upstream: mail, fault: refused, to: 5s}]\n"
    )
    assert call(["validate", str(scenario), "--target", str(target)]) == 2
    first, second = capsys.readouterr().out.splitlines()
    assert first == f"{target}:3: 'stub' is not known here; did you mean 'stubs'?"
    assert second.startswith(f"{scenario}:2: duration: expected a duration")


def test_a_misspelt_upstream_does_not_make_its_stub_wrong() -> None:
    from harness.errors import InvalidFile

    text = "name: x\nurl: http://127.0.0.1:1\nupstreams: {A: auht}\nstubs: {auth: []}\n"
    with pytest.raises(InvalidFile) as caught:
        parse_target(text, "t.yaml")
    assert [problem.line for problem in caught.value.problems] == [3]


@pytest.mark.parametrize(
    "args",
    [["new", ""], ["audit", "/dev/null"], ["validate", ""], ["validate", "x" * 5000], ["run", ""]],
)
def test_names_of_nothing_are_wrong_usage(
    args: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call(args) == 2


def test_a_name_of_nothing_is_not_looked_for_in_folders_below(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "auth_down.yaml").write_text("")
    with pytest.raises(UsageError) as caught:
        find_scenarios([tmp_path / "auth_dwn.yaml"])
    assert "did you mean" not in str(caught.value)


def test_what_a_report_has_copied_is_not_played_again(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("title: t\n")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.played.yaml").write_text("title: t\n")
    assert find_scenarios([tmp_path]) == [mine]
    with pytest.raises(UsageError, match="`outage judge` judges a report again"):
        find_scenarios([tmp_path / "out"])
    assert find_scenarios([tmp_path / "out" / "mine.played.yaml"])  # named itself, it is
