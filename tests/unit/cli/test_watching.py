"""`run --watch`: what was saved is played again, in the same warm simulation."""

from __future__ import annotations

import io
import threading
import time
from pathlib import Path

import pytest
from rich.console import Console

from harness.bundled import bundled_folder
from harness.cli.entry import call
from harness.cli.watching import Watch, sources, stamps

GOOD = """\
title: t
duration: 3s
traffic: {health: {request: GET /health, rate: 1/s}}
expect: [{traffic: health, status: 200}]
"""


def test_what_is_saved_is_played_again_and_nothing_else(tmp_path: Path) -> None:
    one, two = tmp_path / "one.yaml", tmp_path / "two.yaml"
    one.write_text(GOOD)
    two.write_text(GOOD)
    said = io.StringIO()
    watch = Watch(
        [str(tmp_path)], "reference", seed=0, lines=False,
        console=Console(file=said, soft_wrap=True), allow=lambda target: None,
    )  # fmt: skip
    thread = threading.Thread(target=watch.run, kwargs={"rounds": 3})
    thread.start()

    def wait_for(text: str) -> str:
        until_s = time.monotonic() + 60
        while text not in said.getvalue():
            assert time.monotonic() < until_s, said.getvalue()
            time.sleep(0.02)
        heard = said.getvalue()
        said.seek(0)
        said.truncate()
        return heard

    heard = wait_for("waiting for a file")
    assert "one " in heard
    assert "two " in heard
    nursery = watch._engine._nursery._process
    assert nursery is not None
    one.write_text(GOOD.replace("200", "404"))
    heard = wait_for("waiting for a file")
    assert "✗ failed        one" in heard
    assert "two " not in heard
    assert watch._engine._nursery._process is nursery
    one.write_text(GOOD.replace("status", "statsu"))
    thread.join(60)
    assert not thread.is_alive()
    assert f"{one}:4: 'statsu' is not known here; did you mean 'status'?" in said.getvalue()


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
