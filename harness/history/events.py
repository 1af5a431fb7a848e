"""The facts of a run. Each says when (`at_s`, seconds since 0s, monotonic) and who saw it (`by`).

Facts from before the outage have negative instants. A history is a sequence of these, append-only,
one JSON object a line; `kind` names the class. Nothing here is a judgement.

Every number is exact to the microsecond from the start, so that a history read back from its file
says of each window what it said in the run.
"""

from __future__ import annotations

from typing import Any, ClassVar

from msgspec import field
from msgspec.structs import force_setattr

from harness.frozen import Frozen
from harness.history.headers import Pairs, value_of
from harness.history.values import members
from harness.policy.settings import SettingsJson


class Event(Frozen, kw_only=True):
    """Base of all facts."""

    kind: ClassVar[str]
    at_s: float
    by: str
    """`engine`, `client`, `proxy`, `stub`, `target`."""

    def __post_init__(self) -> None:
        """Round what arithmetic on clocks has left behind the sixth digit."""
        for name in _ROUNDED[type(self)]:
            force_setattr(self, name, round(getattr(self, name), 6))


class Run(Event, kw_only=True):
    """What was played, where, and with what: the first event of a history."""

    kind: ClassVar[str] = "run"
    scenario: str
    file: str
    engine: str
    proxy: str
    """`embedded`, `toxiproxy 2.12.0`, `simulated`."""
    target: str
    seed: int
    upstreams: tuple[str, ...]
    """Upstreams that the target declares; the others are out of its scope."""
    without: tuple[str, ...] = ()
    """Claims that the target doesn't promise."""
    background: tuple[str, ...] = ()
    """Calls that the target makes by itself, as declared: `mail GET /health`."""
    tcp: tuple[str, ...] = ()
    """Upstreams that are declared not to speak HTTP (`protocol: tcp`)."""
    real: tuple[str, ...] = ()
    """Upstreams that are services of one's own: no stub tells of their calls."""
    tls: tuple[str, ...] = ()
    """Upstreams whose stubs speak TLS: their proxy sees connections, and can't read requests."""
    contract: str = ""
    """The text of the contract file that the target names; empty for the bundled contract."""
    settings: dict[str, SettingsJson] = field(default_factory=dict)
    """Settings of the target by upstream: attempts, timeout_s, threshold, wait_s, backoffs_s."""
    evidence: tuple[str, ...] = ()
    """What this run can see, of: `stub`, `proxy requests`, `proxy connections`, `refused connects`,
    `status`, `log` (lines for which the target has patterns), `output` (all of its lines)."""
    marks: tuple[str, ...] = ()
    """The marks for which the target has log patterns."""
    stub_routes: tuple[str, ...] = ()
    """Routes that the target file adds to stubs: `stock GET /price/*`."""
    versions: dict[str, str] = field(default_factory=dict)
    clock_error_s: float = 0.0
    """How far the clocks of other machines may be off."""
    run: str = ""
    """The name of the run, as its results have it; an older history has none."""


class Phase(Event, kw_only=True):
    """The run enters a phase: `warm-up`, `play` (at 0s), `end`."""

    kind: ClassVar[str] = "phase"
    phase: str


class Sent(Event, kw_only=True):
    """A request left; `at_s` is when it really did, `planned_s` when it should have."""

    kind: ClassVar[str] = "sent"
    id: int
    stream: str
    number: int
    """From 1 in its stream; 0 for warm-up requests."""
    planned_s: float
    method: str
    path: str
    user: str | None = None
    client: str = ""
    """The client's address."""
    trace: str = ""
    """The trace that it begins (`traceparent`); empty where none was sent, or its author's own."""
    tried: int = 1
    """Which try of its client this is, from 1."""


class Answered(Event, kw_only=True):
    """The answer to a request came in whole, or it failed (`status` None, `error` says how)."""

    kind: ClassVar[str] = "answered"
    id: int
    status: int | None
    error: str | None = None
    headers: Pairs = ()
    """Lower-case names, each field as it came; secrets are redacted before they get here."""
    body: Any = None
    """The parsed JSON, or the first 500 characters of anything else."""

    def header(self, name: str) -> str | None:
        """A header's value (`name` in lower case), of several joined by commas; None without."""
        return value_of(self.headers, name)


class HungUp(Event, kw_only=True):
    """A client had waited long enough, and closed its connection: it hears of no answer."""

    kind: ClassVar[str] = "hung_up"
    id: int


class Called(Event, kw_only=True):
    """A call reached a stub, whole."""

    kind: ClassVar[str] = "called"
    upstream: str
    id: int
    route: str
    path: str
    of: str
    """What is attempted: equal for attempts of the same call."""
    attempt: int
    """Which attempt of `of` this is, from 1."""
    met: tuple[str, ...] | None = None
    """Ids of the stub's behaviours that change what becomes of it: `f0` plays the scenario's first
    fault. None where the stub doesn't say."""
    trace: str = ""
    """The trace that it belongs to, where the target passes on which (`Sent.trace`)."""


