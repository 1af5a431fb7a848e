"""What holds in every run, from histories by hand."""

from __future__ import annotations

import pytest

from harness.checks.promises import PROMISES, promises_of, violations
from harness.history.events import Crossed, Reported
from harness.judge import judge
from harness.verdict import Verdict

_DOWN = "faults: [{upstream: chroma, fault: status, status: 503, to: 5s}]"
_REACHES = ("auth", "billing", "chroma")
_ROUTES = {"chroma": "POST /query", "billing": "GET /balance/ada"}


def chatted(world, *, sent_s: float, degraded: bool, **run):
    """One chat, after a warm-up with chroma."""
    built = world(**run).warmed_up(reaches=_REACHES, routes=_ROUTES, body={"degraded": False})
    built.request("chat", int(sent_s) + 1, sent_s, 200, took_s=0.1, body={"degraded": degraded})
    for delay_s, name in enumerate(_REACHES, start=1):
        status = 503 if name == "chroma" and sent_s < 5 else 200
        built.call(name, sent_s + delay_s / 100, _ROUTES.get(name, "POST /verify_token"),
                   status=status)  # fmt: skip
    return built


def test_a_chat_without_chroma_that_does_not_say_so_is_told(case, world) -> None:
    played = chatted(world, sent_s=1.0, degraded=False).fault("status", "chroma", 0.0, 5.0)
    (found,) = (v for v in violations(case(_DOWN, played)) if v.promise == "degraded is said")
    assert (found.about, found.claims, found.request) == ("chroma", ("G5",), 2)


@pytest.mark.parametrize(
    ("text", "sent_s", "degraded"),
    [
        (_DOWN, 1.0, True),
        (_DOWN, 6.0, False),
        (_DOWN, 4.95, False),
        (_DOWN.replace("to: 5s", "to: 5s, one_in: 2"), 1.0, False),
        (_DOWN.replace("to: 5s", "to: 5s, above: 5/10s"), 1.0, False),
        (_DOWN.replace("to: 5s", "to: 5s, more_than: 3 at once"), 1.0, False),
        (_DOWN.replace("status, status: 503", "limit_data, bytes: 1B, toxicity: 50%"), 1.0, False),
        (_DOWN.replace("chroma", "auth"), 1.0, False),
    ],
    ids=[
        "says so",
        "after the lift",
        "across the lift",
        "some calls only",
        "beyond a rate",
        "beyond so many at once",
        "some connections only",
        "another upstream",
    ],
)
def test_what_may_have_had_chroma_is_not(case, world, text, sent_s, degraded) -> None:
    upstream = "auth" if "auth" in text else "chroma"
    played = chatted(world, sent_s=sent_s, degraded=degraded).fault("status", upstream, 0.0, 5.0)
    assert "degraded is said" not in {v.promise for v in violations(case(text, played))}


@pytest.mark.parametrize(("goes_s", "is_told"), [(0.5, True), (1.05, False)])
def test_what_another_toxic_lets_through_as_it_goes_was_not_without(
    case, world, goes_s, is_told
) -> None:
    """A toxic that goes hands on what another one on its link holds back."""
    held = (
        "faults: [{upstream: chroma, fault: stall, to: 5s}, "
        f"{{upstream: chroma, fault: latency, latency: 1ms, to: {goes_s}s}}]"
    )
    played = chatted(world, sent_s=1.0, degraded=False).fault("stall", "chroma", 0.0, 5.0)
    played.fault("latency", "chroma", 0.0, goes_s, index=1)
    told = {v.promise for v in violations(case(held, played))}
    assert ("degraded is said" in told) == is_told


def test_a_broken_promise_names_its_claims_and_its_request(case, world) -> None:
    played = chatted(world, sent_s=1.0, degraded=True).fault("status", "chroma", 0.0, 5.0)
    played.request("chat", 3, 2.0, 500)
    found = [f for f in promises_of(case(_DOWN, played)) if f.verdict is Verdict.FAILED]
    assert [(f.name, f.claims, f.examples) for f in found] == [("never 5xx (chat)", ("G9",), (3,))]


