"""Faults of processes: an upstream's is killed, stopped, started again; the target's clock."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from harness.scenario.faults.base import FaultBase
from harness.scenario.faults.row import kind
from harness.scenario.fields import Step


@kind(
    "process",
    process=("kill", "disable"),
    takes="call",
    running="cut",
    new="at once",
    cuts=True,
    spoils=True,
    hides="everything",
    draws={"quick": ({},)},
)
class Kill(FaultBase):
    """The service's process is killed; its port refuses; on lifting it is started again."""

    fault: Literal["kill"]


@kind(
    "process",
    process=("pause",),
    takes="call",
    running="late",
    new="late",
    lift="delivers",
    cuts=True,
    spoils=True,
    hides="stub",
    draws={"silent": ({},)},
)
class Pause(FaultBase):
    """The service's process is stopped (SIGSTOP, docker pause); on lifting it goes on."""

    fault: Literal["pause"]


@kind("process", process=("kill", "revive"), running="cut", cuts=True, hides="stub")
class Restart(FaultBase):
    """The service's process is stopped and started at once; connections to it are gone."""

    fault: Literal["restart"]


@kind(
    "process",
    takes="call",
    running="silent",
    new="at once",
    cuts=True,
    spoils=True,
    hides="stub",
    engines=("compose",),
)
class Disconnect(FaultBase):
    """The service's container leaves the network; on lifting it is back."""

    fault: Literal["disconnect"]


def _no_upstream(value: object) -> tuple[()]:
    if value != ():
        raise ValueError("the target's own clock is stepped, no upstream's; drop `upstream`")
    return ()


@kind("target", opens=False, engines=("sim",), example={"by": "-1h"})
class ClockStep(FaultBase):
    """The target's wall clock is stepped, its monotonic clock isn't; lifting steps it back."""

    fault: Literal["clock_step"]
    upstream: Annotated[tuple[()], BeforeValidator(_no_upstream)] = Field(
        (), exclude=True, description="not to be said: it is the target's own clock"
    )
    by: Step = Field(description="how far, and whether back (-1h) or forth (+90s)")

    @property
    def clock_step_s(self) -> float:
        """As far as the file says."""
        return self.by
