"""How a file says what opens a breaker, and what closes it; for how long it stays open: `waits`.

Each part makes the objects of `harness.policy` that everybody goes by.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from harness.contracts.waits import WaitText, shape, wait_of
from harness.policy import trials
from harness.policy.among import Among
from harness.policy.begun import CountsBegun
from harness.policy.breaker import Rules
from harness.policy.rules import Rule
from harness.policy.shares import ShareOfAll, ShareOfCalls, ShareOfSeconds
from harness.policy.slow import BySlowShare, OrSlow
from harness.policy.thresholds import InARow, InARowLately, InTotal, InTotalLately, Never
from harness.scenario.fields import (
    Duration,
    Misfit,
    Part,
    Share,
    Whole,
    at_least_one,
    exclusive,
)


class Together(Part):
    """Trials that are judged together, by the share of failures among them."""

    count: Whole = Field(..., ge=1, description="how many are let through", examples=[10])
    share: Share = Field(..., description="failures among them at which it opens again")
    slow_share: Share | None = Field(
        None, description="slow ones among them at which it opens again, too"
    )

    @field_validator("share", "slow_share")
    @classmethod
    def _some(cls, value: float | None) -> float | None:
        return _more_than_nothing(value)


def _more_than_nothing(value: float | None) -> float | None:
    if value == 0:
        raise ValueError("expected more than 0%")
    return value


_Count = Annotated[int, Field(strict=True, ge=1)] | Literal["everybody", "none"]
TrialsText = Annotated[
    Annotated[_Count, Tag("plain")]
    | Annotated[Together, Tag("keys")]
    | Annotated[_Count, Tag("list")],
    Discriminator(shape),
]


CallsText = Annotated[
    Annotated[int, Field(strict=True, ge=1), Tag("plain")] | Annotated[Literal["all"], Tag("all")],
    Discriminator(lambda said: "all" if isinstance(said, str) else "plain"),
]
"""So many of the last results, or all of them."""


_UNDER_WAY = (
    "whether calls count as soon as they begin (opossum's do, and gobreaker's `Requests`): then "
    "it must open first where the share is reached with all open requests among them; it may at "
    "any failure, as results don't tell how many there were"
)


class Rate(Part):
    """A share of failures that opens a breaker, of the last calls or of a time."""

    rules: ClassVar[tuple[dict[str, Any], ...]] = (
        at_least_one("calls", "within"),
        exclusive("calls", "within"),
        exclusive("calls", "buckets"),
    )

    share: Share = Field(description="failures among the results, at which it opens")
    slow_share: Share | None = Field(
        None,
        description="a share of slow results, by `slow`, at which it opens, too; then these are no "
        "failures",
        examples=["80%"],
    )
    calls: CallsText | None = Field(
        None,
        description="of the last so many results, or of `all` since it closed",
        examples=[20, "all"],
    )
    within: Duration | None = Field(None, gt=0, description="of the results of the last so long")
    least: Whole = Field(1, ge=1, description="how many results there must be", examples=[10])
    buckets: Whole | None = Field(
        None,
        ge=1,
        le=1000,
        description="in how many parts results leave that time; each by itself if not said",
        examples=[10],
    )
    under_way: bool = Field(False, description=_UNDER_WAY, examples=[True])

    @property
    def rule(self) -> Rule:
        """As everybody takes it who has to do with breakers."""
        plain = self._of(self.share)
        rule = plain if self.slow_share is None else OrSlow(plain, self._of(self.slow_share))
        return CountsBegun(rule) if self.under_way else rule

    def _of(self, share: float) -> Rule:
        if self.within is not None:
            bucket_s = self.within / self.buckets if self.buckets else 0.0
            return ShareOfSeconds(share, self.within, self.least, bucket_s)
        assert self.calls is not None
        if self.calls == "all":
            return ShareOfAll(share, self.least)
        return ShareOfCalls(share, self.calls, self.least)

    @model_validator(mode="after")
    def _consistent(self) -> Rate:
        _check_rate(self)
        return self


def _check_rate(rate: Rate) -> None:
    """See that a rate's keys fit together.

    Raises: ValueError, Misfit.
    """
    if (rate.calls is None) == (rate.within is None):
        raise ValueError(
            "expected either `calls` (the last 20, or `all`) or `within` (the last 10s)"
        )
    if rate.calls is not None and rate.buckets is not None:
        raise Misfit("`buckets` are of the time that `within` says", key="buckets")
    for key in ("share", "slow_share"):
        if getattr(rate, key) == 0:
            raise Misfit("expected more than 0%", key=key)


_OWN_KEYS = {
    "in a row": ("threshold", "within", "buckets"),
    "in all": ("threshold", "within"),
    "among": ("threshold", "calls", "within", "buckets"),
    "rate": ("share", "slow_share", "calls", "within", "least", "buckets", "under_way"),
    "none": (),
}
"""Which keys each rule has of its own."""
_RULE_KEYS = tuple(dict.fromkeys(key for keys in _OWN_KEYS.values() for key in keys))


_OF_A_RATE = ("share", "slow_share", "calls", "least", "under_way")
"""Keys by which a rate is known that isn't named."""


