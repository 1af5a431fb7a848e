"""What the README and the pages show is true: commands are run or understood, YAML is valid.

A page's blocks are walked in order in an empty folder. A block with a file's name is that file;
YAML without one is validated as what it looks like; lines after `$` in a `console` block are run
where the page is one of `RUN`, else their words are held against the command's own options, as are
all `outage ...` in a page's text. `<!-- not checked: why -->` before a block leaves it out, and the
number of these is held here.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from harness.cli.table import COMMANDS, outage
from harness.contracts.loading import parse_contract
from harness.openapi import routes_of
from harness.scenario.known_keys import keys_of
from harness.scenario.loader import load_each
from harness.target import Target
from harness.target.loading import parse_target

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    page
    for page in sorted([ROOT / "README.md", *ROOT.glob("docs/*.md")])
    if page.name != "extending.md"  # walked by test_recipes.py
]
RUN = ("quickstart.md", "audit.md")
"""Pages whose commands are run, as they stand."""
NOT_CHECKED = 1
"""Blocks that can't be checked: fewer is better."""

_BLOCK = re.compile(
    r"(?P<mark><!-- not checked: [^\n]+ -->\n)?"
    r"^```(?P<kind>\w*) ?(?P<file>\S*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_LINK = re.compile(r"""\]\(([^)#\s]+)(?:#[^)]*)?\)|(?:src|srcset)="([^"]+)\"""")
_INLINE = re.compile(r"`(outage [^`\n]+)`")
_COMMENT = re.compile(r"\s+#.*$|\s{2,}\S.*$")


@dataclass(frozen=True)
class Block:
    kind: str
    file: str
    text: str
    marked: bool


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(match["kind"], match["file"], match["text"], bool(match["mark"]))
        for match in _BLOCK.finditer(text)
    ]


def commands(page: Path) -> Iterator[str]:
    """Every command line of `outage` on a page."""
    text = page.read_text(encoding="utf-8")
    yield from (match[1] for match in _INLINE.finditer(_BLOCK.sub("", text)))
    for block in blocks(page):
        if block.kind in ("console", "sh", "text", "") and not block.marked:
            for line in block.text.splitlines():
                words = line.removeprefix("$ ")
                if words.startswith("outage "):
                    yield _COMMENT.sub("", words)


def understood(line: str) -> None:
    """Hold the words of a command line against the command's options.

    Raises: click.ClickException for an option, a choice or a command that isn't there.
    """
    words = shlex.split(re.split(r" (?:[|>;]|&&|2>) ?", line)[0])[1:]
    if not words or words[0].startswith("-"):
        return
    assert words[0] in COMMANDS, line
    command = outage.get_command(click.Context(outage), words[0])
    assert command is not None
    if len(words) > 1 and not {"...", "…"} & set(words):
        with command.make_context(words[0], words[1:], resilient_parsing=True) as context:
            known = {name for param in command.params for name in param.opts}
            said = {word.partition("=")[0] for word in words[1:] if word.startswith("--")}
            assert said <= known | {"--help"}, f"{line}: {said - known}"
            assert context.params is not None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_are_ones_that_there_are(page: Path) -> None:
    for line in commands(page):
        understood(line)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_yaml_is_valid(page: Path, tmp_path: Path) -> None:
    texts = [block for block in blocks(page) if block.kind == "yaml" and not block.marked]
    (tmp_path / "my-gateway").mkdir()
    (tmp_path / "here").mkdir()
    file = str(tmp_path / "here" / page.name)
    targets = {
        b.file: parse_target(b.text, b.file) for b in texts if b.file.endswith(".target.yaml")
    }
    own = next(iter(targets.values()), None)
    for block in texts:
        if block.file in targets:
            continue
        if re.search(r"^routes:\n  \w+:\n|^name: .*\nupstreams:\n", block.text, re.MULTILINE):
            parse_contract(block.text, file)
        elif re.search(r"^(start|url):", block.text, re.MULTILINE):
            parse_target(block.text, file)
        elif block.text.startswith("openapi:"):
            Path(file).write_text(block.text, encoding="utf-8")
            assert routes_of(Path(file))
        elif re.search(r"^title:", block.text, re.MULTILINE):
            Path(file).write_text(block.text, encoding="utf-8")
            assert load_each(file, target=own)
        elif set(re.findall(r"^(\w+):", block.text, re.MULTILINE)) <= set(keys_of(Target)):
            rest = "name: of a part\nurl: http://127.0.0.1:8080\n"  # what the part leaves out
            parse_target(f"{rest}{block.text}", file)
        else:
            pytest.fail(
                f"{page.name}: neither a scenario nor a target nor a contract: {block.text[:80]}"
            )


def test_few_blocks_are_not_checked() -> None:
    marked = [block for page in PAGES for block in blocks(page) if block.marked]
    assert len(marked) == NOT_CHECKED


@pytest.mark.parametrize("name", RUN)
def test_pages_are_walked(name: str, tmp_path: Path) -> None:
    """Each command as it stands; what is shown below it is among what it prints, word for word."""
    status, ran = 0, 0
    for block in blocks(ROOT / "docs" / name):
        if block.file:
            (tmp_path / block.file).write_text(block.text, encoding="utf-8")
        if block.kind != "console":
            continue
        printed, shown = "", ""
        for line in [*block.text.splitlines(), "$ true"]:
            if not line.startswith("$ "):
                shown = line.split("  #")[0]
                assert shown in printed, printed
                continue
            if line == "$ echo $?":
                printed = f"{status}\n"
                continue
            words = shlex.split(line.removeprefix("$ "))
            python = [sys.executable, "-m", "harness"]
            done = subprocess.run(
                [*(python if words[0] == "outage" else words[:1]), *words[1:]],
                cwd=tmp_path, capture_output=True, text=True, timeout=120,
            )  # fmt: skip
            printed, status = done.stdout + done.stderr, done.returncode
            assert "Traceback" not in printed
            ran += words[0] == "outage"
    assert ran


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    places = [a or b for a, b in _LINK.findall(text)]
    gone = [place for place in places if "://" not in place and not (page.parent / place).exists()]
    assert gone == []
