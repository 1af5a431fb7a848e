"""Parts of a run for several machines, and what must be true of parts that are put together again.

No scheduler is needed: each machine works out from all scenarios which are its own, and a report
says which part it is of, so that one that is missing is noticed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from harness.errors import UsageError
from harness.frozen import Frozen
from harness.scenario.model import Scenario


class Shard(Frozen, order=True):
    """Part `number` (from 1) of `count`."""

    count: int
    number: int

    def __str__(self) -> str:
        """As on the command line: `2/5`."""
        return f"{self.number}/{self.count}"

    def part(self, scenarios: Sequence[Scenario]) -> tuple[Scenario, ...]:
        """The scenarios of this part, in the order given.

        The longest are dealt first, each to the part that has least to play, and equals by name: so
        the parts take about as long, and the order of arguments on a machine changes nothing.

        Raises: UsageError when there are not enough for every part to have one.
        """
        if len(scenarios) < self.count:
            raise UsageError(
                f"--shard {self}: {len(scenarios)} scenarios can't make {self.count} parts; "
                "each needs at least one"
            )
        load_s = [0.0] * self.count
        mine = set()
        for scenario in sorted(scenarios, key=lambda each: (-each.duration, each.name, each.file)):
            least = load_s.index(min(load_s))
            load_s[least] += scenario.duration
            if least == self.number - 1:
                mine.add(scenario.name)
        return tuple(scenario for scenario in scenarios if scenario.name in mine)


def shard_of(text: str) -> Shard:
    """The shard that is written so. Raises: ValueError that says what was expected."""
    found = re.fullmatch(r"(\d{1,4})/(\d{1,4})", text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise ValueError(f"expected N/OF, such as 2/5 for the second of five parts; got {text!r}")
    return Shard(number=int(found[1]), count=int(found[2]))


def check_parts(parts: Mapping[str, str | None]) -> None:
    """See that reports (by folder, each with the shard it says it is) are all of one run's parts.

    Raises: UsageError that names what is missing or there twice.
    """
    told = {folder: shard_of(text) for folder, text in parts.items() if text is not None}
    if not told:
        return
    if strangers := sorted(set(parts) - set(told)):
        raise UsageError(f"{', '.join(strangers)} is of a whole run, the others are parts of one")
    counts = {shard.count for shard in told.values()}
    if len(counts) > 1:
        raise UsageError(f"parts of different runs: {', '.join(map(str, sorted(told.values())))}")
    (count,) = counts
    numbers = [shard.number for shard in told.values()]
    if twice := sorted({number for number in numbers if numbers.count(number) > 1}):
        raise UsageError(f"part {twice[0]}/{count} is there twice")
    if missing := sorted(set(range(1, count + 1)) - set(numbers)):
        which = ", ".join(f"{number}/{count}" for number in missing)
        raise UsageError(f"{which} is missing: what it should have played would be forgotten")
