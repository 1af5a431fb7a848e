"""The reference gateway with settings of its own, and a target file that says so truthfully."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from harness.target import Target
from tests.defects.playing import reference, sound

Numbers = tuple[int, float, int, float]
"""Of one upstream: attempts, timeout_s, threshold, wait_s."""

_KEYS = ("ATTEMPTS", "TIMEOUT_S", "THRESHOLD", "WAIT_S")


class Settings:
    """Numbers by upstream, and whether a call counts once; what isn't named is as documented."""

    def __init__(self, numbers: Mapping[str, Numbers], *, by_call: bool = False) -> None:
        self.numbers = dict(numbers)
        self.by_call = by_call

    @property
    def environ(self) -> dict[str, str]:
        """As the gateway is told (gateway/settings.py)."""
        told = {"GATEWAY_PROFILE": "per_call"} if self.by_call else {}
        for name, numbers in self.numbers.items():
            prefix = name.upper()
            told |= {f"{prefix}_{k}": f"{v:g}" for k, v in zip(_KEYS, numbers, strict=True)}
        return told

    @property
    def breakers(self) -> dict[str, dict[str, float | str]]:
        """As a target says it (`breakers:`); durations are seconds."""
        names = sound().upstream_names if self.by_call else self.numbers
        by: dict[str, float | str] = {"by": "call"} if self.by_call else {}
        keys = ("attempts", "timeout", "threshold", "wait")
        return {
            name: by | dict(zip(keys, self.numbers.get(name, ()), strict=False)) for name in names
        }

    @property
    def target(self) -> Target:
        """The reference with these settings, declared as they are."""
        return reference(self.environ, self.breakers)


def drawn_settings(draw: Random) -> Settings:
    """Of some upstreams, or of none."""
    names = sound().upstream_names
    chosen = [name for name in names if draw.random() < 0.6] if draw.random() < 0.8 else []
    numbers = {
        name: (
            draw.choice((1, 1, 2, 2, 3, 4)),
            draw.choice((0.5, 1.0, 2.0, 3.0, 5.0, 7.5, 15.0, 30.0)),
            draw.choice((1, 2, 3, 5, 7, 10)),
            draw.choice((2.0, 3.0, 5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0)),
        )
        for name in chosen
    }
    return Settings(numbers, by_call=draw.random() < 0.25)
