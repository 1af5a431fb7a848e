"""One run as its `results.json` tells it, as far as runs are compared; a prediction likewise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.errors import InvalidFile, Problem, UsageError
from harness.verdict import WORST_FIRST, Verdict

RESULTS = "results.json"
_MOST_PROBLEMS = 10


class _Read(BaseModel):
    """What is not compared is passed over: fields are added to results as time goes on."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Known(_Read):
    """What a target file said of a known failure."""

    because: str
    until: str


class Expectation(_Read):
    """One expectation or promise, judged."""

    name: str
    verdict: Verdict
    expected: str = ""
    observed: str = ""
    evidence: str = ""
    file: str = ""
    line: int = 0
    """0 for what no line of the scenario asks for."""
    noise: bool = False
    """Whether only a busy machine kept it from a verdict."""
    known: Known | None = None


class Change(_Read):
    """A breaker's change of state."""

    state: str
    at_s: float
    error_s: float = 0.0


class Percentile(_Read):
    """A percentile of latencies, with where another night's may lie."""

    ms: float
    low_ms: float
    high_ms: float | None


class Stream(_Read):
    """What a stream was answered, and how fast."""

    requests: int
    answers: dict[str, int]
    latency_ms: dict[str, Percentile] = Field(default_factory=dict)


class Charges(_Read):
    """What was charged."""

    total: int = 0
    duplicates: int = 0


class Scenario(_Read):
    """One scenario of a run. A predicted one has no verdict."""

    name: str
    file: str = ""
    verdict: Verdict | None
    duration_s: float = 0.0
    expectations: tuple[Expectation, ...] = ()
    promises: tuple[Expectation, ...] = ()
    breakers: dict[str, tuple[Change, ...]] = Field(default_factory=dict)
    perhaps_open: dict[str, Any] = Field(default_factory=dict)
    """The upstreams of which nobody can tell whether their breaker was open."""
    streams: dict[str, Stream] = Field(default_factory=dict)
    charges: Charges | None = None
    busy: str | None = None

    @property
    def judgements(self) -> dict[str, Expectation]:
        """All that its verdict rests on, by a name that is the same every night.

        A promise goes by what it says: one that is broken is named for how. Of several ways in
        which one promise is broken, the worst stands for it.
        """
        found = {each.name: each for each in self.expectations}
        for each in self.promises:
            name = each.expected or each.name
            if name not in found or WORST_FIRST.index(each.verdict) < WORST_FIRST.index(
                found[name].verdict
            ):
                broken = f"{each.name}: {each.observed}" if each.name != name else each.observed
                found[name] = each.model_copy(update={"name": name, "observed": broken})
        return found

    @property
    def judged(self) -> bool:
        """Whether it was played so far that its own expectations were judged."""
        return bool(self.promises) or any(each.line for each in self.expectations)

    @property
    def interval_s(self) -> float | None:
        """How far apart the requests of its slowest stream are, on average; None where unknown."""
        counts = [stream.requests for stream in self.streams.values() if stream.requests]
        return self.duration_s / min(counts) if counts and self.duration_s > 0 else None

    @property
    def excused(self) -> bool:
        """Whether something of it failed that the target file names as known."""
        return any(each.known is not None for each in (*self.expectations, *self.promises))

    @property
    def measured(self) -> bool:
        """Whether its figures are those of a play that says something."""
        return self.verdict in (None, Verdict.PASSED, Verdict.FAILED)


class Night(_Read):
    """One run."""

    schema_: Literal[1] = Field(alias="schema")
    engine: str = "unknown"
    target: str = "unknown"
    seed: int = 0
    began: str | None = None
    target_commit: str | None = None
    scenarios: tuple[Scenario, ...]
    place: str = Field("", exclude=True)
    """What the user named, or the night's folder."""

    @property
    def by_name(self) -> dict[str, Scenario]:
        """Its scenarios by name."""
        return {each.name: each for each in self.scenarios}


