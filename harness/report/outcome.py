"""What all report writers are given: the judgements of a run, and what it was played with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import field
from msgspec.structs import replace

from harness.checks.silence import uncalled_routes
from harness.frozen import Frozen
from harness.history.columns import column
from harness.history.events import Event, Run, Sent
from harness.history.view import History
from harness.report.provenance import Provenance
from harness.report.totals import overall, totals_line
from harness.scenario.model import Scenario
from harness.target.known import KnownFailure, nowhere
from harness.verdict import Judgement, Verdict

if TYPE_CHECKING:
    from harness.report.scene import Scene


class Played(Protocol):
    """One scenario with what it left: what a runner has, or what was read from a folder."""

    @property
    def scenario(self) -> Scenario:
        """What was played."""
        ...

    @property
    def events(self) -> Sequence[Event]:
        """What was recorded."""
        ...

    @property
    def judgement(self) -> Judgement:
        """What that proves."""
        ...

    @property
    def scene(self) -> Scene | None:
        """What it looked like; None where nothing was played."""
        ...


class Shown(Frozen, kw_only=True):
    """One scenario as a report shows it."""

    judgement: Judgement
    scene: Scene | None
    """None where nothing was played, or nobody kept what was seen."""


class Outcome(Frozen, kw_only=True):
    """A whole run, judged."""

    judgements: tuple[Judgement, ...]
    engine: str = "unknown"
    proxy: str = "unknown"
    target: str = "unknown"
    seed: int = 0
    wall_s: float | None = None
    """How long all of it took; None where nobody measured."""
    made: Provenance = field(default_factory=Provenance)
    without: tuple[str, ...] = ()
    """Claims that the target declares not to promise."""
    known: tuple[KnownFailure, ...] = ()
    """Failures that the target declares as known, whether or not they showed."""
    traces: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)
    """By scenario and finding, the traces of the requests that show it."""
    silent: tuple[str, ...] = ()
    """Evidence that the target file configures and that never said anything, each once."""
    scenes: tuple[Scene | None, ...] = ()
    """What each looked like, in the order of the judgements; nothing where nobody kept it."""
    before: Mapping[str, Any] = field(default_factory=dict)
    """What `results.json` said of the run before this one; empty where there was none."""

    @property
    def shown(self) -> tuple[Shown, ...]:
        """Each scenario with what it looked like."""
        scenes = self.scenes or (None,) * len(self.judgements)
        return tuple(
            Shown(judgement=judgement, scene=scene)
            for judgement, scene in zip(self.judgements, scenes, strict=True)
        )

    @property
    def verdict(self) -> Verdict:
        """The worst of its scenarios'."""
        return overall(self.judgements)

    @property
    def totals(self) -> str:
        """`18 passed, 1 failed in 3m 12s`."""
        return totals_line(self.judgements, self.wall_s)


def outcome_of(
    played: Sequence[Played],
    wall_s: float | None = None,
    made: Provenance | None = None,
    known: Sequence[KnownFailure] = (),
    before: Mapping[str, Any] | None = None,
) -> Outcome:
    """Collect a run's judgements; what they were played with is in their histories.

    `wall_s`: what all of it took; what `made` says of it, where a saved run is judged again.
    """
    runs = [event for each in played for event in each.events[:50] if isinstance(event, Run)]
    return Outcome(
        judgements=tuple(each.judgement for each in played),
        scenes=tuple(each.scene for each in played),
        before=before or {},
        engine=_shared(run.engine for run in runs),
        proxy=_shared(run.proxy for run in runs),
        target=_shared(run.target for run in runs),
        seed=runs[0].seed if runs else 0,
        wall_s=wall_s if wall_s is not None or made is None else made.wall_s,
        made=_with_libraries(made or Provenance(), runs),
        without=tuple(dict.fromkeys(claim for run in runs for claim in run.without)),
        known=tuple(known),
        traces={each.judgement.name: _traces(each) for each in played},
        silent=tuple(
            dict.fromkeys(
                (
                    *(line for each in played for line in each.judgement.silent),
                    *unused(played, known),
                )
            )
        ),
    )


def unused(played: Sequence[Played], known: Sequence[KnownFailure]) -> tuple[str, ...]:
    """What the target file says that was of no use in any of a run's scenarios: a line each."""
    files = {each.scenario.name: each.scenario.file for each in played}
    return (*uncalled_routes(each.events for each in played), *nowhere(known, files))


def _traces(played: Played) -> dict[str, tuple[str, ...]]:
    """Those of each finding's examples; the harness began them itself."""
    sent = History(played.events).all(Sent)
    shown = {id for finding in played.judgement.all_findings for id in finding.examples}
    each = zip(column(sent, "id"), column(sent, "trace"), strict=True)
    traces = {id: trace for id, trace in each if id in shown}
    return {
        finding.name: tuple(traces[id] for id in finding.examples if traces.get(id))
        for finding in played.judgement.all_findings
        if finding.examples
    }


def _with_libraries(made: Provenance, runs: Sequence[Run]) -> Provenance:
    found = {name: version for run in runs for name, version in run.versions.items()}
    return replace(made, versions=found | made.versions)


def _shared(values: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(value for value in values if value)) or "unknown"
