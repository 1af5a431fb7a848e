"""The system under test, as a target file describes it."""

from harness.target.model import Target
from harness.target.parts import KnownEntry, Start, Status

__all__ = ["KnownEntry", "Start", "Status", "Target"]
