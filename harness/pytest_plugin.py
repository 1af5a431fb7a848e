"""Scenario files as pytest items, and a `world` fixture for tests in Python.

`pytest scenarios/ --outage-engine sim` plays each scenario file as a test of its own, all of a
session side by side, with its expectations as subtests. Files are collected only from what the
command line names, so that a bare `pytest` in a project that has the harness installed never begins
to play outages. Nothing of the harness but this file is imported until a scenario is collected or
played, and a YAML file that isn't one is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from harness.pytesting.session import Options, Plays
    from harness.pytesting.world import World
    from harness.runs.runner import Played
    from harness.scenario.model import Scenario
    from harness.verdict import Finding

_SUFFIXES = (".yaml", ".yml")
_ENGINES = ("local", "compose", "sim")
_LOOKS_LIKE_ONE = re.compile(rb"^(?:title|faults|expect)[ \t]*:", re.MULTILINE)
_TRAFFIC = re.compile(rb"^traffic[ \t]*:", re.MULTILINE)
_NAMED = "outage_paths_named"
_RUN = "outage_run"
_NAMED_KEY = pytest.StashKey[bool]()
_PLAYS_KEY = pytest.StashKey["Plays"]()
_BEGUN_KEY = pytest.StashKey[bool]()
"""Whether this session's report was begun."""
_VERDICT = "verdict"
_LISTING = ("collectonly", "showfixtures", "show_fixtures_per_test", "setupplan")
"""Options of pytest's with which nothing is played."""
_SETTINGS = {
    "engine": ("local", "where to play: local, compose or sim"),
    "proxy": ("auto", "embedded, toxiproxy or a URL"),
    "target": ("reference", "a target file, or naive"),
    "seed": ("0", "for shares and interleavings"),
    "jobs": ("", "scenarios side by side; all by default"),
    "report": ("", "a folder for report.html, junit.xml, results.json and the histories"),
}
"""By name (`--outage-NAME`, and `outage_NAME` in an ini file): the default, and what it is."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of `outage run`, under names of their own; each may stand in the ini file."""
    group = parser.getgroup("outage", "outages played by outage-harness")
    for name, (default, words) in _SETTINGS.items():
        choices: dict[str, Any] = {"choices": _ENGINES} if name == "engine" else {}
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
    if _setting(node.config, "report"):
        node.workerinput[_RUN] = _plays(node.config).run


def pytest_sessionstart(session: pytest.Session) -> None:
    """Begin a report anew, before any worker plays, if it was asked for of this session."""
    config = session.config
    if config.getoption("--outage-report") is not None or _distributed(config):
        _begin_report(config)
    elif _reports(config):
        _options(config)  # what an ini file asks for in vain is told even if nothing is played


