"""What a session of pytest was told of outages: its options, and the plays that go by them.

Nothing else of the harness is imported until a play is asked for.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from harness.pytesting.session import Options, Plays

ENGINES = ("local", "compose", "sim")
RUN = "outage_run"
"""By what name a worker of xdist is told the run that it is part of."""
VERDICT = "verdict"
"""The property of a report that says how a scenario, or one of its findings, was judged."""
_PLAYS_KEY = pytest.StashKey["Plays"]()
SETTINGS = {
    "engine": ("local", "where to play: local, compose or sim"),
    "proxy": ("auto", "embedded, toxiproxy or a URL"),
    "target": ("reference", "a target file, or naive"),
    "seed": ("0", "for shares and interleavings"),
    "jobs": ("", "scenarios side by side; all by default"),
    "report": ("", "a folder for report.html, junit.xml, results.json and the histories"),
}
"""By name (`--outage-NAME`, and `outage_NAME` in an ini file): the default, and what it is."""


def in_worker(config: pytest.Config) -> bool:
    """Whether this process is a worker of xdist."""
    return hasattr(config, "workerinput")


def setting(config: pytest.Config, name: str) -> str:
    """What was asked for on the command line, else in the ini file."""
    given = config.getoption(f"--outage-{name}")
    return str(config.getini(f"outage_{name}") if given is None else given)


def plays_of(config: pytest.Config) -> Plays:
    """The plays of this process, made when first asked for."""
    from harness.pytesting.session import Plays

    if _PLAYS_KEY not in config.stash:
        config.stash[_PLAYS_KEY] = plays = Plays(options_of(config))
        config.add_cleanup(plays.close)
    return config.stash[_PLAYS_KEY]


def options_of(config: pytest.Config) -> Options:
    """All of it.

    Raises: pytest.UsageError for what an ini file says and no option takes.
    """
    from harness.pytesting.session import Options

    said = {name: setting(config, name) for name in SETTINGS}
    if said["engine"] not in ENGINES:
        raise pytest.UsageError(f"outage_engine: expected one of {', '.join(ENGINES)}")
    for name in ("seed", "jobs"):
        if said[name] and not said[name].isdecimal():
            raise pytest.UsageError(f"outage_{name}: expected a whole number, not {said[name]!r}")
    target = Path(said["target"])
    if target.suffix and not target.exists() and (config.rootpath / target).exists():
        said["target"] = str(config.rootpath / target)  # an ini file names it from its own folder
    return Options(
        engine=said["engine"],
        proxy=said["proxy"],
        target=said["target"],
        seed=int(said["seed"] or 0),
        jobs=max(1, int(said["jobs"])) if said["jobs"] else None,
        report=Path(said["report"]) if said["report"] else None,
        run=getattr(config, "workerinput", {}).get(RUN, ""),
    )
