"""Calls that no request caused, although a warm-up's request was under way at one of them."""

import pytest
from msgspec.structs import replace

from harness.history.events import Crossed, Phase, Run
from harness.history.view import History
from harness.policy.settings import in_a_row
from harness.wire.learned import WarmUp
from harness.wire.wire import Wire
from harness.wire.witness import Witness
from tests.unit.wire.test_witness import Story

HEALTH = "GET /healthz"
SETTINGS = in_a_row(attempts=1, timeout_s=2, threshold=3, wait_s=60)


def beating(*instants: float) -> Story:
    """A loop that asks for its upstream's health, in the warm-up's only request too."""
    story = Story("auth", fault="status", to_s=4)
    for at_s in (-0.995, *instants):
        story.attempt(at_s, took_s=0.002, status=200, route=HEALTH)
    return story


def wire_of(story: Story, *, contract: bool) -> Wire:
    end = Phase(at_s=8.0, by="engine", phase="end")
    history = History([*story.events, end])
    if not contract:
        return Witness(history, {"auth": SETTINGS}).at("auth")
    verified = Witness(
        history,
        {"auth": SETTINGS},
        template=lambda upstream, route: route if route == "POST /verify" else "",
    )
    return verified.at("auth")


def healthy(*instants: float) -> Story:
    story = beating(*instants)
    for second in range(8):
        story.attempt(second + 0.002, took_s=0.002, status=200)
        story.request(second + 1, second, took_s=0.005, status=200)
    return story


def test_a_loop_is_nobodys_whose_beat_fell_into_the_warm_up() -> None:
    wire = wire_of(healthy(2.5, 5.005), contract=False)

    assert [a.start_s for a in wire.background] == [2.5, 5.005]
    assert len(wire.attempts) == 8


def test_a_declared_call_is_no_requests_although_it_is_seen_in_the_warm_up_only() -> None:
    story = beating()
    events = [
        replace(event, background=(f"auth {HEALTH}",)) if isinstance(event, Run) else event
        for event in story.events
    ]

    undeclared, declared = (
        {call.route for calls in WarmUp(History(each)).calls.values() for call in calls}
        for each in (story.events, events)
    )

    assert undeclared - declared == {HEALTH}


def test_what_is_called_only_while_somebody_asks_may_be_theirs() -> None:
    wire = wire_of(healthy(2.003, 5.003), contract=False)

    assert not wire.background  # a call that some requests do without: its answer may be kept


def test_a_call_that_no_contract_names_is_nobodys_while_everybody_is_turned_away() -> None:
    story = beating(2.5, 5.5)
    for second in range(8):
        if second < 3:
            story.attempt(second + 0.002, took_s=0.002, status=503)
        story.request(second + 1, second, took_s=0.005, status=401)

    told = wire_of(story, contract=True)

    assert [a.start_s for a in told.background] == [2.5, 5.5]
    assert told.refutation is None
    assert [(t.state, round(t.at_s)) for t in told.transitions] == [("open", 2)]


def test_a_refused_connect_while_nobody_asks_is_of_the_loop_that_is_seen_later() -> None:
    """It has too few beats for a rhythm, and a refused connect doesn't say what it was for."""
    story = Story("auth", fault="refused", to_s=4)
    for at_s in (0.002, 1.002, 1.5, 2.002):
        refused = {"what": "refused", "connection": 0}
        story.events.append(Crossed(at_s=at_s, by="proxy", upstream="auth", **refused))
    story.attempt(5.5, took_s=0.002, status=200, route=HEALTH)
    for second in range(8):
        story.request(second + 1, second, took_s=0.005, status=401)

    told = wire_of(story, contract=True)

    assert [a.start_s for a in told.background] == [5.5, 1.5]
    assert told.refutation is None
    assert [(t.state, round(t.at_s)) for t in told.transitions] == [("open", 2)]


