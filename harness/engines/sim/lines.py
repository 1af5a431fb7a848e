"""Line events of the target's own code as switch points: finds races without a lock or a clock."""

from __future__ import annotations

from types import FrameType
from typing import Any

from .patches.chance import RealRandom
from .scheduler import KERNEL

PROBABILITY = 0.05


def trace_lines(root: str, seed: int) -> None:
    """Make every line of code below `root` a switch point, in this and all later tasks."""
    stream = RealRandom(seed ^ 0x11)
    prefix = root + "/"

    def trace(frame: FrameType, event: str, arg: Any) -> Any:
        file = frame.f_code.co_filename
        return local if file.startswith(prefix) and "/site-packages/" not in file else None

    def local(frame: FrameType, event: str, arg: Any) -> Any:
        task = KERNEL.current
        if event == "line" and task is not None and stream.random() < PROBABILITY:
            if task.dithers and stream.random() < 0.1:
                task.dithers -= 1
                KERNEL.sleep(stream.random() * 0.005)
            else:
                KERNEL.sleep(0)
        return local

    KERNEL.trace = trace
