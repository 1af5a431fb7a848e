"""What was measured, as the files that it becomes: nothing stands there that wasn't found."""

from __future__ import annotations

import pytest

from harness.contracts import document, parse_contract
from harness.init.files import scenario_text
from harness.measure.downs import REFUSALS, Downs, note_answers
from harness.measure.findings import Breaker, Findings, Span
from harness.measure.growth import grown
from harness.measure.measuring import Measured
from harness.measure.report import round_percent, rule_text
from harness.measure.routes import Called, Known
from harness.measure.writing import as_contract, as_target, target_sections
from harness.scenario.loader import parse_scenario
from harness.target.loading import parse_target

TARGET = """
name: shop
start: {command: [shop]}
upstreams: {STOCK_URL: stock}
stubs: {stock: [{route: GET /left}]}
"""
OWN = """
name: shop
claims: {S1: {says: The stock is left alone.}, S2: {says: It tries again.}}
promises: {makes no call while open: [S1], tries again when its wait is over: [S2]}
"""
ONE = Span(low_s=1, high_s=1)


def measured(**breaker: object) -> Measured:
    own = Breaker(rule="in a row", threshold=4, wait=Span(low_s=7.9, high_s=8.1), **breaker)
    found = Findings(upstream="stock", attempts=1, timeout=Span(low_s=1.4, high_s=1.6), breaker=own)
    known = Known(routes=())
    return Measured(
        target="shop", engine="sim", upstreams={"stock": found}, known=known, downs=Downs()
    )


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"trials": 1}, None),
        ({"trials": 3, "successes": 1}, 3),
        (
            {"trials": 3, "trials_share": Span(low_s=1 / 3, high_s=2 / 3)},
            {"count": 3, "share": "60%"},
        ),
        ({"everybody": True}, "everybody"),
        ({"everybody": True, "begins_anew": True}, "none"),
    ],
)
def test_who_may_pass_while_half_open_is_written_as_it_was_seen(found, said):
    sections = target_sections(measured(**found), document())
    assert sections["breakers"]["stock"].get("trials") == said
    contract = as_contract(measured(**found), {"STOCK_URL": "stock"})
    closes = parse_contract(contract, "contract.yaml").settings_of("stock").breaker.trials.says
    names = {None: "one trial", "none": "no trial", "3": "3 trials at once"}
    together = "3 trials at once, judged together: 60% failures open it again"
    assert closes == names.get(
        said if said is None else str(said), together if isinstance(said, dict) else said
    )


def rate(**more: object) -> Breaker:
    return Breaker(
        rule="rate", share=Span(low_s=0.49, high_s=0.52), window_calls=Span(low_s=20, high_s=20),
        least=Span(low_s=6, high_s=6), wait=Span(low_s=7.9, high_s=8.1), trials=1, **more,
    )  # fmt: skip


def test_a_contract_has_whatever_breaker_was_found():
    """Not the one that holds where nothing is said: five failures in a row."""
    found = measured()
    found.upstreams["stock"].breaker = rate(successes=2)
    text = as_contract(found, {"STOCK_URL": "stock"})
    own = parse_contract(text, "contract.yaml").settings_of("stock").breaker
    assert own.opens.says == "50% failures of the last 20 results (6 at least)"
    assert own.trials.says == "one trial, 2 successes"
    found.upstreams["stock"].breaker = Breaker(rule="none")
    text = as_contract(found, {"STOCK_URL": "stock"})
    assert (
        parse_contract(text, "contract.yaml").settings_of("stock").breaker.opens.says == "nothing"
    )