def test_what_a_target_does_without_is_never_said_to_hold(case, world) -> None:
    played = chatted(world, sent_s=1.0, degraded=True, without=("G9",))
    played.fault("status", "chroma", 0.0, 5.0).request("chat", 3, 2.0, 500)
    found = promises_of(case(_DOWN, played))
    assert [f.verdict for f in found if "5xx" in f.name] == [Verdict.OUT_OF_SCOPE]


def test_a_scenario_that_expects_nothing_is_judged_by_all_of_them(scenario, world) -> None:
    played = chatted(world, sent_s=1.0, degraded=True).fault("status", "chroma", 0.0, 5.0)
    judged = judge(scenario(_DOWN), played.history())
    assert judged.verdict is Verdict.PASSED, (judged.findings, judged.promises)
    assert [f.verdict for f in judged.promises] == [Verdict.PASSED] * len(PROMISES)
    played.request("chat", 3, 2.0, 504)
    assert judge(scenario(_DOWN), played.history()).verdict is Verdict.FAILED


_LOOKUP_DOWN = """
traffic: {look: {request: "GET /v1/api/lookup?q=x", as: ada, rate: 1/s}}
faults: [{upstream: external_data, fault: status, status: 503, to: 20s}]
"""


_LOOKUP_REFUSED = """
traffic: {look: {request: "GET /v1/api/lookup?q=x", as: ada, rate: 1/s}}
faults:
  - {upstream: external_data, fault: status, status: 408, to: 10s}
  - {upstream: external_data, fault: status, status: 451, from: 10s, to: 20s}
"""


def looked_up(
    world, *, statuses: dict[float, int], failing: tuple[float, ...], until_s: float = 20
):
    """Lookups, one attempt each where the breaker lets it through."""
    reaches = ("auth", "external_data")
    routes = {"external_data": "GET /lookup"}
    built = world().warmed_up("look", reaches=reaches, routes=routes, method="GET",
                              path="/v1/api/lookup?q=x")  # fmt: skip
    built.fault("status", "external_data", 0.0, until_s)
    for at_s, status in statuses.items():
        built.request("look", int(at_s) + 1, at_s, status, took_s=0.1, method="GET",
                      path="/v1/api/lookup?q=x")  # fmt: skip
        built.call("auth", at_s + 0.01)
        if at_s in failing:
            built.call("external_data", at_s + 0.03, "GET /lookup", status=503)
    return built


def broken_in(case, built) -> list[tuple[str, int | None]]:
    found = violations(case(_LOOKUP_DOWN, built))
    return [(v.name, v.request) for v in found]


def test_a_good_answer_whose_required_call_failed_is_told(case, world) -> None:
    told = looked_up(world, statuses={0.0: 503, 1.0: 200}, failing=(0.0, 1.0))
    assert broken_in(case, told) == [("never served without external_data (look)", 3)]


def test_a_good_answer_while_everybody_is_turned_away_is_told(case, world) -> None:
    failing = (0.0, 1.0, 2.0, 3.0, 4.0)
    told = looked_up(world, statuses=dict.fromkeys(failing, 503) | {5.0: 503, 6.0: 200},
                     failing=failing)  # fmt: skip
    assert broken_in(case, told) == [("never served without external_data (look)", 8)]


def test_who_never_asked_may_have_kept_it(case, world) -> None:
    """One request made no attempt although the breaker was closed: it may know the answer."""
    failing = (0.0, 1.0, 3.0, 4.0, 5.0)
    told = looked_up(world, statuses={0.0: 503, 1.0: 503, 2.0: 200, 3.0: 503, 4.0: 503, 5.0: 503,
                                      6.0: 503, 7.0: 200}, failing=failing)  # fmt: skip
    assert broken_in(case, told) == []


