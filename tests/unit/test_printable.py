"""Nothing that a file, a target or a stub says is obeyed by a terminal or a CI server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import InvalidFile, Problem
from harness.printable import in_line, printable
from harness.report.secrets import clean

HOSTILE = "\x1b]0;PWN\x07\x1b[31mred\n::error file=a::injected\u202eback\x9bmore\ud800"
SHOWN = r"\x1b]0;PWN\x07\x1b[31mred\n::error file=a::injected\u202eback\x9bmore\ud800"
SCENARIO = r"""
title: x
duration: 2s
"\e]0;PWN\a\e[31mred\n::error file=a::injected": 1
traffic:
  "s\n::warning::stream": {request: GET /x, rate: 2/s}
expect:
  - never: {status: 5xx}
"""


def test_everything_that_commands_is_shown_escaped():
    assert in_line(HOSTILE) == SHOWN
    assert printable(HOSTILE) == SHOWN.replace(r"\n::", "\n\\x3a:")
    assert clean(HOSTILE) == SHOWN.replace(r"\n::", "\n\\x3a:")


def test_ordinary_text_stays_as_it_is():
    text = "naïve ± 1 s — 数\tand\nso on 🎈\n::1 and [::1]:80, a::b::c\n## [heading] #[x]"
    assert printable(text) == text


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("::error file=a::b", r"\x3a:error file=a::b"),
        ("well\n  ::set-output name=x::y", "well\n  \\x3a:set-output name=x::y"),
        ("::add-mask::x", r"\x3a:add-mask::x"),
        ("a ##vso[task.setvariable variable=x]y", r"a \x23#vso[task.setvariable variable=x]y"),
        ("##[group]x", r"\x23#[group]x"),
        ("##teamcity[buildStop]", r"\x23#teamcity[buildStop]"),
    ],
)
def test_no_ci_server_is_told_anything_by_others(said: str, shown: str) -> None:
    assert printable(said) == shown
    assert clean(said) == shown
    assert "\n" in said or in_line(said) == shown


def test_a_problem_is_one_line_whatever_its_file_says():
    problem = Problem(file="a\n.yaml", line=3, message=f"'{HOSTILE}' is not known")
    assert str(problem) == rf"a\n.yaml:3: '{SHOWN}' is not known"
    assert len(str(InvalidFile([problem])).splitlines()) == 1


@pytest.mark.parametrize("command", [("validate",), ("run", "--engine", "sim"), ("predict",)])
def test_no_command_passes_a_hostile_key_on(command: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "inject.yaml"
    path.write_text(SCENARIO, encoding="utf-8")
    said = subprocess.run(
        [sys.executable, "-m", "harness", command[0], str(path), *command[1:]],
        capture_output=True,
        check=False,
    )
    assert said.returncode == 2
    text = (said.stdout + said.stderr).decode()
    assert r"\x1b]0;PWN\x07" in text
    assert not any(ord(mark) < 32 and mark != "\n" for mark in text)
    assert not any(line.startswith("::") for line in text.splitlines())


def test_what_is_printed_to_a_pipe_holds_no_escape_codes(tmp_path: Path) -> None:
    code = (
        "from harness.cli.output import hold_standard_streams as hold\n"
        "hold()\nprint('a\\x1b[31mred\\x07')\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert said.stdout.decode() == "a\\x1b[31mred\\x07\n"
