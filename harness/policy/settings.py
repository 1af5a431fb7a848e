"""How a gateway's client protects the calls at one upstream: n, T, its backoffs and its breaker.

Histories keep these settings as plain numbers (`to_json`, `told`), so that a saved one is judged by
what its target declared then.
"""

from __future__ import annotations

import math
from typing import Any

from msgspec import field

from harness.frozen import Frozen
from harness.policy.among import Among
from harness.policy.backoffs import Backoff, Exponential, Listed
from harness.policy.begun import CountsBegun
from harness.policy.breaker import Rules
from harness.policy.counting import Counted, Counting, Result, Unknown
from harness.policy.rules import Rule
from harness.policy.scopes import EachHost, EachRoute, EachWorker, Scope, Together
from harness.policy.shares import ShareOfAll, ShareOfCalls, ShareOfSeconds
from harness.policy.slow import BySlowShare, OrSlow
from harness.policy.thresholds import InARow, InARowLately, InTotal, InTotalLately, Never
from harness.policy.trials import ByShare, EachAlone, Nobody, Trials
from harness.policy.waits import Constant, Growing, Multiplied, Ticking, Wait, last_wait_s

SettingsJson = dict[str, float | list[float]]


class ServiceSettings(Frozen, kw_only=True):
    """The policy of calls at one upstream."""

    attempts: int
    """n: attempts a call makes, the first included."""
    timeout_s: float
    """T: deadline of one attempt, in seconds."""
    breaker: Rules
    """When it opens, for how long, and what closes it."""
    counting: Counting = field(default_factory=Counting)
    """What an attempt is to the breaker."""
    rechecks: bool = True
    """Whether the breaker is asked again before each retry: retries lie outside of it."""
    backoff: Backoff = field(default_factory=Listed)
    """Between attempts."""
    scope: Scope = field(default_factory=Together)
    """Whose calls a breaker counts."""

    @property
    def wait_s(self) -> float:
        """W: seconds from a first trip to the first trial."""
        return self.breaker.wait.wait_s(1)

    def open_after_s(self, outage_s: float) -> float:
        """The longest that the breaker may stay open when an outage so long (seconds) is over."""
        return last_wait_s(self.breaker.wait, outage_s)

    @property
    def failures(self) -> int:
        """N: how many failures open the breaker where nothing else came before."""
        return self.breaker.opens.failures

    @property
    def enough(self) -> int:
        """How many failures open all of its breakers, as far as it is known how many there are."""
        number = self.scope.number if isinstance(self.scope, EachWorker) else 1
        return self.failures * (number or 1)

    @property
    def counts(self) -> str:
        """What is counted, in words: `attempts` or `calls`."""
        return "calls" if self.counting.by_call else "attempts"

    def backoff_s(self, attempt: int) -> float:
        """The least between attempt number `attempt` (from 1) and the next, in seconds."""
        return self.backoff.between_s(attempt)[0]

    def between_s(self, attempt: int, status: int | None) -> tuple[float, float]:
        """The least and the most between attempt number `attempt` (from 1) and the next, where the
        former was answered with a status: a `Retry-After` that is heeded may have said anything.
        """
        if self.backoff.heeds and status is not None:
            return 0.0, math.inf
        return self.backoff.between_s(attempt)

    @property
    def longest_call_s(self) -> float:
        """The longest a call may take, all attempts and backoffs (B8)."""
        backoffs = sum(self.backoff.between_s(attempt)[1] for attempt in range(1, self.attempts))
        return self.attempts * self.timeout_s + backoffs

    def to_json(self) -> SettingsJson:
        """As histories keep them."""
        said: SettingsJson = {
            "attempts": self.attempts,
            "timeout_s": self.timeout_s,
            "threshold": self.failures,
            "wait_s": self.wait_s,
            **_rule_json(self.breaker.opens),
            **_wait_json(self.breaker.wait),
            **_trials_json(self.breaker.trials),
            **_counting_json(self.counting),
            **_backoff_json(self.backoff),
            **_scope_json(self.scope),
        }
        if not self.rechecks:
            said["asked_once"] = 1
        if self.breaker.restarted:
            said["late_restarts"] = 1
        return said

    def told(self, own: SettingsJson) -> ServiceSettings:
        """These, where a history says nothing else."""
        said: Any = own
        breaker = self.breaker
        return ServiceSettings(
            attempts=int(said.get("attempts", self.attempts)),
            timeout_s=said.get("timeout_s", self.timeout_s),
            breaker=Rules(
                opens=_rule(said) if "threshold" in said else breaker.opens,
                wait=_wait(said) if "wait_s" in said else breaker.wait,
                trials=_trials(said) if "threshold" in said else breaker.trials,
                restarted=bool(said.get("late_restarts", breaker.restarted)),
            ),
            counting=_counting(said) if "threshold" in said else self.counting,
            rechecks=not said.get("asked_once", not self.rechecks),
            backoff=_backoff(said) if said.get("backoffs_s") else self.backoff,
            scope=_scope(said) if "threshold" in said else self.scope,
        )