@pytest.mark.parametrize(
    ("own", "says"),
    [
        (
            {"rule": "among", "window_s": Span(low_s=20.95, high_s=21.1)},
            "4 failures within 21s, whatever succeeds",
        ),
        (
            {"rule": "among", "window_calls": Span(low_s=9, high_s=9)},
            "4 failures among the last 9 results",
        ),
        (
            {"rule": "in a row", "window_s": Span(low_s=7.9, high_s=8.1)},
            "4 failures in a row within 8s",
        ),
        ({"rule": "in all"}, "4 failures in all"),
    ],
)
def test_failures_that_count_for_a_while_are_promised_as_such(own, says):
    """In a contract, and to a target that has another one."""
    found = measured()
    found.upstreams["stock"].breaker = Breaker(
        threshold=4, wait=Span(low_s=7.9, high_s=8.1), trials=1, **own
    )
    shown = says.replace(" 21s", " 21.025 s ± 0.075").replace(" 8s", " 8.000 s ± 0.100")
    assert rule_text(found.upstreams["stock"]) == f"opens after {shown}"
    text = as_contract(found, {"STOCK_URL": "stock"})
    opens = parse_contract(text, "contract.yaml").settings_of("stock").breaker.opens
    assert opens.says == says
    sections = as_target(found, document())
    assert "without: [B7]" in sections, "its backoffs are not known here"
    assert parse_target(TARGET + sections, "t.yaml").settings("stock").breaker.opens == opens


def test_what_the_gateway_makes_of_refusals_is_written():
    """What an upstream refuses is no outage: a 404 may be passed on, and a 429 asked again."""
    route = Called(
        name="left", request="GET /left", status=200, lasts_s=0.1,
        stream={"request": "GET /left"}, calls=(("stock", "GET /left"),),
    )  # fmt: skip
    found = measured(trials=1)
    found.known = Known(routes=(route,))
    found.downs.statuses = {"GET /left": {"stock": 503}}
    found.downs.refusals = {"GET /left": {"stock": {"404": 404, "429": 503}}}
    found.upstreams["stock"].note_attempts({"503": 2, "429": 2}, at_once=False)
    step = parse_contract(as_contract(found, {"STOCK_URL": "stock"}), "c.yaml").routes["left"]
    assert step.calls[0].refused == {404: (404,)}
    # Nobody knows of it, so it has none: 200 to a 404.
    found.downs.refusals = {"GET /left": {"stock": {"404": 200, "403": 503}}}
    text = as_contract(found, {"STOCK_URL": "stock"})
    assert "refused: {'404': go on}" in text
    assert parse_contract(text, "c.yaml").routes["left"].calls[0].refused == {404: ()}
    found.downs.refusals["GET /left"]["stock"] = dict.fromkeys(REFUSALS, 502) | {"429": 503}
    step = parse_contract(as_contract(found, {"STOCK_URL": "stock"}), "c.yaml").routes["left"]
    assert step.calls[0].refused == (502,)
    sections = as_target(found, document())
    assert "B1" not in sections
    said = target_sections(found, document())["breakers"]["stock"]["counts"]
    assert said["429"] == "unknown"  # a failure, but who asks again isn't known to have failed


@pytest.mark.parametrize(
    ("low_s", "high_s", "said"),
    [(1.47, 1.62, "1.6s"), (1.6949, 1.7049, "1.7s"), (0.95, 1.45, "1.3s"), (1.99, 2.01, "2s")],
)
def test_a_timeout_is_not_written_shorter_than_it_may_well_be(low_s, high_s, said):
    """Who is held to less than it has would be found to hang."""
    found = measured()
    found.upstreams["stock"].timeout = Span(low_s=low_s, high_s=high_s)
    assert target_sections(found, document())["breakers"]["stock"]["timeout"] == said


