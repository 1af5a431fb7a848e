"""Compose's command, v2 (`docker compose`) or v1 (`docker-compose`), and the project's files."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from harness.engines.compose.layout import STUB_PORTS
from harness.engines.processes import Child
from harness.engines.reaper import Reaper
from harness.errors import UsageError, WorldError
from harness.frozen import Frozen

OVERRIDE = "OUTAGE_COMPOSE_OVERRIDE"
"""Environment variable: a compose file of the user's, that puts another gateway in."""
_FILES = ("docker-compose.yml", "containers/host.yml")
_BUILT = (next(iter(STUB_PORTS)), "gateway")
"""Of the services that share an image one is enough."""


class ComposeCommand(Frozen, kw_only=True):
    """How Compose is called here, on which files."""

    words: tuple[str, ...]
    folder: Path
    override: Path | None = None

    def __call__(self, project: str, *words: str) -> list[str]:
        """The command line for one project."""
        files = [str(self.folder / name) for name in _FILES]
        if self.override is not None:
            files.append(str(self.override))
        named = [word for file in files for word in ("-f", file)]
        return [*self.words, "-p", project, "--project-directory", str(self.folder), *named, *words]

    async def build(self, project: str, reaper: Reaper) -> None:
        """Build the images; quick when nothing has changed.

        Raises: WorldError with Compose's last words.
        """
        await self._run(project, ("build", *_BUILT), {}, reaper, "images could not be built")

    async def up(
        self, project: str, services: tuple[str, ...], env: Mapping[str, str], reaper: Reaper
    ) -> None:
        """Create and start containers.

        Raises: WorldError with Compose's last words.
        """
        words = ("up", "-d", "--no-build", "--no-deps", *services)
        await self._run(project, words, env, reaper, "containers could not be started")

    async def _run(
        self,
        project: str,
        words: tuple[str, ...],
        env: Mapping[str, str],
        reaper: Reaper,
        problem: str,
    ) -> None:
        child = await Child.start(
            " ".join(self.words), self(project, *words), reaper=reaper, on_line=_ignore, env=env
        )
        try:
            status = await child.wait()
        finally:
            await child.kill()
        if status != 0:
            raise WorldError(f"{problem}:{child.last_words(8)}")


def _ignore(line: str) -> None:
    """Compose's progress is kept by the child, for an error's last words."""


def find_compose() -> ComposeCommand:
    """Compose as it is installed, and the project's files: in the working folder, or above it.

    Raises: UsageError saying what to install, or where to be.
    """
    override = os.environ.get(OVERRIDE)
    if override and not Path(override).is_file():
        raise UsageError(f"{OVERRIDE}: there is no file {override}")
    return ComposeCommand(
        words=_words(),
        folder=_folder(),
        override=Path(override).resolve() if override else None,
    )


def _words() -> tuple[str, ...]:
    if shutil.which("docker"):
        said = subprocess.run(
            ["docker", "compose", "version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        if said.returncode == 0:
            return ("docker", "compose")
    if shutil.which("docker-compose"):
        return ("docker-compose",)
    raise UsageError(
        "--engine compose needs Docker Compose: install the package docker-compose-plugin "
        "(`docker compose`) or docker-compose"
    )


def _folder() -> Path:
    here = Path.cwd()
    source = Path(__file__).resolve().parents[3]
    for folder in (here, *here.parents, source):
        if all((folder / name).is_file() for name in _FILES):
            return folder
    raise UsageError(
        "--engine compose needs docker-compose.yml and containers/ of the project's repository: "
        "run it in a clone"
    )