def test_what_a_contract_names_stays_the_requests_own_wherever_it_is_called() -> None:
    story = Story("auth", fault="status", to_s=4)
    for second in range(3):
        story.attempt(second + 0.002, took_s=0.002, status=503)
        story.request(second + 1, second, took_s=0.005, status=401)
    story.attempt(3.5, took_s=0.002, status=503)  # by nobody, while it is open

    wire = wire_of(story, contract=True)

    assert not wire.background
    assert wire.refutation is not None
    assert wire.refutation.at_s == 3.5


def test_what_a_fault_lets_go_after_its_clients_have_left_is_no_loop_s() -> None:
    """Calls as even as their traffic, and held ones that came when nobody asked: all of a sound
    gateway's calls were taken for a loop's.
    """
    story = Story("auth", fault="stall", to_s=16.0, journal=False)
    story.events[1] = replace(story.events[1], at_s=12.0, planned_s=12.0)  # type: ignore[call-arg]
    for second in range(12):
        story.attempt(second + 0.002, took_s=0.002, status=200)
        story.request(second + 1, second, took_s=0.005, status=200)
    for _ in range(3):
        story.attempt(16.0, took_s=0.002, status=200)
    told = wire_of(story, contract=False)
    assert not told.background
    assert len(told.attempts) == 12


def test_three_beats_are_enough_for_a_call_that_no_contract_names() -> None:
    """A call under way all the time leaves no beat outside of a request's life."""
    story = beating(2.005, 5.005)
    story.attempt(0.002, took_s=6, status=None)
    story.request(1, 0.0, took_s=7.5, status=401)
    for tenth in range(1, 4):
        story.attempt(tenth / 10, took_s=0.002, status=503)
        story.request(tenth + 1, tenth / 10, took_s=0.005, status=401)

    assert [a.start_s for a in wire_of(story, contract=True).background] == [2.005, 5.005]
    assert not wire_of(story, contract=False).background


def standing_in(*instants: float, lasts_s: float) -> Story:
    """An upstream that no request of the warm-up needs, called once a second while another is
    down.
    """
    story = Story("auth", fault="status", to_s=4)
    for second, at_s in enumerate(instants):
        story.attempt(at_s, took_s=0.002, status=200, route="GET /rate")
        story.request(second + 1, float(second), took_s=lasts_s, status=200)
    return story


def test_a_stand_in_beats_as_the_traffic_does_and_is_called_for_it() -> None:
    wire = wire_of(standing_in(*(second + 0.003 for second in range(7)), lasts_s=0.01),
                   contract=False)  # fmt: skip

    assert not wire.background
    assert len(wire.attempts) == 7


def test_a_beat_that_lies_in_requests_which_are_always_under_way_may_be_nobodys() -> None:
    wire = wire_of(standing_in(*(second + 0.003 for second in range(7)), lasts_s=0.9),
                   contract=False)  # fmt: skip

    assert len(wire.background) == 7


def hanging_up(background: tuple[str, ...] = ()) -> Story:
    """A loop asks once while its upstream hangs up on everybody, so that no route is seen."""
    story = Story("auth", fault="empty", to_s=8)
    story.events[0] = replace(story.events[0], background=background)
    for second in range(4):
        story.attempt(second + 0.002, took_s=0.002, status=503)
        story.request(second + 1, second, took_s=0.005, status=401)
    story.events += [
        Crossed(at_s=4.5, by="proxy", upstream="auth", connection=99, what="accepted"),
        Crossed(
            at_s=4.501, by="proxy", upstream="auth", connection=99, what="closed", closed_by="proxy"
        ),
    ]
    return story


def test_what_a_target_that_says_so_calls_while_nobody_asks_is_its_own() -> None:
    """A sound gateway was said to call an upstream whose breaker was open."""
    assert not wire_of(hanging_up(), contract=False).background

    wire = wire_of(hanging_up((f"auth {HEALTH}",)), contract=False)

    assert [a.start_s for a in wire.background] == [4.5]


