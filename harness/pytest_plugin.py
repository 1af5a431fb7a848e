"""Scenario files as pytest items, and a `world` fixture for tests in Python.

`pytest scenarios/ --outage-engine sim` plays each scenario file as a test of its own, all of a
session side by side, with its expectations as subtests. Files are collected only from what the
command line names, so that a bare `pytest` in a project that has the harness installed never begins
to play outages. Nothing of the harness but its settings is imported until a scenario is collected
or played, and a YAML file that isn't one is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.pytesting.settings import (
    ENGINES,
    RUN,
    SETTINGS,
    VERDICT,
    in_worker,
    options_of,
    plays_of,
    setting,
)

if TYPE_CHECKING:
    from harness.pytesting.world import World

_SUFFIXES = (".yaml", ".yml")
_LOOKS_LIKE_ONE = re.compile(rb"^(?:title|faults|expect)[ \t]*:", re.MULTILINE)
_TRAFFIC = re.compile(rb"^traffic[ \t]*:", re.MULTILINE)
_NAMED = "outage_paths_named"
_NAMED_KEY = pytest.StashKey[bool]()
_BEGUN_KEY = pytest.StashKey[bool]()
"""Whether this session's report was begun."""
_LISTING = ("collectonly", "showfixtures", "show_fixtures_per_test", "setupplan")
"""Options of pytest's with which nothing is played."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of `outage run`, under names of their own; each may stand in the ini file."""
    group = parser.getgroup("outage", "outages played by outage-harness")
    for name, (default, words) in SETTINGS.items():
        choices: dict[str, Any] = {"choices": ENGINES} if name == "engine" else {}
        group.addoption(f"--outage-{name}", default=None, help=words, **choices)
        parser.addini(f"outage_{name}", words, default=default)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers that scenario items carry."""
    config.addinivalue_line("markers", "outage: a scenario file, played by outage-harness")
    given = getattr(config, "workerinput", {}).get(_NAMED)  # what xdist's controller was told
    named = config.args_source is pytest.Config.ArgsSource.ARGS if given is None else given
    config.stash[_NAMED_KEY] = bool(named)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of xdist what it can't know: whether the command line named anything."""
    node.workerinput[_NAMED] = node.config.stash[_NAMED_KEY]
    if setting(node.config, "report"):
        node.workerinput[RUN] = plays_of(node.config).run


def pytest_sessionstart(session: pytest.Session) -> None:
    """Begin a report anew, before any worker plays, if it was asked for of this session."""
    config = session.config
    if config.getoption("--outage-report") is not None or _distributed(config):
        _begin_report(config)
    elif _reports(config):
        options_of(config)  # what an ini file asks for in vain is told even if nothing is played


def pytest_collection_finish(session: pytest.Session) -> None:
    """Begin the report that an ini file asks for, if this session plays anything."""
    if any(_plays_outages(item) for item in session.items):
        _begin_report(session.config)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the report of all that was played, here or in workers of xdist."""
    config = session.config
    if config.stash.get(_BEGUN_KEY, False):
        with _usage():
            plays_of(config).write(others=_distributed(config))


def _begin_report(config: pytest.Config) -> None:
    if _reports(config) and not config.stash.get(_BEGUN_KEY, False):
        with _usage():
            plays_of(config).prepare()
        config.stash[_BEGUN_KEY] = True


def _plays_outages(item: pytest.Item) -> bool:
    scenario = hasattr(item, "played")  # as a `ScenarioItem` has, before it was
    return scenario or "world" in getattr(item, "fixturenames", ())


def _distributed(config: pytest.Config) -> bool:
    """Whether workers of xdist play, of whose items this process knows nothing."""
    return bool(getattr(config.option, "numprocesses", None))


@contextmanager
def _usage() -> Iterator[None]:
    """What the harness refuses is pytest's usage error: a line, and no traceback."""
    from harness.errors import HarnessError

    try:
        yield
    except HarnessError as error:
        raise pytest.UsageError(str(error)) from None


def _reports(config: pytest.Config) -> bool:
    """Whether this process writes a report: not where pytest only lists what there is."""
    lists = any(getattr(config.option, name, False) for name in _LISTING)
    return bool(setting(config, "report")) and not lists and not in_worker(config)


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
    from harness.pytesting.items import ScenarioFile

    return ScenarioFile.from_parent(parent, path=file_path)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A scenario's duration is that of its own play, whoever waited for it."""
    report = yield
    played = getattr(item, "played", None)  # only a `ScenarioItem` has been
    if call.when == "call" and played is not None:
        report.duration = played.real_s or report.duration
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(
    report: pytest.TestReport,
) -> tuple[str, str, str | Mapping[str, bool]] | None:
    """What proved nothing is not green, and not what failed either."""
    inconclusive = (VERDICT, "inconclusive") in getattr(report, "user_properties", ())
    if not (inconclusive and report.when == "call" and report.failed):
        return None
    context = getattr(report, "context", None)  # of a subtest
    if context is not None:
        return "subtests inconclusive", "?", f"SUBINCONCLUSIVE[{context.msg}]"
    return "inconclusive", "?", "INCONCLUSIVE"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Why scenarios proved nothing, apart from what failed."""
    reports = terminalreporter.getreports("inconclusive")
    if reports and terminalreporter.config.option.tbstyle != "no":
        terminalreporter.write_sep("=", "INCONCLUSIVE")
        for report in reports:
            terminalreporter.write_sep("_", report.head_line or report.nodeid)
            terminalreporter.write_line(report.longreprtext)


@pytest.fixture
def world(request: pytest.FixtureRequest) -> World:
    """Scenarios played in a Python test.

    `world(scenario)` takes a path, a bundled name, or what `world.scenario(traffic=...)` built,
    with `target=`, `engine=`, `seed=` over the options, and gives what it left: `answers`,
    `attempts`, `breakers`, `judgement`, `assert_passed()`.
    """
    from harness.pytesting.world import World

    return World(plays_of(request.config), request.path, request.node.name)
