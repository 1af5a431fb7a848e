"""What changed from one run to another, and whether for the worse.

Verdicts come first: an expectation that held and doesn't now is worse, whatever else is said.
Figures (breakers, latencies, doubled charges) tell for better or worse only where the scenario
passed before: against a failed play they say how it differs, not which is right. And they tell only
what no noise explains: instants by the bounds that their evidence leaves, percentiles by those in
which another night's may lie (`harness/checks/streams.py`).
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.compare.difference import Difference, Sort
from harness.compare.figures import figures
from harness.compare.night import Expectation, Night, Scenario
from harness.frozen import Frozen
from harness.verdict import Verdict


class Comparison(Frozen, kw_only=True):
    """Two runs, compared."""

    a: Night
    b: Night
    differences: tuple[Difference, ...]
    """The worst first."""
    still: tuple[tuple[str, str], ...]
    """Scenarios and expectations that failed before and do now."""
    same: int
    """Expectations that held in both."""

    def of(self, sort: Sort) -> tuple[Difference, ...]:
        """The differences of a sort."""
        return tuple(each for each in self.differences if each.sort is sort)


def compare(a: Night, b: Night) -> Comparison:
    """From `a` to `b`."""
    before, after = a.by_name, b.by_name
    found = [
        difference
        for name in dict.fromkeys((*before, *after))
        for difference in _scenario(before.get(name), after.get(name), exact=_exact(a, b))
    ]
    order = list(Sort)
    found.sort(key=lambda each: (order.index(each.sort), each.weight))  # stable: by file order else
    pairs = [
        (name, old, new)
        for name in after
        if name in before
        for old, new in _pairs(before[name], after[name])
        if old is not None and new is not None
    ]
    return Comparison(
        a=a,
        b=b,
        differences=tuple(found),
        still=tuple((name, new.name) for name, old, new in pairs if _red(old) and _red(new)),
        same=sum(old.verdict is new.verdict is Verdict.PASSED for _, old, new in pairs),
    )


def _exact(a: Night, b: Night) -> bool:
    """Whether the same requests met the same machine: nothing but the target can differ."""
    return a.engine == b.engine and a.engine in ("sim", "prediction") and a.seed == b.seed


def _scenario(old: Scenario | None, new: Scenario | None, *, exact: bool) -> Iterator[Difference]:
    if old is None or new is None:
        present = old or new
        assert present is not None
        yield Difference(
            sort=Sort.NEW if old is None else Sort.GONE,
            scenario=present.name,
            expectation=None,
            before=None if old is None else _words(old.verdict),
            after=None if new is None else _words(new.verdict),
            weight=0 if present.verdict is Verdict.FAILED else 1,
            file=present.file,
        )
        return
    if Verdict.OUT_OF_SCOPE in (old.verdict, new.verdict) and old.verdict is not new.verdict:
        yield _in_or_out_of_scope(old, new)
        if new.verdict is Verdict.OUT_OF_SCOPE:
            return
    for before, after in _pairs(old, new):
        yield from _expectation(before, after, old, new)
    if old.measured and new.measured:
        yield from _figures(old, new, exact=exact)


def _in_or_out_of_scope(old: Scenario, new: Scenario) -> Difference:
    return Difference(
        sort=Sort.GONE if new.verdict is Verdict.OUT_OF_SCOPE else Sort.NEW,
        scenario=new.name,
        expectation=None,
        before=_words(old.verdict),
        after=_words(new.verdict),
        weight=1,
        file=new.file,
    )


# Verdicts


def _pairs(old: Scenario, new: Scenario) -> Iterator[tuple[Expectation | None, Expectation | None]]:
    before, after = old.judgements, new.judgements
    for name in dict.fromkeys((*after, *before)):
        yield before.get(name), after.get(name)


def _expectation(
    before: Expectation | None, after: Expectation | None, old: Scenario, new: Scenario
) -> Iterator[Difference]:
    sort = _sort(before, after, old, new)
    either = after or before
    if sort is None or either is None:
        return
    lost = after is not None and after.verdict is Verdict.INCONCLUSIVE
    yield Difference(
        sort=sort,
        scenario=new.name,
        expectation=either.name,
        before=None if before is None else _state(before),
        after=None if after is None else _state(after),
        weight=5 if lost else 0,
        observed="" if after is None else after.observed,
        file=either.file or new.file,
        line=either.line,
    )


def _sort(
    before: Expectation | None, after: Expectation | None, old: Scenario, new: Scenario
) -> Sort | None:
    """Which way it changed; None where it didn't, or nothing can be said."""
    if after is None:
        return Sort.GONE if before and before.line and new.judged else None
    if before is None:
        if after.line:
            return Sort.NEW if old.judged else _after_nothing(after, old)
        return Sort.WORSE if _red(after) and old.verdict is Verdict.PASSED else _unclear(after)
    if _state(before) == _state(after):
        return None
    if _red(after):
        return Sort.WORSE
    match after.verdict:
        case Verdict.INCONCLUSIVE:
            lost = before.verdict is Verdict.PASSED and not after.noise
            return Sort.WORSE if lost else Sort.UNCLEAR
        case Verdict.OUT_OF_SCOPE:
            return Sort.GONE
        case Verdict.FAILED:  # and known
            return Sort.CHANGED
    return Sort.NEW if before.verdict is Verdict.OUT_OF_SCOPE else Sort.BETTER


def _after_nothing(after: Expectation, old: Scenario) -> Sort | None:
    """The run before proved nothing of the scenario, or was none: a prediction has no verdicts."""
    if _red(after):
        return Sort.WORSE
    return Sort.BETTER if after.verdict is Verdict.PASSED and old.verdict is not None else None


def _unclear(after: Expectation) -> Sort | None:
    """Something of the run itself, which is named only where it is the matter."""
    if after.verdict is not Verdict.INCONCLUSIVE:
        return None
    return Sort.UNCLEAR if after.noise else Sort.WORSE


def _red(each: Expectation) -> bool:
    return each.verdict is Verdict.FAILED and each.known is None


def _state(each: Expectation) -> str:
    known = each.known is not None and each.verdict is Verdict.FAILED
    return f"{_words(each.verdict)}{' (known)' if known else ''}"


def _words(verdict: Verdict | None) -> str:
    return "predicted" if verdict is None else verdict.value.replace("_", " ")


# Figures


def _figures(old: Scenario, new: Scenario, *, exact: bool) -> Iterator[Difference]:
    told = old.verdict is not Verdict.FAILED
    for found in figures(old, new, exact=exact):
        worth = Sort.CHANGED if found.sort in (Sort.WORSE, Sort.BETTER) and not told else found.sort
        yield Difference(
            sort=worth,
            scenario=new.name,
            expectation=found.name,
            before=found.before,
            after=found.after,
            weight=found.weight,
            file=new.file,
        )
