"""The system under test, as a target file describes it."""

from harness.target.model import KnownEntry, Start, Status, Target

__all__ = ["KnownEntry", "Start", "Status", "Target"]
