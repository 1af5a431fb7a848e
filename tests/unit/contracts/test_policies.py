"""Policies in files: what each rule makes, what is wrong with one, and that histories keep it."""

from __future__ import annotations

import math

import pytest

from harness.contracts import document, parse_contract
from harness.errors import InvalidFile
from harness.policy.among import Among
from harness.policy.backoffs import Exponential, Listed
from harness.policy.begun import CountsBegun
from harness.policy.breaker import Rules
from harness.policy.counting import Result
from harness.policy.rules import Rule
from harness.policy.scopes import EachHost, EachRoute, EachWorker, Scope, Together
from harness.policy.settings import ServiceSettings
from harness.policy.shares import ShareOfAll, ShareOfCalls, ShareOfSeconds
from harness.policy.slow import BySlowShare, OrSlow
from harness.policy.thresholds import InARow, InARowLately, InTotal, InTotalLately, Never
from harness.policy.trials import EVERYBODY, ByShare, EachAlone, Nobody
from harness.policy.waits import Constant, Growing, Multiplied, Ticking
from harness.target.loading import parse_target


def settings(breaker: str, more: str = "") -> ServiceSettings:
    text = f"name: shop\nupstreams:\n  mail:\n    breaker: {breaker}\n{more}"
    return parse_contract(text, "shop.yaml").settings["mail"]


@pytest.mark.parametrize(
    ("breaker", "opens"),
    [
        ("{}", InARow(5)),
        ("{threshold: 3}", InARow(3)),
        ("{threshold: 3, within: 10s}", InARowLately(3, 10.0)),
        ("{rule: in all, threshold: 3}", InTotal(3)),
        ("{rule: in all, threshold: 3, within: 10s}", InTotalLately(3, 10.0)),
        ("{rule: rate, share: 50%, calls: 20}", ShareOfCalls(0.5, 20, 1)),
        ("{share: 50%, calls: 20, least: 10}", ShareOfCalls(0.5, 20, 10)),
        ("{share: 60%, calls: all, least: 6}", ShareOfAll(0.6, 6)),
        ("{rule: rate, share: 60%, calls: all, under_way: true}", CountsBegun(ShareOfAll(0.6, 1))),
        ("{rule: rate, share: 30%, within: 10s, least: 6}", ShareOfSeconds(0.3, 10.0, 6)),
        ("{rule: rate, share: 30%, within: 10s, buckets: 10}", ShareOfSeconds(0.3, 10.0, 1, 1.0)),
        (
            "{rule: rate, share: 50%, within: 10s, least: 6, under_way: true}",
            CountsBegun(ShareOfSeconds(0.5, 10.0, 6)),
        ),
        ("{share: 50%, calls: 20, under_way: false}", ShareOfCalls(0.5, 20, 1)),
        ("{rule: among, threshold: 7, calls: 20, within: 30s}", Among(7, 20, 30.0)),
        ("{rule: among, threshold: 7, calls: 20}", Among(7, 20, math.inf)),
        ("{rule: among, within: 30s}", Among(5, math.inf, 30.0)),
        ("{rule: among, within: 30s, buckets: 3}", Among(5, math.inf, 30.0, 10.0)),
        ("{threshold: 3, within: 10s, buckets: 5}", InARowLately(3, 10.0, 2.0)),
        ("{rule: none}", Never()),
    ],
)
def test_what_opens_it(breaker: str, opens: Rule) -> None:
    own = settings(breaker)
    assert own.breaker.opens == opens
    assert document().settings_of("anything").told(own.to_json()) == own