def pytest_collection_finish(session: pytest.Session) -> None:
    """Begin the report that an ini file asks for, if this session plays anything."""
    if any(_plays_outages(item) for item in session.items):
        _begin_report(session.config)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the report of all that was played, here or in workers of xdist."""
    config = session.config
    if config.stash.get(_BEGUN_KEY, False):
        with _usage():
            _plays(config).write(others=_distributed(config))


def _begin_report(config: pytest.Config) -> None:
    if _reports(config) and not config.stash.get(_BEGUN_KEY, False):
        with _usage():
            _plays(config).prepare()
        config.stash[_BEGUN_KEY] = True


def _plays_outages(item: pytest.Item) -> bool:
    return isinstance(item, ScenarioItem) or "world" in getattr(item, "fixturenames", ())


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


def _in_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def _reports(config: pytest.Config) -> bool:
    """Whether this process writes a report: not where pytest only lists what there is."""
    lists = any(getattr(config.option, name, False) for name in _LISTING)
    return bool(_setting(config, "report")) and not lists and not _in_worker(config)


def _setting(config: pytest.Config, name: str) -> str:
    given = config.getoption(f"--outage-{name}")
    return str(config.getini(f"outage_{name}") if given is None else given)


def _plays(config: pytest.Config) -> Plays:
    from harness.pytesting.session import Plays

    if _PLAYS_KEY not in config.stash:
        config.stash[_PLAYS_KEY] = plays = Plays(_options(config))
        config.add_cleanup(plays.close)
    return config.stash[_PLAYS_KEY]


def _options(config: pytest.Config) -> Options:
    """Raises: pytest.UsageError for what an ini file says and no option takes."""
    from harness.pytesting.session import Options

    said = {name: _setting(config, name) for name in _SETTINGS}
    if said["engine"] not in _ENGINES:
        raise pytest.UsageError(f"outage_engine: expected one of {', '.join(_ENGINES)}")
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
        run=getattr(config, "workerinput", {}).get(_RUN, ""),
    )


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
        """Its one item, or one for each combination of its matrix.

        Marked with the claims and upstreams that it is about. A file with something wrong is told
        of when its item runs.
        """
        from harness.errors import HarnessError
        from harness.scenario.loader import load_each

        try:
            several = load_each(self.path, checked=True)
        except HarnessError:
            yield ScenarioItem.from_parent(self, name=self.path.stem)
            return
        for one in several:
            yield ScenarioItem.from_parent(
                self, name=one.name, marks=tuple(self._marks(one)), combination=one.combination
            )

    def _marks(self, scenario: Scenario) -> Iterator[str]:
        yield from (f"claim_{_word(claim)}" for claim in scenario.all_claims)
        yield from (f"upstream_{_word(name)}" for name in scenario.faulted_upstreams)


def _word(text: str) -> str:
    """As an expression of `-m` takes it."""
    return re.sub(r"\W", "_", text)


class NotGreen(Exception):
    """A scenario failed, or proved nothing; the message is what a person reads."""


class ScenarioItem(pytest.Item):
    """One scenario, played and judged."""

    played: Played | None = None

    def __init__(self, marks: tuple[str, ...] = (), combination: str = "", **given: Any) -> None:
        super().__init__(**given)
        self.combination = combination
        self.add_marker(pytest.mark.outage)
        for name in marks:
            self.config.addinivalue_line("markers", f"{name}: scenarios that are about it")
            self.add_marker(name)

    def runtest(self) -> None:
        """Play it, and with it all that are still to come; a worker of xdist plays one at a time.

        Raises: NotGreen when it fails or is inconclusive, InvalidFile when the file is wrong.
        """
        from harness.pytesting.world import explanation
        from harness.verdict import Verdict

        plays = _plays(self.config)
        if not plays.played(self.path, self.combination):
            waiting = self._waiting()
            self._announce(len(waiting))
            plays.play_files(waiting)
        self.played = plays.result(self.path, self.combination)
        judgement = self.played.judgement
        self.user_properties.append((_VERDICT, judgement.verdict.value))
        if judgement.rate:
            self.user_properties.append(("rate", judgement.rate))
        _tell_subtests(self, judgement.all_findings)
        if judgement.verdict is Verdict.OUT_OF_SCOPE:
            pytest.skip(judgement.why_not or "out of scope for this target")
        if judgement.verdict is not Verdict.PASSED:
            raise NotGreen(explanation(judgement))

    def _waiting(self) -> list[tuple[Path, str, str]]:
        """What is to be played now: the files of the session with names that tell them apart."""
        if _in_worker(self.config):
            return [(self.path, self.combination, self.name)]
        items = [each for each in self.session.items if isinstance(each, ScenarioItem)]
        names: dict[str, tuple[Path, str]] = {}
        for item in items:
            name, number, what = item.name, 2, (item.path, item.combination)
            while names.get(name, what) != what:
                name, number = f"{item.name}-{number}", number + 1
            names[name] = what
        return [(*what, name) for name, what in names.items()]

    def _announce(self, count: int) -> None:
        """Say at a terminal what goes on meanwhile: real outages take minutes."""
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is None or count < 2:
            return
        with _uncaptured(self.config):
            engine = _setting(self.config, "engine")
            reporter.write_line(f"outage: {count} scenarios side by side on {engine}")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The findings for what the harness raises on purpose, a traceback for the rest."""
        from harness.errors import HarnessError

        if isinstance(excinfo.value, NotGreen | HarnessError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style=style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where it stands."""
        return self.path, 0, f"outage {self.name}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A scenario's duration is that of its own play, whoever waited for it."""
    report = yield
    if isinstance(item, ScenarioItem) and call.when == "call" and item.played is not None:
        report.duration = item.played.real_s or report.duration
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(
    report: pytest.TestReport,
) -> tuple[str, str, str | Mapping[str, bool]] | None:
    """What proved nothing is not green, and not what failed either."""
    inconclusive = (_VERDICT, "inconclusive") in getattr(report, "user_properties", ())
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


def _tell_subtests(item: ScenarioItem, findings: Iterable[Finding]) -> None:
    """Each expectation and promise as a subtest, where this pytest knows them (9 and later)."""
    kind: Any = getattr(pytest, "SubtestReport", None)
    if kind is None:
        return
    from _pytest.subtests import SubtestContext

    outcomes = {"passed": "passed", "out_of_scope": "skipped"}
    for finding in findings:
        outcome = (
            "skipped" if finding.known is not None else outcomes.get(finding.verdict, "failed")
        )
        why = (str(item.path), finding.line or 0, f"Skipped: {finding.evidence}")
        report = pytest.TestReport(
            nodeid=item.nodeid,
            location=item.location,
            keywords={item.name: 1},
            outcome=outcome,  # type: ignore[arg-type]
            longrepr={"passed": None, "skipped": why}.get(outcome, str(finding)),
            when="call",
            user_properties=[(_VERDICT, finding.verdict.value)],
        )
        context = SubtestContext(msg=finding.name, kwargs={})
        with _uncaptured(item.config):
            item.ihook.pytest_runtest_logreport(report=kind._new(report, context, None, None))


def _uncaptured(config: pytest.Config) -> AbstractContextManager[None]:
    """What a reporter says meanwhile is for the terminal, and no output of the test's."""
    capture = config.pluginmanager.get_plugin("capturemanager")
    if capture is None:
        return nullcontext()
    shown: AbstractContextManager[None] = capture.global_and_fixture_disabled()
    return shown


@pytest.fixture
def world(request: pytest.FixtureRequest) -> World:
    """Scenarios played in a Python test.

    `world(scenario)` takes a path, a bundled name, or what `world.scenario(traffic=...)` built,
    with `target=`, `engine=`, `seed=` over the options, and gives what it left: `answers`,
    `attempts`, `breakers`, `judgement`, `assert_passed()`.
    """
    from harness.pytesting.world import World

    return World(_plays(request.config), request.path, request.node.name)