def in_a_row(
    *, attempts: int, timeout_s: float, threshold: int, wait_s: float, per_call: bool = False
) -> ServiceSettings:
    """The commonest policy: so many failures in a row, one wait, one trial."""
    return ServiceSettings(
        attempts=attempts,
        timeout_s=timeout_s,
        breaker=Rules(opens=InARow(threshold), wait=Constant(wait_s)),
        counting=Counting(by_call=per_call),
    )


# As numbers, and back

_SUCCESS, _FAILURE, _NEUTRAL, _UNKNOWN = range(4)
_RESULTS: dict[int, Counted | Unknown] = {
    _SUCCESS: Result.SUCCESS, _FAILURE: Result.FAILURE, _NEUTRAL: Result.NEUTRAL,
    _UNKNOWN: "unknown",
}  # fmt: skip
_CODES = {said: code for code, said in _RESULTS.items()} | {None: _NEUTRAL}
_COUNTS = "counts "
"""Before the name of an ending, in the key that says what it counts as."""


def _rule_json(rule: Rule) -> SettingsJson:
    match rule:
        case ShareOfCalls(share, window, least):
            return {"share": share, "window_calls": window, "least": least}
        case ShareOfAll(share, least):
            return {"share": share, "least": least}
        case ShareOfSeconds(share, window_s, least, bucket_s):
            said: SettingsJson = {"share": share, "window_s": window_s, "least": least}
            return said | _bucket(bucket_s)
        case OrSlow(plain, ShareOfCalls(share) | ShareOfSeconds(share) | ShareOfAll(share)):
            return _rule_json(plain) | {"slow_share": share}
        case CountsBegun(share_of):
            return _rule_json(share_of) | {"under_way": 1}
        case Among(_, calls, within_s, bucket_s):
            reach = _finite("window_calls", calls) | _finite("window_s", within_s)
            return {"among": 1} | reach | _bucket(bucket_s)
        case InARowLately(_, within_s, bucket_s):
            return {"window_s": within_s} | _bucket(bucket_s)
        case InTotalLately(_, within_s):
            return {"in_total": 1, "window_s": within_s}
        case InTotal():
            return {"in_total": 1}
        case Never():
            return {"never": 1}
        case _:
            return {}


def _bucket(bucket_s: float) -> SettingsJson:
    return {"bucket_s": bucket_s} if bucket_s else {}


def _rule(said: Any) -> Rule:
    threshold, bucket_s = int(said["threshold"]), said.get("bucket_s", 0.0)
    if "share" in said:
        rule = _share(said, said["share"])
        if "slow_share" in said:
            rule = OrSlow(rule, _share(said, said["slow_share"]))
        return CountsBegun(rule) if said.get("under_way") else rule
    if said.get("among"):
        calls = said.get("window_calls", math.inf)
        return Among(threshold, calls, said.get("window_s", math.inf), bucket_s)
    if said.get("never"):
        return Never()
    if said.get("in_total"):
        within_s = said.get("window_s")
        return InTotal(threshold) if within_s is None else InTotalLately(threshold, within_s)
    if "window_s" in said:
        return InARowLately(threshold, said["window_s"], bucket_s)
    return InARow(threshold)


def _share(said: Any, share: float) -> Rule:
    least = int(said.get("least", 1))
    if "window_s" in said:
        return ShareOfSeconds(share, said["window_s"], least, said.get("bucket_s", 0.0))
    if "window_calls" in said:
        return ShareOfCalls(share, int(said["window_calls"]), least)
    return ShareOfAll(share, least)