def test_what_a_target_that_was_seen_to_call_another_upstream_by_itself_calls_is_its_own() -> None:
    story = hanging_up()
    story.events[0] = replace(story.events[0], upstreams=("auth", "billing"))
    for at_s in (2.5, 4.5):
        story.events += [
            Crossed(at_s=at_s, by="proxy", upstream="billing", connection=98, what="request",
                    method="GET", path="/healthz"),
        ]  # fmt: skip
    end = Phase(at_s=8.0, by="engine", phase="end")
    witness = Witness(History([*story.events, end]), dict.fromkeys(("auth", "billing"), SETTINGS))

    assert [a.start_s for a in witness.at("auth").background] == [4.5]


def refused(story: Story, *instants: float, upstream: str = "auth") -> None:
    """Connects that a port refused, which don't say what they were for."""
    story.events += [
        Crossed(at_s=at_s, by="proxy", upstream=upstream, what="refused", connection=0)
        for at_s in instants
    ]


def asked_for_health(story: Story, upstream: str, *instants: float) -> None:
    """Another upstream of the target's is asked for its health."""
    run = story.events[0]
    assert isinstance(run, Run)
    story.events[0] = replace(run, upstreams=(*run.upstreams, upstream))
    story.events += [
        Crossed(at_s=at_s, by="proxy", upstream=upstream, connection=98, what="request",
                method="GET", path="/healthz")
        for at_s in instants
    ]  # fmt: skip


def of_all(story: Story, *, end_s: float) -> Witness:
    run = story.events[0]
    assert isinstance(run, Run)
    history = History([*story.events, Phase(at_s=end_s, by="engine", phase="end")])
    return Witness(history, dict.fromkeys(run.upstreams, SETTINGS))


def always_under_way(story: Story, *, to_s: int) -> None:
    """Requests of which there is always one, so that no call lies outside of all of them."""
    for second in range(to_s):
        story.request(second + 1, second, took_s=1.5, status=401)


def test_a_loop_that_is_seen_after_a_fault_has_beaten_in_it_before() -> None:
    """A sound gateway was said to call an upstream whose breaker was open: its health checks."""
    story = Story("auth", fault="refused", to_s=8)
    always_under_way(story, to_s=19)
    refused(story, 0.002, 1.002, 2.002, 3.5, 5.5, 7.5)
    for second in range(9, 19, 2):
        story.attempt(second + 0.5, took_s=0.002, status=200, route=HEALTH)

    told = of_all(story, end_s=19.0).at("auth")

    assert sorted(a.start_s for a in told.background)[:3] == [3.5, 5.5, 7.5]
    assert told.refutation is None


@pytest.mark.parametrize(
    ("beats", "declared", "found"),
    [
        pytest.param((3.7, 6.3), (f"auth {HEALTH}",), [3.7, 6.3], id="declared"),
        pytest.param((3.7, 5.0, 6.3, 7.6), (), [3.7, 5.0, 6.3, 7.6], id="at every beat"),
        pytest.param((3.7, 6.3, 7.6), (), [], id="too seldom to be told"),
    ],
)
def test_what_a_loop_calls_elsewhere_at_that_instant_it_calls_here(
    beats: tuple[float, ...], declared: tuple[str, ...], found: list[float]
) -> None:
    story = Story("auth", fault="refused", to_s=9)
    always_under_way(story, to_s=9)
    refused(story, 0.002, 1.002, 2.002, *beats)
    asked_for_health(story, "billing", *(beat + 0.01 for beat in beats))
    run = story.events[0]
    assert isinstance(run, Run)
    story.events[0] = replace(run, background=(f"billing {HEALTH}", *declared))

    assert [a.start_s for a in of_all(story, end_s=9.0).at("auth").background] == found


@pytest.mark.parametrize(("others", "found"), [(("billing", "git"), [2.5]), (("billing",), [])])
def test_a_call_that_nobody_is_known_to_make_is_a_loop_s_where_several_get_it_at_once(
    others: tuple[str, ...], found: list[float]
) -> None:
    """One beat only, in a play that is over soon."""
    story = Story("auth", fault="status", to_s=4)
    always_under_way(story, to_s=4)
    story.attempt(2.5, took_s=0.002, status=503, route=HEALTH)
    for upstream in others:
        asked_for_health(story, upstream, 2.51)

    assert [a.start_s for a in of_all(story, end_s=4.0).at("auth").background] == found