class Replied(Event, kw_only=True):
    """A stub is done with a call."""

    kind: ClassVar[str] = "replied"
    upstream: str
    id: int
    status: int | None
    outcome: str
    """`sent`, `truncated`, `lost`, or `left` (the client went first)."""


class Charged(Event, kw_only=True):
    """Billing's ledger changed, or a duplicate was refused."""

    kind: ClassVar[str] = "charged"
    job_id: str
    user_id: str
    cost: float
    duplicate: bool


class Crossed(Event, kw_only=True):
    """Something crossed a proxy.

    `what`: `accepted` (a connection), `request` (its first bytes), `response` (first bytes of an
    answer, with `status`), `closed` (`closed_by` client, upstream or proxy); `refused` and
    `unanswered` (a connect in vain, where that can be seen). What isn't HTTP has requests without
    method and path, and answers with the status 0.
    """

    kind: ClassVar[str] = "crossed"
    upstream: str
    connection: int
    what: str
    method: str | None = None
    path: str | None = None
    status: int | None = None
    closed_by: str | None = None


class Applied(Event, kw_only=True):
    """A fault is in force, confirmed; `planned_s` says when it should have been."""

    kind: ClassVar[str] = "applied"
    fault: int
    name: str
    upstreams: tuple[str, ...]
    planned_s: float


class Lifted(Event, kw_only=True):
    """A fault is gone, confirmed; `escalated` names what it took beyond the plain way."""

    kind: ClassVar[str] = "lifted"
    fault: int
    name: str
    upstreams: tuple[str, ...]
    planned_s: float
    escalated: str | None = None


class Triggered(Event, kw_only=True):
    """The event after which a fault begins (`after`) has come; `at_s` is when it was known."""

    kind: ClassVar[str] = "triggered"
    fault: int
    after: str
    """The event, in words: `mail's breaker is open`."""
    known_by: str
    """By what: `the target's status endpoint`, `the target's log`, `what crossed the proxy`, `calls
    at the stub`."""


class Reported(Event, kw_only=True):
    """The target's status endpoint showed a state for an upstream (only changes are recorded)."""

    kind: ClassVar[str] = "reported"
    upstream: str
    state: str
    since_s: float
    """The last look that still showed another state: the change lies between it and `at_s`."""
    once: bool = False
    """Whether this is one of a few looks, between which nobody looked: then all are recorded, and
    `since_s` is when this one was asked."""
    failure_count: int | None = None


class Looked(Event, kw_only=True):
    """The harness asked the target something of its own: only what differs from last time."""

    kind: ClassVar[str] = "looked"
    what: str
    """`ready` (once it is taken for ready) or `status` (the states of its breakers)."""
    request: str
    """`GET /health`."""
    status: int | None
    """None for no HTTP answer."""
    missing: tuple[str, ...] = ()
    """Upstreams of which the status answer shows no state where the target file says."""


class Logged(Event, kw_only=True):
    """A line of output of the target or a container."""

    kind: ClassVar[str] = "logged"
    source: str
    line: str
    marks: tuple[str, ...] = ()
    """What it stands for: the patterns of the target file's `log:` that it matches."""
    upstream: str | None = None
    """The upstream that such a pattern found in it."""


LOOP_PASSES = 7
"""Turns of the harness's loop that a request takes, one after another: its connection is there, is
taken up twice, is written to; an answer's head comes, its rest, and whoever asked is told."""


class Waited(Event, kw_only=True):
    """The machine kept a part of the run waiting between `since_s` and `at_s`, `wait_s` in all.

    A fact about the machine, told where there was a wait worth telling. The waits of a process's
    threads are added up, so `wait_s` is the most that any work of it can have been delayed.
    """

    kind: ClassVar[str] = "waited"
    who: str
    """`target`, `stubs`, `proxy`, `harness`, or `machine`: everything on it."""
    how: str
    """`for a CPU` (ready to run, and none was free), `for the disk` or `for memory` (at most, by
    what anybody on the machine waited), `stopped` (by a signal), `late` (the harness's own clock
    came late; the worst `LOOP_PASSES` times of each look), or `stolen` (the machine's host ran
    something else)."""
    since_s: float
    wait_s: float


class Ended(Event, kw_only=True):
    """The target ended by itself while it was needed."""

    kind: ClassVar[str] = "ended"
    status: int
    """Its exit status; negative for the signal that ended it."""
    said: tuple[str, ...] = ()
    """The last lines that it printed."""


class Trouble(Event, kw_only=True):
    """The run itself went wrong: whatever it shows is inconclusive."""

    kind: ClassVar[str] = "trouble"
    what: str
    late: bool = False
    """Whether it is that something was not ready, or did not answer, in its time."""


KINDS: dict[str, type[Event]] = {
    cls.kind: cls
    for cls in (
        Run,
        Phase,
        Sent,
        Answered,
        HungUp,
        Called,
        Replied,
        Charged,
        Crossed,
        Applied,
        Lifted,
        Triggered,
        Reported,
        Looked,
        Logged,
        Waited,
        Ended,
        Trouble,
    )
}
"""The classes of events by the `kind` of their lines."""
_ROUNDED = {
    cls: tuple(item.name for item in members(cls) if item.annotation == "float")
    for cls in KINDS.values()
}
