"""The package as somebody installs it: a wheel, in an empty folder, with pip or with uv.

Run by itself (`make package`), since it downloads what the package needs: minutes, and a network.

    python tests/end_to_end/package.py pip     with venv and pip
    python tests/end_to_end/package.py uv      with uv
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOME = ("auth_blackhole_50s", "billing_refused_50s")


def run(words: Sequence[str | Path], cwd: Path, *, status: int = 0) -> str:
    """What a command prints; ends this program where its exit status is another."""
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        [str(word) for word in words], cwd=cwd, env=environment, text=True, capture_output=True
    )
    told = done.stdout + done.stderr
    print(f"$ {' '.join(map(str, words))}\n{told[-3000:]}", flush=True)
    if done.returncode != status:
        sys.exit(f"exit status {done.returncode}, expected {status}")
    return told


def install(tool: str, wheel: Path, empty: Path) -> Path:
    """The folder of the commands of an environment that holds the wheel and what it needs."""
    limits = ["-c", ROOT / "constraints.txt"]
    commands = empty / "env" / "bin"
    if tool == "uv":
        run(["uv", "venv", "env", "--python", sys.executable], empty)
        run(["uv", "pip", "install", "--python", commands / "python", *limits, wheel], empty)
    else:
        run([sys.executable, "-m", "venv", "env"], empty)
        run([commands / "python", "-m", "pip", "install", "-q", *limits, wheel], empty)
    return commands


def main(tool: str) -> None:
    """Build, install, and play what is bundled, from a folder in which nothing else is."""
    with tempfile.TemporaryDirectory() as folder:
        empty, built = Path(folder, "empty"), Path(folder, "wheel")
        empty.mkdir()
        run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", built, ROOT], empty)
        (wheel,) = built.glob("*.whl")
        commands = install(tool, wheel, empty)
        outage = commands / "outage"
        assert str(empty) in run(
            [commands / "python", "-c", "import harness; print(harness)"], empty
        )
        assert "valid" in run([outage, "validate"], empty)
        told = run([outage, "run", *SOME, "--engine", "sim", "--report", "out"], empty)
        assert "2 passed" in told
        assert (empty / "out" / "report.html").is_file()
        run([outage, "run", SOME[0], "--engine", "sim", "--target", "naive"], empty, status=1)
        run([outage, "new", "mine"], empty)
        run([outage, "validate", "mine.yaml"], empty)
        run([commands / "python", "-m", "harness", "schema", "--write", "schemas"], empty)
    print(f"== the package works, installed with {tool}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "pip")
