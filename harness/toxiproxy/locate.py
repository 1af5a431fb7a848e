"""Finding a real Toxiproxy, and installing one with the Go toolchain where there is one."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from harness.errors import UsageError
from harness.frozen import Frozen

TOXIPROXY_VERSION = "2.12.0"
BINARY = "toxiproxy-server"
_MODULE = "github.com/Shopify/toxiproxy/v2"
_INSTALL_TIMEOUT_S = 600.0


class FoundToxiproxy(Frozen, kw_only=True):
    """A real Toxiproxy that can be used: one that runs at `url`, or a `binary` to start."""

    url: str = ""
    binary: Path | None = None
    source: str
    """Where it was found, for a person."""


def cache_directory() -> Path:
    """Where `install_toxiproxy` puts the binary."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "outage-harness" / f"toxiproxy-{TOXIPROXY_VERSION}"


def find_toxiproxy(explicit: str = "") -> FoundToxiproxy | None:
    """The URL or path given, else what is on the PATH, else what was installed here; else None."""
    if explicit.startswith(("http://", "https://")):
        return FoundToxiproxy(url=explicit, source=explicit)
    if explicit:
        path = Path(explicit)
        return FoundToxiproxy(binary=path, source=explicit) if path.is_file() else None
    if on_path := shutil.which(BINARY):
        return FoundToxiproxy(binary=Path(on_path), source=f"PATH ({on_path})")
    installed = cache_directory() / BINARY
    if os.access(installed, os.X_OK):
        return FoundToxiproxy(binary=installed, source=f"installed ({installed})")
    return None


def install_toxiproxy(say: Callable[[str], None]) -> FoundToxiproxy:
    """Builds the pinned version with Go under the user's cache directory; says what it does.

    Raises: UsageError when there is no Go, or the build fails.
    """
    go = shutil.which("go")
    if go is None:
        raise UsageError(
            "installing Toxiproxy needs the Go toolchain (go.dev/dl); or put a release's "
            f"binary on the PATH as {BINARY}"
        )
    directory = cache_directory()
    directory.mkdir(parents=True, exist_ok=True)
    package = f"{_MODULE}/cmd/server@v{TOXIPROXY_VERSION}"
    command = [go, "install", "-ldflags", f"-X {_MODULE}.Version={TOXIPROXY_VERSION}", package]
    say(f"Building {package} with {go} into {directory} (about a minute the first time)")
    try:
        done = subprocess.run(
            command,
            env={**os.environ, "GOBIN": str(directory)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_INSTALL_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UsageError(f"{package} was not built within {_INSTALL_TIMEOUT_S:g} s") from None
    if done.returncode:
        raise UsageError(f"go install failed:\n{done.stdout.strip()}")
    binary = directory / BINARY
    (directory / "server").replace(binary)
    say(f"Installed {binary}")
    return FoundToxiproxy(binary=binary, source=f"installed ({binary})")
