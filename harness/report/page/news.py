"""What is new since the run before: by its `results.json`, which any version may have written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.frozen import Frozen
from harness.verdict import Judgement, Verdict

_WRONG = (Verdict.FAILED, Verdict.INCONCLUSIVE)


class News(Frozen, kw_only=True):
    """One scenario that ends otherwise than in the run before."""

    judgement: Judgement
    was: str | None
    """The verdict before; None for one that was not there."""
    findings: tuple[str, ...] = ()
    """The names of what fails now and held before."""

    @property
    def worse(self) -> bool:
        """Whether it fails now, and didn't."""
        return self.judgement.verdict is Verdict.FAILED


class Before:
    """The run before, as far as its results can be used."""

    def __init__(self, results: Mapping[str, Any], now: str | None = None) -> None:
        """`now`: when this run began; results that say the same are of this very run."""
        own = now is not None and results.get("began") == now
        listed = None if own else results.get("scenarios")
        self._by_name: dict[str, dict[str, Any]] = {
            entry["name"]: entry
            for entry in (listed if isinstance(listed, list) else ())
            if isinstance(entry, dict) and isinstance(entry.get("name"), str) and _played(entry)
        }
        began = results.get("began")
        self.began = began if isinstance(began, str) else ""
        """When it began, in UTC; empty where it doesn't say."""

    def __bool__(self) -> bool:
        """Whether it tells of any scenario that was played."""
        return bool(self._by_name)

    def news(self, judgements: tuple[Judgement, ...]) -> tuple[News, ...]:
        """What ends otherwise now, the worse first; nothing without a run before."""
        if not self:
            return ()
        found = [news for each in judgements if (news := self._of(each)) is not None]
        return tuple(sorted(found, key=lambda news: not news.worse))

    def _of(self, now: Judgement) -> News | None:
        before = self._by_name.get(now.name)
        if before is None:
            return News(judgement=now, was=None)
        was = str(before.get("verdict"))
        held = {name for name, verdict in _findings(before) if verdict == Verdict.PASSED}
        fails = tuple(
            f.name for f in now.all_findings if f.verdict is Verdict.FAILED and f.name in held
        )
        if was == now.verdict and not fails:
            return None
        return News(judgement=now, was=was.replace("_", " "), findings=fails)


def _played(entry: Mapping[str, Any]) -> bool:
    """Whether it was: what an unfinished run lists says nothing."""
    return not any(
        observed == "not played" for observed in (each.get("observed") for each in _listed(entry))
    )


def _listed(entry: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for key in ("expectations", "promises"):
        found = entry.get(key)
        for each in found if isinstance(found, list) else ():
            if isinstance(each, dict):
                yield each


def _findings(entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for each in _listed(entry):
        yield str(each.get("name")), str(each.get("verdict"))