def test_what_counts_otherwise_is_written():
    found = measured(trials=1)
    usual = dict.fromkeys(("refused", "timeout", "cut", "500", "503"), "failure")
    found.upstreams["stock"].counts = {**usual, "404": "success", "429": "neutral"}
    assert "counts" not in target_sections(found, document())["breakers"]["stock"]
    found.upstreams["stock"].counts |= {"404": "failure", "timeout": "neutral", "refused": None}
    sections = target_sections(found, document())
    expected = {"4xx": "failure", "429": "neutral", "timeout": "neutral"}
    assert sections["breakers"]["stock"]["counts"] == expected
    # pybreaker's `exclude`, of a 404 alone: 401 and the like count.
    found.upstreams["stock"].counts |= {"400": "failure", "404": "success"}
    own = target_sections(found, document())["breakers"]["stock"]["counts"]
    assert own == {"4xx": "failure", "404": "success", "429": "neutral", "timeout": "neutral"}
    found.upstreams["stock"].counts |= {"400": "success", "404": "failure"}
    own = target_sections(found, document())["breakers"]["stock"]["counts"]
    assert own == {"404": "failure", "timeout": "neutral"}
    found.upstreams["stock"].counts |= {"400": "failure"}
    # Whoever tries again after any of them has not failed yet.
    every = dict.fromkeys(("503", "400", "404", "429"), 2)
    found.upstreams["stock"].note_attempts(every, at_once=False)
    own = target_sections(found, document())["breakers"]["stock"]["counts"]
    assert own == {"4xx": "unknown", "429": "unknown", "timeout": "neutral"}
    found.upstreams["stock"].note_attempts({"503": 2}, at_once=False)
    assert "B1" in sections["without"]
    assert "timeout: neutral, '429': neutral}" in as_contract(found, {"STOCK_URL": "stock"})


@pytest.mark.parametrize(
    "breaker",
    [
        Breaker(rule="in a row", threshold=4, wait=Span(low_s=7.9, high_s=8.1), trials=3),
        Breaker(rule="in a row", wait=Span(low_s=7.9, high_s=8.1), trials=1),
        Breaker(rule="rate", wait=Span(low_s=7.9, high_s=8.1), trials=1),
    ],
)
def test_nobody_is_held_to_half_a_breaker(breaker):
    """What closes it, or opens it, isn't known."""
    found = measured()
    found.upstreams["stock"].breaker = breaker
    assert {"B2", "B4"} <= set(target_sections(found, document())["without"])


def test_what_was_not_found_is_not_promised_by_the_contracts_own_claims():
    found = measured()
    found.upstreams["stock"].breaker.wait = None
    sections = target_sections(found, parse_contract(OWN, "shop.yaml"))
    assert sections["without"][:4] == [
        "opens after enough failures", "turns nobody away while closed", "S1",
        "turns away at once while open",
    ]  # fmt: skip
    assert "without: [B2, B3, B4, B5, B6, B7]" in as_target(found, document())


@pytest.mark.parametrize(
    ("answered", "else_", "expected"),
    [
        ({503}, "503", "503"),
        ({502}, "502", "502"),  # a gateway's own word for an upstream that doesn't answer
        ({502, 503}, "[502, 503, 504]", "[502, 503, 504]"),  # by what it met
        ({500}, "503", "503"),
        ({500, 503}, None, None),
        ({200}, "go on", "200"),
    ],
)
def test_what_a_route_answers_while_an_upstream_is_down(answered, else_, expected):
    found = measured(trials=1)
    route = Called(
        name="price", request="GET /price", stream={"request": "GET /price"}, status=200,
        calls=(("stock", "GET /left"),), lasts_s=0.01,
    )  # fmt: skip
    found.known = Known(routes=(route,))
    note_answers(found.downs, "GET /price", "stock", answered)
    contract = as_contract(found, {"STOCK_URL": "stock"})
    assert (else_ is None) == ("calls:" not in contract)
    assert else_ is None or f"else: {else_}" in contract
    parse_contract(contract, "contract.yaml")
    scenario = scenario_text(found, "stock")
    assert expected is None or f"status: {expected}" in scenario
    parse_scenario(scenario, "down.yaml", target=parse_target(TARGET, "target.yaml"))


def test_nobody_is_held_to_a_count_of_attempts_or_calls_that_was_not_found():
    """Attempts count where nothing is said: a Django bakery's breaker counted calls."""
    found = measured(trials=1)
    found.upstreams["stock"].attempts = 3
    assert {"B2", "B4"} <= set(target_sections(found, document())["without"])
    found.upstreams["stock"].by = "call"
    assert "B2" not in target_sections(found, document())["without"]


def test_a_retry_after_that_is_heeded_is_promised():
    found = measured(trials=1)
    stock = found.upstreams["stock"]
    stock.attempts, stock.backoffs, stock.retry_after = 2, spans((0.2, 0.2)), "honoured"
    contract = as_contract(found, {"STOCK_URL": "stock"})
    assert parse_contract(contract, "contract.yaml").settings_of("stock").backoff.heeds