class BreakerRule(Part):
    """A breaker: what opens it, for how long, and what closes it."""

    rules: ClassVar[tuple[dict[str, Any], ...]] = (
        {
            "if": {"required": ["rule"], "properties": {"rule": {"const": "among"}}},
            "then": at_least_one("calls", "within"),
            "else": {
                "allOf": [
                    *Rate.rules[1:],
                    *(exclusive("threshold", key) for key in _OF_A_RATE),
                    {"dependentRequired": {key: ["share"] for key in _OF_A_RATE[1:]}},
                    {
                        "anyOf": [
                            {"not": {"required": ["share"]}},
                            *at_least_one("calls", "within")["anyOf"],
                        ]
                    },
                ]
            },
        },
        {"dependentRequired": {"buckets": ["within"]}},
    )
    """All but what hangs on the name of the rule."""

    rule: Literal["in a row", "in all", "among", "rate", "none"] | None = Field(
        None,
        description="what opens it: failures in a row (if nothing is said), as many since it was "
        "closed, so many among the last results, a share of them, or nothing",
        examples=["in a row"],
    )
    threshold: Whole | None = Field(
        None, ge=1, description="N: how many failures open it; 5 if not said", examples=[5]
    )
    share: Share | None = Field(
        None, description="for a rate: failures among the results, at which it opens"
    )
    slow_share: Share | None = Field(
        None,
        description="for a rate: a share of slow results, by `slow`, at which it opens, too; then "
        "these are no failures",
        examples=["80%"],
    )
    calls: CallsText | None = Field(
        None,
        description="for a rate, or among: of the last so many results; for a rate, of `all` since "
        "it closed",
        examples=[20, "all"],
    )
    within: Duration | None = Field(
        None,
        gt=0,
        description="for a rate: of the results of the last so long; in a row, or among: older "
        "failures don't count; in all: a success so long after the last failure makes all of them "
        "good",
    )
    least: Whole | None = Field(
        None, ge=1, description="for a rate: how many results there must be", examples=[10]
    )
    buckets: Whole | None = Field(
        None,
        ge=1,
        le=1000,
        description="in how many parts results leave `within`; each by itself if not said",
        examples=[10],
    )
    under_way: bool | None = Field(None, description=f"for a rate: {_UNDER_WAY}", examples=[True])
    wait: WaitText = Field(
        60.0,
        description="W: from its opening to the first trial",
        examples=["60s", {"first": "5s", "factor": 2, "most": "5min"}],
    )
    trials: TrialsText = Field(
        1,
        description="how many may be under way at once while it is half open, each judged alone; "
        "or so many in all, judged together; `none` where it is closed when the wait is over",
        examples=[1, "everybody", {"count": 10, "share": "50%"}],
    )
    successes: Whole = Field(
        1, ge=1, description="trials that must succeed to close it, judged alone", examples=[2]
    )

    late: Literal["restarts"] | None = Field(
        None,
        description="`restarts`: a failure that comes in while it is open begins its wait anew",
    )

    @model_validator(mode="after")
    def _consistent(self) -> BreakerRule:
        own_keys = _OWN_KEYS[self._kind]
        for key in _RULE_KEYS:
            if getattr(self, key) is not None and key not in own_keys:
                own = ", ".join(f"`{one}`" for one in own_keys)
                its = f"its keys are {own}" if own else "it has no keys of its own"
                raise Misfit(f"`rule: {self._kind}` has no `{key}`: {its}", key=key)
        if self._kind == "rate":
            if self.share is None:
                raise ValueError("expected a `share` of failures, such as 50%")
            _check_rate(self._as_rate)
        elif self.buckets is not None and self.within is None:
            raise Misfit("`buckets` are of the time that `within` says", key="buckets")
        if self._kind == "among" and self.calls is None and self.within is None:
            raise ValueError("expected `calls` (the last 20), `within` (the last 10s) or both")
        if self._kind == "among" and self.calls == "all":
            raise Misfit("expected a number: `rule: in all` counts all failures", key="calls")
        if self.successes > 1 and isinstance(self.trials, Together):
            raise Misfit("trials are judged together or by `successes`", key="successes")
        return self

    @property
    def _kind(self) -> str:
        """Its rule, named or by its keys."""
        by_rate = any(getattr(self, key) is not None for key in _OF_A_RATE)
        return self.rule or ("rate" if by_rate else "in a row")

    @property
    def _as_rate(self) -> Rate:
        return Rate.model_construct(
            share=self.share or 0.0,
            slow_share=self.slow_share,
            calls=self.calls,
            within=self.within,
            least=self.least or 1,
            buckets=self.buckets,
            under_way=bool(self.under_way),
        )

    @property
    def opens(self) -> Rule:
        """What opens it."""
        threshold = self.threshold or 5
        match self._kind:
            case "rate":
                return self._as_rate.rule
            case "in all" if self.within is not None:
                return InTotalLately(threshold, self.within)
            case "in all":
                return InTotal(threshold)
            case "among":
                within_s = self.within or math.inf
                calls = self.calls if isinstance(self.calls, int) else math.inf
                return Among(threshold, calls, within_s, self._bucket_s)
            case "none":
                return Never()
            case _ if self.within is not None:
                return InARowLately(threshold, self.within, self._bucket_s)
            case _:
                return InARow(threshold)

    @property
    def _bucket_s(self) -> float:
        return self.within / self.buckets if self.within and self.buckets else 0.0

    @property
    def policy(self) -> Rules:
        """As everybody takes it who has to do with breakers."""
        waits_s = 0.0 if self._kind == "none" else self.wait  # nothing opens it: nobody waits
        return Rules(
            opens=self.opens,
            wait=wait_of(waits_s),
            trials=trials_of(self.trials, self.successes),
            restarted=self.late is not None,
        )


def trials_of(said: int | str | Together, successes: int) -> trials.Trials:
    """Trials as everybody takes them; `successes` where each is judged alone."""
    if isinstance(said, Together):
        if said.slow_share is not None:
            return BySlowShare(said.count, said.share, said.slow_share)
        return trials.ByShare(said.count, said.share)
    if said == "none":
        return trials.Nobody()
    return trials.EachAlone(math.inf if isinstance(said, str) else said, successes)
