"""Two runs compared, for a person, a program, and a pull request: what got worse comes first."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from rich.text import Text

from harness.compare.changes import Comparison
from harness.compare.difference import Difference, Sort
from harness.compare.night import Night
from harness.printable import in_line
from harness.report.escaping import markdown
from harness.report.secrets import clean
from harness.units import plural

Alike = tuple[list[str], Sequence[Difference]]
"""Some scenarios, and what is to be said of each."""
_HEADS = {
    Sort.WORSE: ("worse", "✗", "bold red", "❌"),
    Sort.BETTER: ("better", "✓", "green", "✅"),
    Sort.NEW: ("new", "+", "cyan", "🆕"),
    Sort.GONE: ("gone", "-", "yellow", "➖"),
    Sort.CHANGED: ("changed", "~", "dim", "🔀"),
    Sort.UNCLEAR: ("unclear", "?", "yellow", "❔"),
}
_MOST_A_SCENARIO = 8
_MOST_NAMES = 3
_MOST_ROWS = 60


def summary(comparison: Comparison) -> str:
    """`2 worse (mail_down), 1 better (auth_slow), 3 still failing (...); 1,004 held in both`."""
    of = {sort.value: [each.scenario for each in comparison.of(sort)] for sort in Sort}
    of["still failing"] = [scenario for scenario, _ in comparison.still]
    line = ", ".join(
        f"{len(found)} {sort} ({_named(found)})" for sort, found in of.items() if found
    )
    return f"{line or 'nothing changed'}; {plural(comparison.same, 'expectation')} held in both"


def _named(scenarios: Sequence[str]) -> str:
    """Which they are, the first few."""
    names = list(dict.fromkeys(map(in_line, scenarios)))
    left = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {left} more" if left > 0 else "")


def comparison_text(comparison: Comparison) -> Iterator[Text]:
    """For a terminal: what it comes to, then by sort and scenario, the worst first."""
    yield Text(summary(comparison), "bold red" if comparison.of(Sort.WORSE) else "bold green")
    yield Text(f"{titled(comparison.a)}  →  {titled(comparison.b)}", "dim")
    for sort, (head, mark, style, _) in _HEADS.items():
        found = comparison.of(sort)
        if not found:
            continue
        yield Text(f"{head} ({len(found)})", style)
        for names, of_each in _alike(by_scenario(found)):
            yield from _block(names, of_each, mark, style)


def _alike(found: Iterable[tuple[str, Sequence[Difference]]]) -> Iterator[Alike]:
    """Scenarios of which the same is to be said, together: one cause is told once."""
    together: dict[tuple[object, ...], list[tuple[str, Sequence[Difference]]]] = defaultdict(list)
    for name, of_one in found:
        said = tuple((one.expectation, one.before, one.after, one.observed) for one in of_one)
        together[said].append((name, of_one))
    for group in together.values():
        yield [name for name, _ in group], group[0][1]


def _block(
    names: Sequence[str], found: Sequence[Difference], mark: str, style: str
) -> Iterator[Text]:
    whole = [each for each in found if each.expectation is None]
    head = Text(f"  {mark} ", style).append(_named(names), "bold")
    if whole:
        head.append(f"  {_step(whole[0])}")
    yield head
    parts = [each for each in found if each.expectation is not None]
    for each in parts[:_MOST_A_SCENARIO]:
        yield Text(f"      {in_line(clean(each.expectation or ''))}: ").append(_step(each), style)
        if each.observed and each.sort in (Sort.WORSE, Sort.UNCLEAR):
            yield Text(f"        {_flat(each.observed)}", "dim")
    if len(parts) > _MOST_A_SCENARIO:
        yield Text(f"      and {len(parts) - _MOST_A_SCENARIO} more", "dim")


def by_scenario(found: Sequence[Difference]) -> list[tuple[str, list[Difference]]]:
    """By scenario, in the order of each one's worst."""
    order = {name: place for place, name in enumerate(dict.fromkeys(d.scenario for d in found))}
    ordered = sorted(found, key=lambda each: order[each.scenario])
    return [(name, list(group)) for name, group in groupby(ordered, lambda each: each.scenario)]


def _step(each: Difference) -> str:
    """`passed → failed`."""
    before, after = each.before or "not there", each.after or "not there"
    return f"{before} → {after}"


def titled(night: Night) -> str:
    """`out/mon (2026-11-26T02:17:00Z, my-gateway at 1a2b3c4, local)`."""
    at = f" at {night.target_commit[:12]}" if night.target_commit else ""
    made = [night.began or "", f"{night.target}{at}", night.engine]
    return in_line(clean(f"{night.place} ({', '.join(each for each in made if each)})"))


def _flat(text: str) -> str:
    return in_line(" ".join(clean(text).split()))


# For programs


def comparison_json(comparison: Comparison) -> str:
    """`{"worse": [...], "better": [...], "new": [...], "gone": [...], ...}`."""
    found: dict[str, Any] = {
        sort.value: [_difference(each) for each in comparison.of(sort)] for sort in Sort
    }
    found["still_failing"] = [
        {"scenario": scenario, "expectation": name} for scenario, name in comparison.still
    ]
    found["held_in_both"] = comparison.same
    found["a"], found["b"] = _night(comparison.a), _night(comparison.b)
    return json.dumps(found, indent=2, ensure_ascii=False)


def _difference(each: Difference) -> dict[str, Any]:
    return {
        "scenario": each.scenario,
        "expectation": each.expectation,
        "before": each.before,
        "after": each.after,
        "observed": clean(each.observed),
        "file": each.file,
        "line": each.line,
    }


def _night(night: Night) -> dict[str, Any]:
    return {
        "place": night.place,
        "began": night.began,
        "target": night.target,
        "target_commit": night.target_commit,
        "engine": night.engine,
        "seed": night.seed,
    }


# For a pull request


def comparison_markdown(comparison: Comparison) -> str:
    """A heading that says it, a table of what matters, the rest folded away."""
    worse = comparison.of(Sort.WORSE)
    mark = "❌" if worse else "✅"
    lines = [
        f"### {mark} Outages compared: {markdown(summary(comparison))}",
        "",
        f"{markdown(titled(comparison.a))} → {markdown(titled(comparison.b))}",
    ]
    for sort, (head, _, _, icon) in _HEADS.items():
        found = comparison.of(sort)
        if not found:
            continue
        title = f"{icon} {head} ({len(found)})"
        folded = sort is not Sort.WORSE
        lines += ["", f"<details><summary>{title}</summary>" if folded else f"**{title}**", ""]
        lines += _table(found)
        lines += ["", "</details>"] if folded else []
    if comparison.still:
        lines += ["", f"{plural(len(comparison.still), 'expectation')} failed before and still do."]
    return "\n".join(lines) + "\n"


def _table(found: Sequence[Difference]) -> Iterator[str]:
    yield "| scenario | what | before | after |"
    yield "|---|---|---|---|"
    rows = list(_alike((each.scenario, [each]) for each in found))
    for names, (each,) in rows[:_MOST_ROWS]:
        after = markdown(each.after or "–")
        if each.observed and each.sort is Sort.WORSE:
            after += f"<br>{markdown(each.observed)}"
        what = markdown(each.expectation or "the scenario")
        yield f"| {markdown(_named(names))} | {what} | {markdown(each.before or '–')} | {after} |"
    if len(rows) > _MOST_ROWS:
        yield f"| | *and {len(rows) - _MOST_ROWS} more* | | |"
