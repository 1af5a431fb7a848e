"""The ready workflows: held against their servers' schemas, and their commands against ours."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from harness.cli.table import outage
from harness.target.loading import load_target

EXAMPLES = Path(__file__).parents[2] / "examples" / "ci"
SCHEMAS = {
    "github.yml": "vendor.github-workflows",
    "github-docker.yml": "vendor.github-workflows",
    "gitlab-ci.yml": "vendor.gitlab-ci",
}
TARGETS = ("my-gateway.yaml", "my-gateway-docker.yaml")
FILES = sorted(path.name for path in EXAMPLES.iterdir())


def test_each_example_is_held_against_something() -> None:
    assert sorted((*SCHEMAS, *TARGETS, "Jenkinsfile", "Jenkinsfile.docker")) == FILES


@pytest.mark.parametrize("schema", sorted(set(SCHEMAS.values())))
def test_the_servers_schemas_accept_them(schema: str) -> None:
    files = [str(EXAMPLES / name) for name, own in SCHEMAS.items() if own == schema]
    more = ["--data-transform", "gitlab-ci"] if "gitlab" in schema else []
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *more, *files],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["Jenkinsfile", "Jenkinsfile.docker"])
def test_a_jenkinsfile_is_a_pipeline_with_what_one_needs(name: str) -> None:
    """Only Jenkins itself can lint one: its brackets and its sections are what can be held here."""
    text = re.sub(r"//.*|'[^'\n]*'", "''", (EXAMPLES / name).read_text())
    depth, opened = 0, []
    for line in text.splitlines():
        for word, bracket in re.findall(r"(\w+)?(?:\('*\))? ?([{}])", line):
            depth += 1 if bracket == "{" else -1
            assert depth >= 0
            if bracket == "{":
                opened.append((depth, word))
    assert depth == 0
    assert opened[0] == (1, "pipeline")
    assert {word for level, word in opened if level == 2} >= {"stages", "post", "triggers"}
    assert re.search(r"^  agent any$", text, re.MULTILINE)


def commands(name: str) -> list[list[str]]:
    """The words of each `outage ...` in a file."""
    found = []
    for line in (EXAMPLES / name).read_text().splitlines():
        called = re.search(r"(?:^|[\s'/])outage ((?:run|history|compare) [^'>|]*)", line)
        if called and not line.lstrip().startswith(("#", "//")):
            found.append(shlex.split(called[1]))
    return found


@pytest.mark.parametrize("name", [name for name in FILES if name not in TARGETS])
def test_its_commands_are_ours(name: str) -> None:
    found = commands(name)
    assert found
    for words in found:
        command = outage.get_command(click.Context(outage), words[0])
        assert command is not None
        context = command.make_context(words[0], words[1:])
        target = context.params.get("target_name")
        assert target is None or (EXAMPLES / target).exists()


@pytest.mark.parametrize("name", TARGETS)
def test_its_target_files_are_valid(name: str) -> None:
    assert load_target(EXAMPLES / name).name == "my gateway"
