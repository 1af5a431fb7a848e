"""One judged play as a person would look at it: what lies on its timeline, typed, not drawn yet.

    observe(case, judgement)   a Scene, worked out from what the judge already knows

Everything that is shown of a play, in HTML or in text, is drawn from its scene: faults, breakers
with their bounds, requests, attempts, charges, log lines, and how late the machine was.
"""

from harness.report.scene.model import (
    Band,
    BreakerView,
    Scene,
    Spell,
    Try,
    UpstreamView,
    Veil,
)
from harness.report.scene.observe import judge_and_observe, observe

__all__ = [
    "Band",
    "BreakerView",
    "Scene",
    "Spell",
    "Try",
    "UpstreamView",
    "Veil",
    "judge_and_observe",
    "observe",
]