@pytest.mark.parametrize(
    ("breaker", "expected"),
    [
        ("{}", Rules(opens=InARow(5), wait=Constant(60.0))),
        (
            "{wait: {first: 5s, factor: 2, most: 1min}, trials: {count: 10, share: 50%}}",
            Rules(opens=InARow(5), wait=Growing(5.0, 2.0, 60.0), trials=ByShare(10, 0.5)),
        ),
        (
            "{wait: {first: 30s, step: first, most: 300s}, trials: everybody}",
            Rules(opens=InARow(5), wait=Multiplied(30.0, 300.0), trials=EVERYBODY),
        ),
        (
            "{wait: 10s, late: restarts}",
            Rules(opens=InARow(5), wait=Constant(10.0), restarted=True),
        ),
        ("{rule: none}", Rules(opens=Never(), wait=Constant(0.0))),
        (
            "{wait: {first: 10s, tick: 1s}, trials: none}",
            Rules(opens=InARow(5), wait=Ticking(Constant(10.0), 1.0), trials=Nobody()),
        ),
        (
            "{trials: 3, successes: 2}",
            Rules(opens=InARow(5), wait=Constant(60.0), trials=EachAlone(3, 2)),
        ),
    ],
)
def test_how_long_and_what_closes_it(breaker: str, expected: Rules) -> None:
    own = settings(breaker)
    assert own.breaker == expected
    assert document().settings_of("anything").told(own.to_json()) == own


def test_slow_ones_may_have_a_share_of_their_own() -> None:
    own = settings(
        "{share: 60%, slow_share: 80%, calls: 8, least: 5, "
        "trials: {count: 2, share: 60%, slow_share: 80%}}",
        "    slow: 1500ms\n",
    )
    assert own.breaker.opens == OrSlow(ShareOfCalls(0.6, 8, 5), ShareOfCalls(0.8, 8, 5))
    assert own.breaker.trials == BySlowShare(2, 0.6, 0.8)
    counted = own.counting.counted
    assert counted(Result.SUCCESS, 1.6, ()) is Result.SLOW
    assert counted(Result.FAILURE, 1.6, ()) is Result.SLOW_FAILURE
    assert counted(Result.FAILURE, 1.4, ()) is Result.FAILURE
    assert counted(Result.NEUTRAL, 1.6, ()) is Result.NEUTRAL
    assert document().settings_of("anything").told(own.to_json()) == own


@pytest.mark.parametrize(
    ("said", "scope"),
    [
        ("per: upstream", Together()),
        ("per: route", EachRoute()),
        ("per: worker", EachWorker()),
        ("per: worker\n    workers: 3", EachWorker(3)),
        ("per: host", EachHost()),
    ],
)
def test_whose_breaker_it_is(said: str, scope: Scope) -> None:
    own = settings("{}", f"    {said}\n")
    assert own.scope == scope
    assert document().settings_of("anything").told(own.to_json()) == own


def test_what_counts_and_how_it_is_retried() -> None:
    own = settings(
        "{}",
        "    backoff: {first: 1s, factor: 3, most: 5s, shorter: 50%, longer: 1s}\n"
        "    retry_after: true\n    retries: inside\n    by: call\n    slow: 2s\n"
        "    counts: {404: failure, 4xx: neutral, timeout: neutral, cut: success}\n",
    )
    assert own.backoff == Exponential(1.0, 3.0, 5.0, 0.5, 1.0, heeds=True)
    assert [own.backoff.between_s(k) for k in (1, 2, 3)] == [(0.5, 2.0), (1.5, 4.0), (2.5, 6.0)]
    assert own.between_s(1, 503) == (0.0, math.inf)
    assert (own.rechecks, own.counting.by_call) == (False, True)
    counted = own.counting.counted
    assert counted(Result.SUCCESS, 0.1, ("refusal", "404")) is Result.FAILURE
    assert counted(Result.SUCCESS, 0.1, ("refusal", "403")) is Result.NEUTRAL
    assert counted(Result.FAILURE, 5.0, ("silence",)) is Result.NEUTRAL
    assert counted(Result.FAILURE, 0.1, ("broken", "200")) is Result.SUCCESS
    assert counted(Result.SUCCESS, 2.1, ("answer", "200")) is Result.FAILURE
    assert document().settings_of("anything").told(own.to_json()) == own


