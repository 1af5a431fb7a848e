"""The page of two runs: what got worse first, and each scenario before and after on one axis."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from harness.compare.changes import Comparison
from harness.compare.difference import Difference, Sort
from harness.frozen import Frozen
from harness.report.comparison import by_scenario, summary, titled
from harness.report.outcome import Played, Shown
from harness.report.page import assets
from harness.report.page.columns import told
from harness.report.page.render import environment, packed, scene_of
from harness.report.page.thinning import thinned

_TEMPLATE = "pair.html.j2"
_VERDICT = {
    Sort.WORSE: "failed",
    Sort.BETTER: "passed",
    Sort.UNCLEAR: "inconclusive",
}
"""What a sort is coloured like."""


class _Part(Frozen, kw_only=True):
    """Differences of one sort, by scenario, the worst first."""

    sort: Sort
    verdict: str
    count: int
    scenarios: tuple[tuple[str, tuple[Difference, ...]], ...]


def comparison_html(
    comparison: Comparison, before: Mapping[str, Played], after: Mapping[str, Played]
) -> str:
    """The text of the page; `before` and `after`: plays by scenario, as far as they are there."""
    sides = {"a": before, "b": after}
    drawn = [(side, name, each) for side, of in sides.items() for name, each in of.items()]
    plays = [(each.scene, each.judgement) for _, _, each in drawn if each.scene is not None]
    kept = iter(thinned(plays))
    scenes = [
        (
            f"{side}/{name}",
            Markup(packed(scene_of(_shown(each), next(kept) if each.scene is not None else None))),
        )
        for side, name, each in drawn
    ]
    names = list(dict.fromkeys((*comparison.b.by_name, *comparison.a.by_name)))
    differences = {name: _told(name, comparison) for name in names}
    return environment().get_template(_TEMPLATE).render(
        headline=_headline(comparison),
        worse=bool(comparison.of(Sort.WORSE)),
        summary=summary(comparison),
        before=titled(comparison.a),
        after=titled(comparison.b),
        parts=tuple(_part(sort, comparison) for sort in Sort if comparison.of(sort)),
        still=comparison.still,
        names=names,
        drawn=before.keys() | after.keys(),
        scenes=[*scenes, ("differences", Markup(packed(differences)))],
        policy=Markup(assets.policy("pair")),
        script=Markup(assets.script("pair")),
        style=Markup(assets.style()),
    )  # fmt: skip


def _shown(play: Played) -> Shown:
    return Shown(judgement=play.judgement, scene=play.scene)


def _headline(comparison: Comparison) -> str:
    worse, better = len(comparison.of(Sort.WORSE)), len(comparison.of(Sort.BETTER))
    if worse:
        return f"{worse} worse" + (f", {better} better" if better else "")
    return f"{better} better, nothing worse" if better else "Nothing got worse"


def _part(sort: Sort, comparison: Comparison) -> _Part:
    found = comparison.of(sort)
    return _Part(
        sort=sort,
        verdict=_VERDICT.get(sort, "out_of_scope"),
        count=len(found),
        scenarios=tuple((name, tuple(of)) for name, of in by_scenario(found)),
    )


def _told(name: str, comparison: Comparison) -> list[list[str]]:
    """A scenario's differences as the page's script shows them."""
    found = [each for each in comparison.differences if each.scenario == name]
    still = (what for scenario, what in comparison.still if scenario == name)
    return [
        *(
            [
                each.sort.value,
                told(each.expectation or "the scenario"),
                told(each.before or "not there"),
                told(each.after or "not there"),
                told(each.observed),
            ]
            for each in found
        ),
        *(["still", told(what), "failed", "failed", ""] for what in still),
    ]