def test_a_least_number_that_is_not_known_exactly_is_not_promised():
    found = measured()
    found.upstreams["stock"].breaker = rate()
    found.upstreams["stock"].breaker.least = Span(low_s=4, high_s=6)
    assert {"B2", "B4"} <= set(target_sections(found, document())["without"])


def spans(*bounds: tuple[float, float]) -> tuple[Span, ...]:
    return tuple(Span(low_s=low, high_s=high) for low, high in bounds)


@pytest.mark.parametrize(
    "found_s",
    [((0.0, 0.15), (0.0, 0.31), (0.0, 0.62)), ((0.4, 0.9),), ((0.2, 0.3), (0.9, 1.4), (0.1, 0.6))],
)
def test_waits_by_chance_are_written_as_an_interval_that_holds_them(found_s):
    found = measured(trials=1)
    stock = found.upstreams["stock"]
    stock.attempts, stock.backoffs = len(found_s) + 1, spans(*found_s)
    text = as_contract(found, {"STOCK_URL": "stock"})
    own = parse_contract(text, "contract.yaml").settings_of("stock").backoff
    for number, (low_s, high_s) in enumerate(found_s, 1):
        least_s, most_s = own.between_s(number)
        assert least_s <= low_s
        assert most_s >= high_s
        assert most_s <= max(high for _, high in found_s) + 0.02


def test_what_a_busy_machine_left_vague_is_no_promise_or_an_interval():
    found = measured(trials=1)
    found.upstreams["stock"].timeout = Span(low_s=1.05, high_s=1.35)
    found.upstreams["stock"].breaker.wait = Span(low_s=9.73, high_s=10.44)
    sections = target_sections(found, document())
    assert sections["breakers"]["stock"]["wait"] == {"first": "9.7s", "tick": "800ms"}
    assert "B8" in sections["without"]
    found.upstreams["stock"].breaker.later_waits = spans((19.0, 21.0))  # and then?
    assert "B4" in target_sections(found, document())["without"]


@pytest.mark.parametrize(
    ("first", "later", "said"),
    [
        ((2.99, 3.01), ((8.99, 9.01), (19.9, 20.1), (19.4, 20.6)),
         {"first": "3s", "factor": 3, "most": "20s"}),
        # one that is the longest at once may have grown by any factor that leads there
        ((3.0, 3.1), ((9.0, 9.1), (8.9, 9.2)), {"first": "3s", "factor": 3, "most": "9s"}),
        ((4.99, 5.01), ((9.99, 10.01), (14.9, 15.1), (19.9, 20.1)),
         {"first": "5s", "step": "first"}),
        ((4.99, 5.01), ((7.49, 7.51), (11.2, 11.3), (16.8, 16.9)),
         {"first": "5s", "factor": 1.5}),
        # in real time, by wider bounds
        ((3.9, 4.2), ((11.9, 12.3), (35.8, 36.4), (44.9, 45.3), (44.8, 45.2)),
         {"first": "4s", "factor": 3, "most": "45s"}),
        # nobody knows how these go on, or says such a thing
        ((4.99, 5.01), ((9.99, 10.01),), None),
        ((9.99, 10.01), ((4.99, 5.01), (4.9, 5.1)), None),
        ((4.99, 5.01), ((9.99, 10.01), (10.9, 11.1), (30.0, 30.1), (30.0, 30.2)), None),
    ],
)  # fmt: skip
def test_waits_that_grow_are_said_as_they_do(first, later, said):
    (own,) = spans(first)
    assert grown(own, spans(*later)) == said


@pytest.mark.parametrize(
    ("low", "high", "percent"),
    [(1 / 3, 0.4, 40), (0.3, 0.35, 35), (9 / 19, 0.5, 50), (0.5, 0.51, 51), (0.4495, 0.4545, 45)],
)
def test_a_share_is_the_roundest_that_explains_it(low, high, percent):
    """Over the lower bound: at that it did not open."""
    assert round_percent(Span(low_s=low, high_s=high)) == percent