@pytest.mark.parametrize(
    ("breaker", "more", "problem"),
    [
        ("{rule: rates, share: 50%, calls: 20}", "",
         "rule: expected in a row, in all, among, rate or none; did you mean 'rate'?"),
        ("{rule: rate, share: 50%}", "",
         "expected either `calls` (the last 20, or `all`) or `within` (the last 10s)"),
        ("{rule: rate, calls: 5}", "", "expected a `share` of failures, such as 50%"),
        ("{rule: among, threshold: 5}", "",
         "expected `calls` (the last 20), `within` (the last 10s) or both"),
        ("{rule: among, calls: all}", "",
         "calls: expected a number: `rule: in all` counts all failures"),
        ("{share: 60%, slow_share: 80%, calls: 8}", "",
         "`slow_share` needs `slow` beside it: what is slow, such as 2s"),
        ("{rule: none, threshold: 5}", "",
         "`rule: none` has no `threshold`: it has no keys of its own"),
        ("{treshold: 5}", "", "'treshold' is not known here; did you mean 'threshold'?"),
        ("{trials: {count: 3, shar: 5%}}", "", "'shar' is not known here; did you mean 'share'?"),
        ("{wait: {first: 5s, factr: 2}}", "",
         "'factr' is not known here; did you mean 'factor'?"),
        ("{wait: {first: 5s}}", "",
         "expected `factor` (such as 2), `step: first` or `tick` (such as 1s)"),
        ("{}", "    counts: {timeut: neutral}\n",
         "timeut: expected refused, timeout, cut, 4xx, 5xx, malformed or a status, such as 404; "
         "did you mean 'timeout'?"),
        ("{}", "    retries: insid\n",
         "retries: expected outside or inside; did you mean 'inside'?"),
        ("{}", "    workers: 2\n", "is for `per: worker`"),
        ("{}", "    per: wroker\n",
         "per: expected upstream, route, worker or host; did you mean 'worker'?"),
        ("{}", "    backoff: {first: 1s, mst: 2s}\n",
         "'mst' is not known here; did you mean 'most'?"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_once_with_its_line(breaker: str, more: str, problem: str) -> None:
    with pytest.raises(InvalidFile) as refused:
        settings(breaker, more)
    assert str(refused.value) == f"shop.yaml:{5 if more else 4}: {problem}"


def test_a_target_may_have_no_breaker_at_all() -> None:
    text = (
        "name: t\nstart: {command: [x]}\nupstreams: {A: auth}\nbreakers:\n  auth: {rule: none%s}\n"
    )
    own = parse_target(text % "", "t.yaml").settings("auth")
    assert own.breaker.opens == Never()
    assert own.attempts == document().settings["auth"].attempts, "the rest is the contract's"
    with pytest.raises(InvalidFile) as refused:
        parse_target(text % ", wait: 5s", "t.yaml")
    assert str(refused.value) == "t.yaml:5: `rule: none` has no `wait`: it is no breaker"


def test_a_target_may_say_a_whole_breaker() -> None:
    text = (
        "name: t\nstart: {command: [x]}\nupstreams: {A: auth}\nbreakers:\n"
        "  auth: {breaker: {rule: among, threshold: 6, within: 21s, wait: 17s}%s}\n"
    )
    own = parse_target(text % "", "t.yaml").settings("auth")
    assert own.breaker == Rules(opens=Among(6, math.inf, 21.0), wait=Constant(17.0))
    with pytest.raises(InvalidFile) as refused:
        parse_target(text % ", threshold: 5", "t.yaml")
    assert str(refused.value) == "t.yaml:5: `breaker` says all of it: `threshold` stands in it"


def test_a_target_changes_what_it_names_and_no_more() -> None:
    target = parse_target(
        "name: t\nstart: {command: [x]}\nupstreams: {A: auth}\nbreakers:\n  auth:\n"
        "    {rate: {share: 50%, within: 10s, buckets: 5}, retry_after: true,\n"
        "     counts: {404: failure},\n"
        "     wait: {first: 1s, factor: 2}, successes: 2, retries: inside}\n",
        "t.yaml",
    )
    own, base = target.settings("auth"), document().settings["auth"]
    assert own.breaker == Rules(
        opens=ShareOfSeconds(0.5, 10.0, 1, 2.0),
        wait=Growing(1.0, 2.0),
        trials=EachAlone(successes=2),
    )
    assert own.backoff == Listed((1.0,), heeds=True)
    assert (own.attempts, own.timeout_s, own.rechecks) == (base.attempts, base.timeout_s, False)
    assert own.counting.otherwise == (("404", Result.FAILURE),)
