"""How a file says that calls at one upstream are protected: in a contract, a reading or a target.

Each part makes the objects of `harness.policy` that everybody goes by. What a contract says of an
upstream is a whole policy; a reading and a target's `breakers:` say only where theirs differs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal, Self

from msgspec.structs import replace
from pydantic import (
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)

from harness.contracts.breakers import BreakerRule, Rate, Together, TrialsText, trials_of
from harness.contracts.counts import Counts, otherwise
from harness.contracts.waits import Factor, WaitText, shape, wait_of
from harness.policy import scopes, thresholds
from harness.policy.backoffs import Backoff, Exponential, Listed
from harness.policy.breaker import Rules
from harness.policy.counting import Counting
from harness.policy.scopes import Scope
from harness.policy.settings import ServiceSettings
from harness.scenario.fields import (
    Duration,
    Misfit,
    Part,
    Share,
    Whole,
    exclusive,
    texts,
)

_SCOPES: dict[str, Callable[[int | None], Scope]] = {
    "upstream": lambda workers: scopes.Together(),
    "route": lambda workers: scopes.EachRoute(),
    "worker": scopes.EachWorker,
    "host": lambda workers: scopes.EachHost(),
}
"""What each word under `per` makes, of the number of workers."""
Per = Literal["upstream", "route", "worker", "host"]


class Grown(Part):
    """A backoff that grows with each attempt, and that chance may change."""

    first: Duration = Field(..., description="after the first attempt", examples=["500ms"])
    factor: Factor = Field(
        2.0, description="how many times as long each is as the one before", examples=[1, 2]
    )
    most: Duration | None = Field(
        None, gt=0, description="never longer than this, before chance has its say"
    )
    shorter: Share = Field(
        0.0, description="by up to what share chance makes it shorter; 100% is full jitter"
    )
    longer: Duration = Field(0.0, description="by up to how much chance makes it longer")

    @property
    def backoff(self) -> Backoff:
        """As everybody takes it."""
        most_s = math.inf if self.most is None else self.most
        return Exponential(self.first, self.factor, most_s, self.shorter, self.longer)


BackoffText = Annotated[
    Annotated[Duration, Tag("plain")]
    | Annotated[tuple[Duration, ...], Tag("list")]
    | Annotated[Grown, Tag("keys")],
    Discriminator(shape),
]


def _backoff(said: float | tuple[float, ...] | Grown, *, heeds: bool) -> Backoff:
    if isinstance(said, Grown):
        return replace(said.backoff, heeds=heeds)  # type: ignore[type-var]
    return Listed(said if isinstance(said, tuple) else (said,), heeds)


_SLOW_SHARE = "`slow_share` needs `slow` beside it: what is slow, such as 2s"


def _slowly(key: str) -> dict[str, Any]:
    """The rule that a share of slow results, under a key, needs to know what is slow."""
    shares = {"required": [key], "properties": {key: {"required": ["slow_share"]}}}
    return {"if": shares, "then": {"required": ["slow"]}}


class _Said(Part):
    """What both a whole policy and a change of one may say."""

    rules: ClassVar[tuple[dict[str, Any], ...]] = (
        {
            "if": {"required": ["workers"]},
            "then": {
                "required": ["per"],
                "properties": {"per": {"const": "worker", "description": "what `workers` is for"}},
            },
        },
    )

    workers: Whole | None = Field(
        None,
        ge=1,
        description="how many worker processes there are, for `per: worker`",
        examples=[2],
    )

    @field_validator("backoff", check_fields=False)
    @classmethod
    def _some(cls, value: object) -> object:
        if value == ():
            raise ValueError("expected at least one duration, such as [200ms, 400ms]")
        return value

    @model_validator(mode="after")
    def _counted(self) -> Self:
        if self.workers is not None and getattr(self, "per", None) != "worker":
            raise Misfit("is for `per: worker`", key="workers")
        return self


class Policy(_Said):
    """How calls at one upstream are protected."""

    rules: ClassVar[tuple[dict[str, Any], ...]] = (*_Said.rules, _slowly("breaker"))

    attempts: Whole = Field(
        1, ge=1, description="n: attempts of a call, the first included", examples=[2]
    )
    timeout: Duration = Field(5.0, gt=0, description="T: deadline of one attempt, as a whole")
    backoff: BackoffText = Field(
        1.0,
        description="between attempts, in turn; beyond the last each twice the one before",
        examples=["1s", ["200ms", "400ms"], {"first": "1s", "most": "30s", "shorter": "50%"}],
    )
    retry_after: bool = Field(
        False,
        description="whether an answer's `Retry-After` is waited for instead",
        examples=[True],
    )
    retries: Literal["outside", "inside"] = Field(
        "outside",
        description="`outside`: the breaker is asked before each retry, too; `inside`: once a call",
    )
    by: Literal["attempt", "call"] = Field(
        "attempt", description="whether each failed attempt counts, or one failure a call"
    )
    per: Per = Field(
        "upstream",
        description="whether one breaker counts all calls; or each route of the upstream has its "
        "own (method and path as the contract's calls name them), each worker process, or each "
        "address of the upstream",
    )
    counts: Counts = Field(
        default_factory=dict,
        description="what the breaker counts otherwise: `refused`, `timeout`, `cut`, `4xx`, `5xx`, "
        "`malformed` or a status; if not said: from 500 on or not whole a failure, 429 neutral",
        examples=[{"404": "failure", "timeout": "neutral"}],
    )
    slow: Duration | None = Field(
        None,
        gt=0,
        description="a good answer that takes longer counts as a failure, but where slow ones have "
        "a share of their own (`slow_share`)",
        examples=["2s"],
    )
    breaker: BreakerRule = Field(
        default_factory=BreakerRule,
        description="when it opens, and for how long",
        examples=[{"rule": "in a row", "threshold": 5, "wait": "60s"}],
    )

    @model_validator(mode="after")
    def _slow(self) -> Self:
        if self.breaker.slow_share is not None and self.slow is None:
            raise Misfit(_SLOW_SHARE, key="breaker")
        return self

    @property
    def settings(self) -> ServiceSettings:
        """As the arithmetic and everybody else takes it."""
        return ServiceSettings(
            attempts=self.attempts,
            timeout_s=self.timeout,
            breaker=self.breaker.policy,
            counting=Counting(
                by_call=self.by == "call",
                otherwise=otherwise(self.counts),
                slow_s=math.inf if self.slow is None else self.slow,
                apart=self.breaker.slow_share is not None,
            ),
            rechecks=self.retries == "outside",
            backoff=_backoff(self.backoff, heeds=self.retry_after),
            scope=_SCOPES[self.per](self.workers),
        )


class Upstream(Policy):
    """An upstream: in which variable a target is given its address, and its policy."""

    variable: Annotated[str, texts("a variable", "PAYMENTS_URL")] | None = Field(
        None, description="the environment variable of its address", examples=["PAYMENTS_URL"]
    )


_OF_A_WHOLE = ("threshold", "rate", "wait", "trials", "successes")
"""What `breaker` says, too."""
_A_BREAKERS = (*_OF_A_WHOLE, "breaker", "per")
"""What only a breaker has."""


class Adjustment(_Said):
    """What a reading or a target says otherwise of an upstream's policy; the rest stays."""

    rules: ClassVar[tuple[dict[str, Any], ...]] = (
        exclusive("threshold", "rate"),
        *(exclusive("rule", key) for key in _A_BREAKERS),
        *(exclusive("breaker", key) for key in _OF_A_WHOLE),
        _slowly("rate"),
        _slowly("breaker"),
    )

    rule: Literal["none"] | None = Field(
        None, description="`none`: it has no breaker, whatever the contract says"
    )
    attempts: Whole | None = Field(
        None, ge=1, description="attempts of a call, the first included", examples=[2]
    )
    timeout: Duration | None = Field(None, gt=0, description="how long an attempt may take")
    threshold: Whole | None = Field(
        None, ge=1, description="failed attempts in a row that open it", examples=[5]
    )
    rate: Rate | None = Field(
        None,
        description="a share of failures that opens it, instead of `threshold`",
        examples=[{"share": "50%", "within": "10s", "least": 6}],
    )
    breaker: BreakerRule | None = Field(
        None,
        description="a whole breaker instead, as a contract has it",
        examples=[{"rule": "among", "threshold": 7, "within": "30s", "wait": "60s"}],
    )
    by: Literal["attempt", "call"] | None = Field(
        None, description="whether each failed attempt counts, or one failure a call"
    )
    per: Per | None = Field(
        None, description="whether each route, worker or address has a breaker of its own"
    )
    counts: Counts | None = Field(
        None,
        description="what counts otherwise than the contract says",
        examples=[{"404": "failure", "timeout": "neutral"}],
    )
    slow: Duration | None = Field(
        None, gt=0, description="a good answer that takes longer counts as a failure"
    )
    trials: TrialsText | None = Field(
        None,
        description="how many may be under way at once while half open; or so many judged together",
        examples=[1, "everybody", {"count": 10, "share": "50%"}],
    )
    successes: Whole | None = Field(
        None, ge=1, description="trials that must succeed to close it, judged alone", examples=[2]
    )
    wait: WaitText | None = Field(
        None,
        description="from opening to the probe",
        examples=["60s", {"first": "5s", "factor": 2, "most": "5min"}],
    )
    backoff: BackoffText | None = Field(
        None,
        description="between attempts, in turn; beyond the last each twice the one before",
        examples=["1s", ["200ms", "400ms"], {"first": "1s", "most": "30s", "shorter": "50%"}],
    )
    retry_after: bool | None = Field(
        None,
        description="whether an answer's `Retry-After` is waited for instead",
        examples=[True],
    )
    retries: Literal["outside", "inside"] | None = Field(
        None,
        description="`outside`: the breaker is asked before each retry, too; `inside`: once a call",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Adjustment:
        if self.threshold is not None and self.rate is not None:
            raise Misfit("`threshold` and `rate` exclude each other; keep one of them", key="rate")
        for by_share, said in ("rate", self.rate), ("breaker", self.breaker):
            if said is not None and said.slow_share is not None and self.slow is None:
                raise Misfit(_SLOW_SHARE, key=by_share)
        for key in _OF_A_WHOLE if self.breaker is not None else ():
            if getattr(self, key) is not None:
                raise Misfit(f"`breaker` says all of it: `{key}` stands in it", key=key)
        for key in _A_BREAKERS if self.rule == "none" else ():
            if getattr(self, key) is not None:
                raise Misfit(f"`rule: none` has no `{key}`: it is no breaker", key=key)
        if self.successes is not None and isinstance(self.trials, Together):
            raise Misfit("trials are judged together or by `successes`", key="successes")
        return self

    def over(self, base: ServiceSettings) -> ServiceSettings:
        """A policy, as far as this says nothing else."""
        heeds = base.backoff.heeds if self.retry_after is None else self.retry_after
        backoff: Any = base.backoff
        return replace(
            base,
            attempts=self.attempts or base.attempts,
            timeout_s=self.timeout or base.timeout_s,
            breaker=self._breaker(base.breaker),
            counting=self._counting(base.counting),
            rechecks=base.rechecks if self.retries is None else self.retries == "outside",
            backoff=replace(backoff, heeds=heeds)
            if self.backoff is None
            else _backoff(self.backoff, heeds=heeds),
            scope=base.scope if self.per is None else _SCOPES[self.per](self.workers),
        )

    def _breaker(self, base: Rules) -> Rules:
        if self.rule == "none":
            return BreakerRule(rule="none").policy
        if self.breaker is not None:
            return self.breaker.policy
        opens, wait, tried = base.opens, base.wait, base.trials
        if self.rate is not None:
            opens = self.rate.rule
        elif self.threshold is not None:
            opens = thresholds.InARow(self.threshold)
        if self.wait is not None:
            wait = wait_of(self.wait)
        if self.trials is not None or self.successes is not None:
            tried = trials_of(1 if self.trials is None else self.trials, self.successes or 1)
        return Rules(opens=opens, wait=wait, trials=tried, restarted=base.restarted)

    def _counting(self, base: Counting) -> Counting:
        by_share = self.rate or self.breaker
        return Counting(
            by_call=base.by_call if self.by is None else self.by == "call",
            otherwise=base.otherwise if self.counts is None else otherwise(self.counts),
            slow_s=base.slow_s if self.slow is None else self.slow,
            apart=base.apart if by_share is None else by_share.slow_share is not None,
        )