def _wait_json(wait: Wait) -> SettingsJson:
    match wait:
        case Growing(_, factor, most_s):
            return {"wait_factor": factor} | _finite("wait_most_s", most_s)
        case Multiplied(_, most_s):
            return {"wait_multiplied": 1} | _finite("wait_most_s", most_s)
        case Ticking(plain, tick_s):
            return _wait_json(plain) | {"wait_tick_s": tick_s}
        case _:
            return {}


def _wait(said: Any) -> Wait:
    plain = _plain_wait(said)
    return Ticking(plain, said["wait_tick_s"]) if "wait_tick_s" in said else plain


def _plain_wait(said: Any) -> Wait:
    first_s, most_s = said["wait_s"], said.get("wait_most_s", math.inf)
    if "wait_factor" in said:
        return Growing(first_s, said["wait_factor"], most_s)
    return Multiplied(first_s, most_s) if said.get("wait_multiplied") else Constant(first_s)


def _trials_json(trials: Trials) -> SettingsJson:
    match trials:
        case BySlowShare(count, share, slow_share):
            return {"trials": count, "trials_share": share, "trials_slow_share": slow_share}
        case ByShare(count, share):
            return {"trials": count, "trials_share": share}
        case EachAlone(at_once, successes):
            said: SettingsJson = {} if at_once == 1 else _finite("trials", at_once)
            said |= {"everybody": 1} if math.isinf(at_once) else {}
            return said | ({} if successes == 1 else {"successes": successes})
        case Nobody():
            return {"untried": 1}
        case _:
            return {}


def _trials(said: Any) -> Trials:
    count = int(said.get("trials", 1))
    if "trials_slow_share" in said:
        return BySlowShare(count, said["trials_share"], said["trials_slow_share"])
    if "trials_share" in said:
        return ByShare(count, said["trials_share"])
    if said.get("untried"):
        return Nobody()
    at_once = math.inf if said.get("everybody") else count
    return EachAlone(at_once, int(said.get("successes", 1)))


def _counting_json(counting: Counting) -> SettingsJson:
    said: SettingsJson = {f"{_COUNTS}{name}": _CODES[one] for name, one in counting.otherwise}
    if counting.by_call:
        said["per_call"] = 1
    return said | _finite("slow_s", counting.slow_s)


def _counting(said: Any) -> Counting:
    otherwise = tuple(
        (key.removeprefix(_COUNTS), _RESULTS.get(int(value)))
        for key, value in said.items()
        if key.startswith(_COUNTS)
    )
    return Counting(
        by_call=bool(said.get("per_call")),
        otherwise=otherwise,
        slow_s=said.get("slow_s", math.inf),
        apart="slow_share" in said,
    )


def _backoff_json(backoff: Backoff) -> SettingsJson:
    said: SettingsJson = {"heeds": 1} if backoff.heeds else {}
    match backoff:
        case Listed(waits_s):
            return said | {"backoffs_s": list(waits_s)}
        case Exponential(first_s, factor, most_s, shorter, longer_s):
            said |= {"backoffs_s": [first_s], "backoff_factor": factor}
            said |= {"shorter": shorter, "longer_s": longer_s}
            return said | _finite("backoff_most_s", most_s)
        case _:
            return said


def _backoff(said: Any) -> Backoff:
    heeds = bool(said.get("heeds"))
    waits_s = tuple(said["backoffs_s"])
    if "backoff_factor" not in said:
        return Listed(waits_s, heeds)
    return Exponential(
        first_s=waits_s[0],
        factor=said["backoff_factor"],
        most_s=said.get("backoff_most_s", math.inf),
        shorter=said.get("shorter", 0.0),
        longer_s=said.get("longer_s", 0.0),
        heeds=heeds,
    )


def _scope_json(scope: Scope) -> SettingsJson:
    match scope:
        case EachRoute():
            return {"each_route": 1}
        case EachWorker(number):
            return {"each_worker": number or 0}
        case EachHost():
            return {"each_host": 1}
        case _:
            return {}


def _scope(said: Any) -> Scope:
    if said.get("each_route"):
        return EachRoute()
    if "each_worker" in said:
        return EachWorker(int(said["each_worker"]) or None)
    return EachHost() if said.get("each_host") else Together()


def _finite(key: str, value: float) -> SettingsJson:
    """A number that a history can keep; nothing for an infinite one."""
    return {} if math.isinf(value) else {key: value}
