"""What each defect of the catalogue makes a breaker look like: what a failure may say of it.

Where a failure names causes, one of them must be the right one; of a defect that isn't here it must
name none. Only what its first scenario shows is meant.
"""

from __future__ import annotations

_NEITHER = "takes an answer of 4xx for neither"
_LOST = "never hears of a probe that is"
_NO_DEADLINE = "has no deadline for an attempt"

BEHAVES = {
    "429-counted": "counts answers of 429 as failures",
    "4xx-leaves-half-open": _NEITHER,
    "4xx-then-stuck": _NEITHER,
    "all-probe": "lets everybody through while half open",
    "any-answer-succeeds": "doesn't count answers of 5xx",
    "background-health": "waits about 10s before it probes",
    "breaker-per-path": "has a breaker for each path",
    "breaker-per-user": "has several breakers",
    "broken-probe-closes": "closes when its probe fails",
    "closed-probe-keeps-slot": _LOST,
    "count-survives-closing": "keeps its count when it closes",
    "counts-4xx": "counts answers of 4xx as failures",
    "counts-calls": "counts calls, not attempts",
    "datetime-timer": "never probes",
    "deadline-doubled": "gives up an attempt after 10s",
    "failed-probe-closes": "closes when its probe fails",
    "failed-probe-ignored": "goes on as if a failed probe had not been",
    "first-attempts-counted": "counts calls, not attempts",
    "five-of-ten": "isn't reset by a success",
    "forgets-after-a-minute": "forgets failures that are older than 60s",
    "gateway-errors-uncounted": "doesn't count some answers of 5xx",
    "gets-pass-while-open": "before it probes, not",
    "half-of-ten": "opens after 8 failures in a row",
    "half-open-counts-again": "takes 5 failures to open again while half open",
    "half-the-wait": "waits about 31s before it probes",
    "late-failure-restarts-timer": "begins its wait anew with each late failure",
    "late-success-closes": "is closed by a late success",
    "listed-5xx-counted": "doesn't count some answers of 5xx",
    "lock-across-call": "are calls serialised?",
    "never-half-opens": "never probes",
    "no-deadline": _NO_DEADLINE,
    "nonsense-counted": "counts answers that make no sense as failures",
    "one-wait-for-all": "waits about 61s before it probes",
    "probe-429-keeps-slot": _LOST,
    "probe-4xx-keeps-slot": _LOST,
    "probe-without-deadline": _NO_DEADLINE,
    "refusals-reset-nothing": _NEITHER,
    "refused-probe-keeps-slot": _LOST,
    "rejections-restart-timer": "begins its wait anew with each request that it turns away",
    "requests-queue": "are calls serialised?",
    "retries-although-open": "doesn't ask its breaker again before a retry",
    "retry-after-is-the-wait": "waits about 6s before it probes",
    "success-resets-nothing": "isn't reset by a success",
    "ten-probes": "lets 10 through while half open",
    "three-probes": "lets 3 through while half open",
    "thresholds-exchanged": "opens after 10 failures in a row",
    "timeout-per-read": _NO_DEADLINE,
    "timeouts-uncounted": "doesn't count attempts that time out",
    "timer-from-call-start": "counts its wait from the start of the attempt",
    "trips-after-attempts": "opens after 2 failures in a row",
    "trips-at-once": "opens after 1 failure, not 5",
    "trips-early": "opens after 4 failures in a row",
    "trips-late": "opens after 6 failures in a row",
    "truncated-probe-keeps-slot": _LOST,
    "two-probes": "lets 2 through while half open",
    "two-successes-close": "needs two successes to close",
    "two-workers": "has several breakers, as worker processes do",
    "wait-with-jitter": "waits about 55s before it probes",
    "waits-exchanged": "waits about 31s before it probes",
    "wall-clock-timer": "never probes",
}
