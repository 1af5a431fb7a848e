"""Finds HTTP calls that bypass the resilient client, by reading code as Python reads it (G10).

audit(path)       findings of the rules direct-call, no-timeout and unguarded-call
sources           which files, parsed
resolution        what an expression stands for: aliases, attributes, partials, returns
catalogue         which of these are HTTP calls, and whether a timeout was given
clients           which classes are resilient clients, and so may call directly
direct, guards    the rules
"""

from harness.audit.findings import RULES, Finding
from harness.audit.inspection import Report, audit

__all__ = ["RULES", "Finding", "Report", "audit"]
