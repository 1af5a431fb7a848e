"""No attempt is given up before its deadline, as far as somebody waits for it."""

from __future__ import annotations

import pytest

from harness.history.events import Crossed
from harness.judge import judge_case
from harness.verdict import Verdict

_SILENT = """
faults: [{upstream: auth, fault: blackhole, to: 30s}]
expect: [{traffic: chat, status: [200, 401]}]
"""


def given_up_early(world, path: str):
    """Auth is silent; a call there is given up after a second, while a chat waits for its own."""
    shown = world().warmed_up().fault("blackhole", "auth", 0.0, 30.0)
    shown.request("chat", 1, 1.0, 401, took_s=11.0)
    for connection, asked, at_s, end_s in (
        (91, "/verify_token", 1.001, 6.001),
        (92, path, 2.0, 3.0),
        (93, "/verify_token", 7.001, 12.0),
    ):
        method = "POST" if asked == "/verify_token" else "GET"
        auth = {"by": "proxy", "upstream": "auth", "connection": connection}
        shown.events += [
            Crossed(at_s=at_s, what="accepted", **auth),
            Crossed(at_s=at_s, what="request", method=method, path=asked, **auth),
            Crossed(at_s=end_s, what="closed", closed_by="client", **auth),
        ]
    shown.request("chat", 2, 2.0, 401, took_s=1.001)
    return shown


@pytest.mark.parametrize(("path", "broken"), [("/verify_token", ["B8"]), ("/health", [])])
def test_a_request_gives_its_attempt_the_whole_deadline(case, world, path, broken) -> None:
    """A health check has a deadline of its own: a sound gateway was failed for one."""
    judged = judge_case(case(_SILENT, given_up_early(world, path)))
    found = [one for one in judged.promises if one.name.startswith("the whole deadline")]
    assert [claim for one in found for claim in one.claims] == broken
    assert all(one.verdict is Verdict.FAILED for one in found)
