"""Scenario files as pytest items, and a `world` fixture for tests in Python.

`pytest scenarios/ --outage-engine sim` plays each scenario file as a test of its own. Files are
collected only from what the command line names, so that a bare `pytest` in a project that has the
harness installed never begins to play outages. Nothing of the harness but this file is imported
until a scenario runs, and a YAML file that isn't one is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from harness.runner import Played

_SUFFIXES = (".yaml", ".yml")
_ENGINES = ("local", "compose", "sim")
_LOOKS_LIKE_ONE = re.compile(rb"^(?:title|faults|expect)[ \t]*:", re.MULTILINE)
_TRAFFIC = re.compile(rb"^traffic[ \t]*:", re.MULTILINE)
_NAMED = "outage_paths_named"
_NAMED_KEY = pytest.StashKey[bool]()
World = Callable[..., "Played"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of `outage run`, under names of their own."""
    group = parser.getgroup("outage", "outages played by outage-harness")
    group.addoption("--outage-engine", choices=_ENGINES, default="local", help="where to play")
    group.addoption("--outage-proxy", default="auto", help="embedded, toxiproxy or a URL")
    group.addoption("--outage-target", default="reference", help="a target file, or naive")
    group.addoption("--outage-seed", type=int, default=0, help="for shares and interleavings")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker that scenario items carry."""
    config.addinivalue_line("markers", "outage: a scenario file, played by outage-harness")
    given = getattr(config, "workerinput", {}).get(_NAMED)  # what xdist's controller was told
    named = config.args_source is pytest.Config.ArgsSource.ARGS if given is None else given
    config.stash[_NAMED_KEY] = bool(named)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of xdist whether the command line named anything: it can't know."""
    node.workerinput[_NAMED] = node.config.stash[_NAMED_KEY]


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A YAML file with `traffic:` and another of a scenario's keys at its top, valid or not."""
    if file_path.suffix not in _SUFFIXES or not parent.config.stash[_NAMED_KEY]:
        return None
    try:
        data = file_path.read_bytes()
    except OSError:
        return None
    if not (_LOOKS_LIKE_ONE.search(data) and _TRAFFIC.search(data)):
        return None
    return ScenarioFile.from_parent(parent, path=file_path)


class ScenarioFile(pytest.File):
    """One scenario file."""

    def collect(self) -> Iterable[ScenarioItem]:
        """Its one item; the file is loaded only when that runs."""
        yield ScenarioItem.from_parent(self, name=self.path.stem)


class NotGreen(Exception):
    """A scenario failed, or proved nothing; the message is what a person reads."""


class ScenarioItem(pytest.Item):
    """One scenario, played and judged."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.add_marker(pytest.mark.outage)

    def runtest(self) -> None:
        """Play it.

        Raises: NotGreen when it fails or is inconclusive, InvalidFile when the file is wrong.
        """
        from harness.verdict import Verdict

        judgement = play(self.config, self.path).judgement
        self.user_properties.append(("verdict", judgement.verdict.value))
        if judgement.verdict is Verdict.OUT_OF_SCOPE:
            pytest.skip(judgement.why_not or "out of scope for this target")
        if judgement.verdict is not Verdict.PASSED:
            raise NotGreen(_explanation(judgement))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The findings for what the harness raises on purpose, a traceback for the rest."""
        from harness.errors import HarnessError

        if isinstance(excinfo.value, NotGreen | HarnessError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style=style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where it stands."""
        return self.path, 0, f"outage {self.name}"


@pytest.fixture
def world(request: pytest.FixtureRequest) -> World:
    """Scenarios played in a Python test.

    Takes a path or a bundled name, and `target=`, `engine=`, `seed=` over the options; gives the
    scenario, its events and its judgement.
    """

    def one(scenario: str | Path, **over: Any) -> Played:
        return play(request.config, scenario, **over)

    return one


def play(
    config: pytest.Config,
    scenario: str | Path,
    *,
    engine: str | None = None,
    target: str | None = None,
    seed: int | None = None,
) -> Played:
    """One scenario, played as the options say, and judged.

    Raises: HarnessError when the scenario or the target can't be used.
    """
    import asyncio

    from harness.bundled import find_scenarios
    from harness.cli.run import make_engine
    from harness.engines.base import check_blast_radius
    from harness.runner import play_all
    from harness.scenario.loader import load_scenario
    from harness.target_file import load_target

    chosen_seed: int = config.getoption("--outage-seed") if seed is None else seed
    system = load_target(target or config.getoption("--outage-target"))
    proxy = config.getoption("--outage-proxy")
    check_blast_radius(system, allow_remote=False, proxy=proxy)
    (path,) = find_scenarios([scenario])
    loaded = load_scenario(path, target=system)
    made = make_engine(
        engine or config.getoption("--outage-engine"),
        proxy,
        seed=chosen_seed,
        target=system,
    )

    async def played() -> Played:
        try:
            done = await play_all(
                [loaded], engine=made, target=system, watcher=_Silent(), seed=chosen_seed
            )
        finally:
            await made.close()
        return done[0]

    return asyncio.run(played())


class _Silent:
    """A watcher that keeps quiet: pytest reports."""

    def progress(self, _scenario: object, _progress: object) -> None:
        """Nothing is shown."""

    def done(self, _played: object) -> None:
        """Nothing is shown."""


def _explanation(judgement: Any) -> str:
    from harness.verdict import Verdict

    wrong = (Verdict.FAILED, Verdict.INCONCLUSIVE)
    lines = [f"{judgement.name}: {judgement.verdict.value} ({judgement.title})"]
    lines += [
        f"  {finding.verdict.value}: {finding}"
        for finding in judgement.all_findings
        if finding.verdict in wrong
    ]
    return "\n".join([*lines, *(f"  {note}" for note in judgement.notes)])