def test_an_upstream_s_error_is_no_refusal_that_may_be_passed_on(case, world) -> None:
    told = looked_up(world, statuses={0.0: 503, 1.0: 404}, failing=(0.0, 1.0))
    assert broken_in(case, told) == [("never 404 (look)", 3)]


@pytest.mark.parametrize(
    ("passed_on", "found"), [(408, []), (451, []), (413, [("never 413 (look)", 2)])]
)
def test_whatever_refusal_a_fault_makes_an_upstream_say_may_be_passed_on(
    case, world, passed_on: int, found: list[tuple[str, int]]
) -> None:
    """A sound gateway was failed for a 408, of which no list had thought."""
    built = looked_up(world, statuses={0.0: passed_on}, failing=())
    built.call("external_data", 0.03, "GET /lookup", status=passed_on)
    said = [(v.name, v.request) for v in violations(case(_LOOKUP_REFUSED, built))]
    assert said == found


def tried(world, *, attempts: int, took_s: float, status: int = 401):
    """One check while auth answers 503, and one after the lift; two attempts are promised."""
    built = world().warmed_up().fault("status", "auth", 0.0, 5.0)
    built.request("chat", 1, 0.0, status, took_s=took_s)
    for number in range(attempts):
        built.call("auth", 0.01 + 1.005 * number, status=503)
    return built.request("chat", 9, 8.0, 200, took_s=0.1).call("auth", 8.02)


_AUTH_DOWN = "faults: [{upstream: auth, fault: status, status: 503, to: 5s}]"


@pytest.mark.parametrize(
    ("attempts", "took_s", "broken"),
    [(1, 0.02, ["as many attempts as promised (auth)"]), (2, 1.05, [])],
)
def test_a_failed_call_is_tried_as_often_as_promised(case, world, attempts, took_s, broken) -> None:
    found = violations(case(_AUTH_DOWN, tried(world, attempts=attempts, took_s=took_s)))
    assert [violation.name for violation in found] == broken


def turned_away(world, *, took_s: float):
    """Auth's breaker opens at 2 s; whoever comes later is answered so late."""
    built = world().warmed_up().fault("status", "auth", 0.0, 20.0)
    for second in range(8):
        late_s = 1.02 if second < 2 else took_s if second > 2 else 0.02
        built.request("chat", second + 1, second, 401, took_s=late_s)
    for at_s in (0.01, 1.01, 1.015, 2.01, 2.015):
        built.call("auth", at_s, status=503)
    return built


@pytest.mark.parametrize(("took_s", "broken"), [(0.05, []), (0.9, ["rejected at once (auth)"])])
def test_whoever_meets_an_open_breaker_goes_on_at_once(case, world, took_s, broken) -> None:
    text = _AUTH_DOWN.replace("5s", "20s")
    found = violations(case(text, turned_away(world, took_s=took_s)))
    assert [violation.name for violation in found] == broken


def chats_without(world, *, degraded: bool, calls: tuple[str, ...], said: str):
    """Chats that answer so, with calls at these upstreams only; what the target says of chroma."""
    built = world().warmed_up(
        reaches=("auth", "billing", "chroma"), routes=_ROUTES, body={"degraded": False}
    )
    for second in range(8):
        built.request("chat", second + 1, second, 200, took_s=0.1, body={"degraded": degraded})
        for delay_s, name in enumerate(calls, start=1):
            built.call(name, second + delay_s / 100, _ROUTES.get(name, "POST /verify_token"))
    common = {"by": "engine", "upstream": "chroma"}
    built.events.append(Reported(at_s=-0.5, since_s=-1.0, state="closed", **common))
    built.events.append(Reported(at_s=0.6, since_s=0.5, state=said, **common))
    return built


_SLOW = "faults: [{upstream: chroma, fault: latency, latency: 1s, to: 5s}]\nduration: 8s"


