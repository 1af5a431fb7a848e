"""`run --watch`: what was saved is played again, in the same warm simulation."""

from __future__ import annotations

import io
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from harness.bundled import bundled_folder
from harness.cli import watching
from harness.cli.entry import call
from harness.cli.watching import Stamps, Watch, settled, sources, stamps

GOOD = """\
title: t
duration: 3s
traffic: {health: {request: GET /health, rate: 1/s}}
expect: [{traffic: health, status: 200}]
"""


class Watching:
    """A `Watch` in a thread, and what it says."""

    def __init__(self, folder: Path, *, rounds: int) -> None:
        self._said = io.StringIO()
        self._watch = Watch(
            [str(folder)], "reference", seed=0, lines=False,
            console=Console(file=self._said, soft_wrap=True), allow=lambda target: None,
        )  # fmt: skip
        self._thread = threading.Thread(target=self._watch.run, kwargs={"rounds": rounds})
        self._thread.start()

    @property
    def nursery(self) -> int:
        """The process of its nursery."""
        process = self._watch._engine._nursery._process
        assert process is not None
        return process.pid

    def next_round(self) -> str:
        """What it says of the next round, when that is over."""
        until_s = time.monotonic() + 60
        while "waiting for a file" not in self._said.getvalue():
            assert time.monotonic() < until_s, self._said.getvalue()
            time.sleep(0.02)
        heard = self._said.getvalue()
        self._said.seek(0)
        self._said.truncate()
        return heard

    def end(self) -> str:
        """What it said in its last round."""
        self._thread.join(60)
        assert not self._thread.is_alive()
        return self._said.getvalue()


def save(file: Path, text: str) -> None:
    """At once, so that a busy machine shows nobody half of it."""
    part = file.with_suffix(".part")
    part.write_text(text)
    part.replace(file)


def test_what_is_saved_is_played_again_and_nothing_else(tmp_path: Path) -> None:
    one, two = tmp_path / "one.yaml", tmp_path / "two.yaml"
    one.write_text(GOOD)
    two.write_text(GOOD)
    played = Watching(tmp_path, rounds=3)
    heard = played.next_round()
    assert "one " in heard
    assert "two " in heard
    nursery = played.nursery
    save(one, GOOD.replace("200", "404"))
    heard = played.next_round()
    assert "✗ failed        one" in heard
    assert "two " not in heard
    assert played.nursery == nursery
    save(one, GOOD.replace("status", "statsu"))
    assert f"{one}:4: 'statsu' is not known here; did you mean 'status'?" in played.end()


APP = """\
def app(environ, start_response):
    start_response("STATUS", [])
    return [b""]
"""


def test_an_own_target_is_played_once_and_again_when_its_code_is_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, target = tmp_path / "app.py", tmp_path / "own.target.yaml"
    scenario = tmp_path / "one.yaml"
    scenario.write_text(GOOD)
    code.write_text(APP.replace("STATUS", "200 OK"))
    target.write_text('name: own\nstart: {wsgi: "app:app"}\nupstreams: {AUTH_SERVER_URL: auth}\n')

    def wait(seconds: float) -> None:
        if seconds == watching.LOOK_EVERY_S:  # nothing is left to be played
            save(code, APP.replace("STATUS", "404 Not Found"))

    monkeypatch.setattr(watching, "time", SimpleNamespace(sleep=wait, monotonic=time.monotonic))
    said = io.StringIO()
    watch = Watch(
        [str(scenario)], str(target), seed=0, lines=False,
        console=Console(file=said, soft_wrap=True), allow=lambda target: None,
    )  # fmt: skip
    watch.run(rounds=2)
    first, second = said.getvalue().split("waiting for a file", 1)
    assert "1 passed" in first
    assert "404 in the warm-up" in second


@pytest.mark.skipif(sys.platform != "linux", reason="the processor time of a child is in /proc")
def test_who_is_still_writing_a_file_is_waited_for() -> None:
    file = Path("one.yaml")
    emptied, begun, whole = ({file: (at, size)} for at, size in ((1, 0), (2, 4096), (3, 5000)))
    looks: Iterator[Stamps] = iter((begun, whole, whole, emptied))
    waits: list[None] = []
    found = settled(emptied, lambda: next(looks), lambda: waits.append(None))
    assert found == whole
    assert len(waits) == 3


def test_a_target_s_own_code_is_watched_but_no_library(tmp_path: Path) -> None:
    for name in ("app.py", "inner/more.py", ".venv/lib.py", "venv/lib.py", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    assert sorted(file.name for file in sources(tmp_path)) == ["app.py", "more.py"]
    assert stamps([tmp_path / "gone.py"]) == {}


def test_watching_is_for_the_simulation(capsys: pytest.CaptureFixture[str]) -> None:
    file = str(bundled_folder() / "auth_blackhole_50s.yaml")
    assert call(["run", file, "--watch", "--engine", "local"]) == 2
    assert "in the simulation" in capsys.readouterr().err