@pytest.mark.parametrize(
    ("found", "first", "last"),
    [
        ({"rule": "among", "threshold": 2}, 9.3, 13.1),
        ({"threshold": 2}, 7.8, 8.6),
        ({"rule": "rate", "share": Span(low_s=0.9, high_s=1.0), "least": ONE}, 17.6, 20.9),
    ],
)
def test_a_window_that_is_not_known_exactly_holds_nobody_to_one_of_its_lengths(found, first, last):
    """Of two failures so far apart either is right; of nearer, and of farther ones, one is."""
    own = Breaker(
        **({"rule": "in a row", "wait": Span(low_s=7.9, high_s=8.1)} | found),
        window_s=Span(low_s=first, high_s=last),
    )
    measured = Measured(
        target="shop", engine="local", known=Known(routes=()), downs=Downs(),
        upstreams={"stock": Findings(upstream="stock", attempts=1, breaker=own)},
    )  # fmt: skip
    text = as_contract(measured, {"STOCK_URL": "stock"})
    rule = parse_contract(text, "contract.yaml").settings_of("stock").breaker.opens

    def may_open(apart_s: float) -> set[bool]:
        failures = rule.after(rule.after(rule.begin, True, 0.0), True, apart_s)
        return set(rule.may_open(failures, 0.0))

    if own.rule != "rate":  # of a share of the newest alone all have failed, too
        assert may_open(first / 2) == {True}
        assert may_open(2.5 * last) == {False}
        assert may_open(first + 0.1) == may_open(last - 0.1) == {True, False}
    assert f"within: {(first + last) / 2:.1f}s, buckets: " in text


def test_one_upstream_without_a_breaker_takes_nothing_from_the_others():
    """All that breakers promise was left out for an upstream that had none."""
    found = measured(trials=1)
    found.upstreams["prices"] = Findings(
        upstream="prices", attempts=1, backoffs=(), timeout=Span(low_s=0.6, high_s=0.7),
        breaker=Breaker(rule="none"),
    )  # fmt: skip
    found.upstreams["stock"].backoffs = ()
    sections = target_sections(found, document())
    assert sections["breakers"]["prices"] == {"attempts": 1, "timeout": "700ms", "rule": "none"}
    assert "without" not in sections
    found.upstreams["stock"].resends = True
    assert target_sections(found, document())["without"] == ["B7 at stock"]
    found.upstreams["stock"].breaker = Breaker(rule="none")
    assert "B2" in target_sections(found, document())["without"]


@pytest.mark.parametrize(
    ("known", "without"),
    [
        (True, [f"B{number} at prices" for number in (2, 3, 4, 5, 6)]),
        # whose attempts are whose hangs on how long others take
        (False, ["B2", "B3", "B4", "B5", "B6", "B8"]),
    ],
)
def test_a_breaker_that_is_not_known_takes_nothing_from_others_where_its_calls_are(known, without):
    found = measured(trials=1)
    found.upstreams["prices"] = Findings(
        upstream="prices", attempts=1, backoffs=(), breaker=Breaker(rule="rate"),
        timeout=Span(low_s=0.6, high_s=0.7) if known else None,
    )  # fmt: skip
    found.upstreams["stock"].backoffs = ()
    assert target_sections(found, document())["without"] == without


@pytest.mark.parametrize(
    ("by", "attempts", "rechecks"), [("call", 2, False), ("attempt", 2, True), ("call", 1, True)]
)
def test_who_counts_calls_is_asked_once_a_call(by, attempts, rechecks):
    """A retry of a call that was let in went on while the breaker was open: it was accused."""
    found = measured(trials=1)
    own = found.upstreams["stock"]
    own.attempts, own.by = attempts, by
    own.backoffs = (Span(low_s=0.59, high_s=0.61),) * (attempts - 1)
    text = as_contract(found, {"STOCK_URL": "stock"})
    assert parse_contract(text, "contract.yaml").settings_of("stock").rechecks is rechecks
    said = target_sections(found, document())["breakers"]["stock"].get("retries")
    assert said == (None if rechecks else "inside")