def test_a_good_answer_for_want_of_one_upstream_says_that_it_turned_the_request_away(
    case, world
) -> None:
    """Nothing else is missing, so that its breaker is open, and its status page is right."""
    told = chats_without(world, degraded=True, calls=("auth", "billing"), said="open")
    told.fault("latency", "chroma", 0.0, 5.0)
    found = case(_SLOW, told, end_s=8.0)
    assert len(found.wire("chroma").turned_away) == 8
    names = [violation.name for violation in violations(found)]
    assert names == ["nobody turned away while closed (chroma)"]


def test_a_status_page_is_believed_where_nobody_was_let_through(case, world) -> None:
    told = chats_without(world, degraded=True, calls=("auth",), said="open")
    told.fault("latency", "chroma", 0.0, 5.0)
    found = case(_SLOW, told, end_s=8.0)
    assert not found.wire("chroma").turned_away  # billing is missing, too: nobody can tell
    assert [v.name for v in violations(found)] == []


def test_a_status_page_that_says_open_while_calls_go_through_is_told(case, world) -> None:
    told = chats_without(world, degraded=False, calls=_REACHES, said="open")
    told.fault("delay", "chroma", 0.0, 5.0)
    found = violations(
        case(_SLOW.replace("latency: 1s", "delay: 1s").replace("latency", "delay"), told, end_s=8.0)
    )
    assert [v.name for v in found] == ["a truthful status endpoint (chroma)"]


_DEDUCT = "POST /deduct"
_DEDUCT_DOWN = "faults: [{upstream: billing, fault: status, status: 402, on: POST /deduct, to: 9s}]"


def paid(world, *, jobs: tuple[tuple[str, int], ...]):
    """Two chats; the job of the first one, `old`, is given up; the second one's deducts, one a
    second, are of these jobs and end so.
    """
    built = world().warmed_up(reaches=("auth", "billing"), routes={"billing": _DEDUCT})
    built.fault("status", "billing", 0.0, 9.0)
    built.request("chat", 1, 0.0, 200, took_s=1.1).call("auth", 0.01)
    for at_s in (0.03, 1.035):
        built.call("billing", at_s, _DEDUCT, status=503, of="old")
    sent_s = 5.0
    built.request("chat", 6, sent_s, 200, took_s=0.1 + len(jobs)).call("auth", sent_s + 0.01)
    for number, (job, status) in enumerate(jobs):
        built.call("billing", sent_s + 0.03 + 1.005 * number, _DEDUCT, status=status, of=job)
    return built


@pytest.mark.parametrize(
    ("jobs", "told"),
    [
        ((("new", 402), ("new", 200)), {"never retried what was answered"}),
        ((("new", 402), ("old", 200)), set()),
        ((("old", 503), ("new", 503), ("new", 503)), set()),
        ((("new", 503), ("new", 503), ("new", 503)), {"no more attempts than promised"}),
        ((("old", 503), ("new", 200)), set()),
        ((("old", 503),), set()),
    ],
)
def test_what_is_attempted_for_another_job_is_no_retry(case, world, jobs, told) -> None:
    """A queue of charges may come to an older one while a request is under way."""
    built = paid(world, jobs=jobs)
    found = [v for v in violations(case(_DEDUCT_DOWN, built)) if v.request == 3]
    assert {v.promise for v in found if "retried" in v.promise or "attempts" in v.promise} == told


_IDLE = "no wait after the last attempt"


@pytest.mark.parametrize(("slept_s", "told"), [(0.0, []), (2.0, [6])])
def test_who_sleeps_after_its_last_attempt_is_told_where_requests_overlap(
    case, world, slept_s, told
) -> None:
    """One attempt each; the fifth opens the breaker, and only then is nobody else's near."""
    built = looked_up(world, statuses={}, failing=())
    for number in range(6):
        turned_away = number == 5
        took_s = 0.05 if turned_away else 0.05 + slept_s
        sent_s = 2.0 * number
        built.request("look", number + 1, sent_s, 503, took_s=took_s, method="GET",
                      path="/v1/api/lookup?q=x")  # fmt: skip
        built.call("auth", sent_s + 0.01)
        if not turned_away:
            built.call("external_data", sent_s + 0.03, "GET /lookup", status=503)
    found = violations(case(_LOOKUP_DOWN, built))
    assert [v.request for v in found if v.promise == _IDLE] == told