def load_night(path: Path) -> Night:
    """A report folder, a `results.json`, or what `outage predict --json` printed.

    Raises: UsageError where there is nothing of the kind, InvalidFile with what is wrong with it.
    """
    file = path / RESULTS if path.is_dir() else path
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        if file is not path and not file.exists():
            raise UsageError(
                f"{path} holds no {RESULTS}; name a folder that `outage run --report` wrote"
            ) from None
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise UsageError(
            f"can't read {file}: {why}; expected a report folder, its {RESULTS}, or what "
            "`outage predict --json` printed"
        ) from None
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        message = f"expected JSON ({error.msg}, column {error.colno})"
        raise InvalidFile([Problem(file=str(file), line=error.lineno, message=message)]) from None
    except RecursionError:
        raise InvalidFile([_problem(file, "is nested too deeply")]) from None
    if isinstance(data, dict) and "predictions" in data:
        data = _predicted(data["predictions"], file)
    try:
        night = Night.model_validate(data)
    except ValidationError as error:
        found = [_problem(file, _said(each)) for each in error.errors()[:_MOST_PROBLEMS]]
        raise InvalidFile(found) from None
    repeated = sorted({each.name for each in night.scenarios if _count(night, each.name) > 1})
    if repeated:
        raise InvalidFile([_problem(file, f"lists {name} more than once") for name in repeated])
    return night.model_copy(update={"place": str(path)})


def _count(night: Night, name: str) -> int:
    return sum(each.name == name for each in night.scenarios)


def _problem(file: Path, message: str) -> Problem:
    return Problem(file=str(file), line=0, message=message)


def _said(error: Any) -> str:
    """`scenarios.3.verdict: Input should be...`; what isn't a run's at all is told as such."""
    place = ".".join(str(part) for part in error["loc"])
    if place in ("", "schema"):
        return f"expected what `outage run --report` writes into {RESULTS} (schema 1)"
    return f"{place}: {error['msg']}"


def _predicted(predictions: object, file: Path) -> dict[str, Any]:
    """A prediction in the form of a run: breakers and answers, and no verdict."""
    try:
        assert isinstance(predictions, list)
        readings = list(dict.fromkeys(str(each["reading"]) for each in predictions))
        if len(readings) > 1:
            raise UsageError(
                f"{file} holds several readings ({', '.join(readings)}); write each to a file of "
                f"its own: outage predict ... --profile {readings[0]} --json"
            )
        scenarios = [_predicted_scenario(each) for each in predictions]
    except (AssertionError, AttributeError, IndexError, KeyError, TypeError, ValueError):
        message = "expected what `outage predict --json` prints"
        raise InvalidFile([_problem(file, message)]) from None
    target = f"{', '.join(readings)}, as predicted"
    return {"schema": 1, "engine": "prediction", "target": target, "scenarios": scenarios}


def _predicted_scenario(prediction: dict[str, Any]) -> dict[str, Any]:
    told = {name: each for name, each in prediction["upstreams"].items() if not each["untold"]}
    return {
        "name": prediction["name"],
        "verdict": None,
        "breakers": {name: _predicted_changes(each) for name, each in told.items()},
        # How often it opens nobody promises: then its instants are no measure.
        "perhaps_open": {
            name: [] for name, each in told.items() if each["openings"][0] < each["openings"][1]
        },
    }


def _predicted_changes(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Each opening, and the closing for good: once each, wherever it may lie."""
    opened = [_between("open", alternatives) for alternatives in found["openings_s"]]
    closed = [_between("closed", found["closes_s"])] if found["closes_s"] else []
    return sorted(opened + closed, key=lambda change: float(change["at_s"]))


def _between(state: str, alternatives: list[list[float]]) -> dict[str, Any]:
    low_s, high_s = min(low for low, _ in alternatives), max(high for _, high in alternatives)
    return {"state": state, "at_s": (low_s + high_s) / 2, "error_s": (high_s - low_s) / 2}
