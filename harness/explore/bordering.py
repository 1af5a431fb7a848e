"""The outages with which explorations begin, as scenario files to keep: `outage new --border`."""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

from harness.explore.finding import Plain
from harness.explore.openings import PLOTS, plotted
from harness.explore.surface import Route
from harness.scenario.template import sample_of
from harness.target import Target

_HEAD = "# It is judged by what is promised in every run; say more under `expect:`.\n"


def border_files(target: Target, upstream: str) -> Iterator[tuple[str, str]]:
    """File names and texts of scenarios around what a target's policy at an upstream promises.

    Raises: UsageError where no request is known that calls the upstream.
    """
    name, sample = sample_of(target, upstream)
    route = Route(name=name, raw=sample.raw, healthy=sample.healthy)
    own = target.settings(upstream)
    for words in PLOTS:
        outages = list(plotted(words, route, upstream, own))
        for number, outage in enumerate(outages, 1):
            of_several = f" {number}" if len(outages) > 1 else ""
            title = f"{upstream}: {words}{of_several}"
            raw = outage.as_raw(title=title)
            body = yaml.dump(raw, Dumper=Plain, sort_keys=False, allow_unicode=True, width=100)
            says = f"# Made by `outage new --border` for {upstream}, which {own.breaker.says}.\n"
            yield f"{_slug(title)}.yaml", f"{says}{_HEAD}{body}"


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")