@pytest.mark.parametrize(("slept_s", "told"), [(0.0, []), (2.0, [3])], ids=["sound", "sleeps"])
def test_who_waits_for_an_attempt_that_is_refused_then_does_not_sleep_after_its_last(
    case, world, slept_s, told
) -> None:
    """Two attempts each, and five open the breaker: the third chat's second is not made (B6)."""
    built = world().warmed_up().fault("status", "auth", 0.0, 20.0)
    for number, attempts in enumerate((2, 2, 1)):
        took_s = 1.02 + (slept_s if attempts == 2 else 0.0)
        built.request("chat", number + 1, float(number), 401, took_s=took_s)
        for again in range(attempts):
            built.call("auth", number + 0.01 + 1.005 * again, status=503)
    found = violations(case(_AUTH_DOWN.replace("5s", "20s"), built))
    assert [v.request for v in found if v.promise == _IDLE] == told


@pytest.mark.parametrize(
    ("later", "told"),
    [
        ((("a", 402), ("a", 200)), ["billing was called again at 7.04 s for a job that it had "
                                    "answered with 402 at 6.04 s"]),
        ((("a", 503), ("a", 503), ("a", 503)), ["billing was called 3 times for one job; 2 is the "
                                                "most"]),
        ((("a", 503), ("a", 200), ("b", 402)), []),
        ((("first", 402), ("first", 402)), []),
    ],
    ids=["again", "too often", "sound", "a key of its own"],
)  # fmt: skip
def test_a_job_that_a_queue_comes_back_to_is_known_again(case, world, later, told) -> None:
    """Jobs are attempted while nobody is served; a key that the warm-up had is no job's own."""
    built = world().warmed_up(reaches=("auth",)).call("billing", -0.9, _DEDUCT, of="first")
    built.fault("status", "billing", 0.0, 9.0)
    built.request("chat", 1, 0.0, 200, took_s=0.1).call("auth", 0.01)
    built.call("billing", 0.03, _DEDUCT, of="zero")
    for number, (job, status) in enumerate(later):
        built.call("billing", 6.035 + 1.005 * number, _DEDUCT, status=status, of=job)
    found = violations(case(_DEDUCT_DOWN, built))
    assert [v.says for v in found if v.request is None and v.about == "billing"] == told


def test_requests_that_call_other_upstreams_are_no_company(case, world) -> None:
    """The retry of a lookup comes 3 s late, while somebody else checks in."""
    built = world().warmed_up().warmed_up("look", reaches=("filesystem",), at_s=-1.5, method="GET",
                                          path="/v1/api/lookup?q=x")  # fmt: skip
    built.fault("status", "filesystem", 0.0, 20.0)
    built.request("look", 1, 0.0, 200, took_s=4.1, method="GET", path="/v1/api/lookup?q=x")
    built.request("chat", 1, 1.0, 200, took_s=0.1).call("auth", 1.01)
    for at_s, status in ((0.01, 503), (4.02, 200)):
        built.call("filesystem", at_s, status=status)
    text = (
        "traffic: {chat: {request: POST /v1/api/chat, as: ada, rate: 1/s}, "
        "look: {request: 'GET /v1/api/lookup?q=x', as: ada, rate: 1/s}}\n"
        "faults: [{upstream: filesystem, fault: status, status: 503, to: 20s}]"
    )
    found = [v.about for v in violations(case(text, built)) if "backoff" in v.promise]
    assert found == ["filesystem"]


def test_a_status_page_that_a_breaker_with_other_rules_would_make_true_is_not_blamed_alone(
    case, world
) -> None:
    """Five failures open it at 4 s. Its probe is answered 429, and it says closed: it takes that
    for a success, or it lies. The next call is as right for a breaker that tries again at once.
    """
    built = world().warmed_up().fault("status", "auth", 0.0, 90.0)
    for second in range(80):
        made = second < 5 or second >= 65
        status = 503 if second < 5 else 429
        built.request("chat", second + 1, float(second), 401)
        if made:
            built.call("auth", second + 0.002, status=status)
    for at_s, state in ((4.5, "open"), (65.5, "closed")):
        built.events.append(
            Reported(at_s=at_s, by="status", upstream="auth", state=state, since_s=at_s - 1.0)
        )
    found = [v for v in violations(case(_AUTH_DOWN.replace("5s", "90s"), built))
             if v.promise == "a truthful status endpoint"]  # fmt: skip
    assert [("B4" in v.claims or "B1" in v.claims, "B12" in v.claims) for v in found] == [
        (True, True)
    ]
    assert "or it tells the truth, and it behaves as one that" in found[0].evidence


def test_who_is_served_as_ever_without_being_asked_for_was_not_turned_away(case, world) -> None:
    """The first chat's user was remembered; those after it show what one without auth is told."""
    balance = "GET /balance/ada"
    built = world().warmed_up(reaches=("auth", "billing"), routes={"billing": balance})
    built.fault("status", "auth", 0.0, 20.0)
    built.request("chat", 1, 0.0, 200, took_s=0.1).call("billing", 0.02, balance)
    for second in (2, 4):
        built.request("chat", second + 1, float(second), 401, took_s=1.1)
        for after_s in (0.01, 1.02):
            built.call("auth", second + after_s, status=503)
    found = case(_AUTH_DOWN.replace("5s", "20s"), built)
    assert not found.wire("auth").turned_away
    assert [v.name for v in violations(found)] == ["never let in: auth can't say (auth)"]


def test_who_fails_on_a_connection_that_was_cut_may_not_have_been_turned_away(case, world) -> None:
    path = {"method": "GET", "path": "/v1/api/lookup?q=x"}
    reaches, routes = ("auth", "external_data"), {"external_data": "GET /lookup"}
    built = world().warmed_up("look", reaches=reaches, routes=routes, **path)
    built.fault("restart", "external_data", 4.0, 6.0)
    for second, status in ((2, 200), (8, 503), (12, 200)):
        built.request("look", second + 1, float(second), status, took_s=0.1, **path)
        built.call("auth", second + 0.01)
        if status == 200:
            built.call("external_data", second + 0.03, "GET /lookup")
        if second == 2:
            cut = {"upstream": "external_data", "connection": built._call, "by": "proxy"}
            built.events.append(Crossed(at_s=4.01, what="closed", closed_by="upstream", **cut))
    text = _LOOKUP_DOWN.replace("status, status: 503, to: 20s", "restart, from: 4s, to: 6s")
    found = violations(case(text, built))
    (told,) = (v for v in found if v.promise == "nobody turned away while closed")
    assert told.says.endswith("(or it asked on a connection that had been cut at 4.01 s)")


@pytest.mark.parametrize(
    ("kind", "told"),
    [("slicer", set()), ("stall", set()), ("status", {"charged at most once"})],
)
def test_a_charge_that_was_held_on_its_way_is_its_chats_however_late(
    case, world, kind, told
) -> None:
    """The chat was answered at 1 s; a call for its charge arrives with the fault's lift at 9 s."""
    built = world().warmed_up(reaches=("auth", "billing"), routes={"billing": _DEDUCT})
    built.fault(kind, "billing", 0.0, 9.0)
    built.request("chat", 1, 0.0, 200, took_s=1.0).call("auth", 0.01)
    built.call("billing", 9.0, _DEDUCT).charge(9.001)
    names = {v.promise for v in violations(case(_DEDUCT_DOWN, built))}
    assert {name for name in names if "charge" in name} == told
