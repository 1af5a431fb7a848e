"""What the wire says of a breaker, from histories made up event by event."""

import pytest
from msgspec.structs import replace

from harness.contracts import document
from harness.history.events import (
    Answered,
    Applied,
    Called,
    Crossed,
    Event,
    Lifted,
    Phase,
    Replied,
    Reported,
    Run,
    Sent,
)
from harness.history.view import History
from harness.policy.backoffs import Exponential
from harness.policy.settings import ServiceSettings, in_a_row
from harness.wire.wire import Wire
from harness.wire.witness import Witness


class Story:
    """Builds a history of one upstream: requests, attempts and one fault."""

    def __init__(self, upstream: str, *, fault: str, to_s: float, journal: bool = True) -> None:
        self.upstream = upstream
        self.ids = 0
        self.connections = 0
        evidence = ("stub", "proxy requests") if journal else ("stub",)
        self.events: list[Event] = [
            Run(
                at_s=-2,
                by="engine",
                scenario="s",
                file="s.yaml",
                engine="local",
                proxy="embedded",
                target="t",
                seed=0,
                upstreams=(upstream,),
                evidence=evidence,
            ),
            Applied(at_s=0, by="engine", fault=0, name=fault, upstreams=(upstream,), planned_s=0),
            Lifted(
                at_s=to_s, by="engine", fault=0, name=fault, upstreams=(upstream,), planned_s=to_s
            ),
        ]
        self.attempt(-1.0, took_s=0.01, status=200)
        self.request(0, -1.0, took_s=0.02, status=200)

    def request(
        self, number: int, at_s: float, *, took_s: float, status: int, body: object = None
    ) -> None:
        self.ids += 1
        self.events.append(
            Sent(
                at_s=at_s,
                by="client",
                id=self.ids,
                stream="chat",
                number=number,
                planned_s=at_s,
                method="POST",
                path="/chat",
            )
        )
        self.events.append(
            Answered(at_s=at_s + took_s, by="client", id=self.ids, status=status, body=body)
        )

    def attempt(
        self,
        at_s: float,
        *,
        took_s: float,
        status: int | None,
        route: str = "POST /verify",
        outcome: str = "sent",
    ) -> None:
        """One attempt; status None is silence until the client leaves."""
        method, _, path = route.partition(" ")
        self.connections += 1
        common = {"by": "proxy", "upstream": self.upstream, "connection": self.connections}
        self.events.append(Crossed(at_s=at_s, what="request", method=method, path=path, **common))
        if status is None:
            self.events.append(
                Crossed(at_s=at_s + took_s, what="closed", closed_by="client", **common)
            )
            return
        self.events.append(Crossed(at_s=at_s + took_s, what="response", status=status, **common))
        self.events.append(
            Called(
                at_s=at_s,
                by="stub",
                upstream=self.upstream,
                id=self.connections,
                route=route,
                path=path,
                of="x",
                attempt=1,
            )
        )
        self.events.append(
            Replied(
                at_s=at_s + took_s,
                by="stub",
                upstream=self.upstream,
                id=self.connections,
                status=status,
                outcome=outcome,
            )
        )

    def infer(self, end_s: float, settings: ServiceSettings | None = None) -> Wire:
        end = Phase(at_s=end_s, by="engine", phase="end")
        own = {self.upstream: settings or document().settings[self.upstream]}
        return Witness(History([*self.events, end]), own).at(self.upstream)


def blackhole(*, opens_s: int = 9, probe_s: float = 69.0) -> Story:
    """T1 as a sound gateway shows it: n = 2, T = 5 s, N = 5, W = 60 s."""
    story = Story("auth", fault="blackhole", to_s=50)
    for second in range(75):
        if second < opens_s:
            story.attempt(second + 0.002, took_s=5, status=None)
            if second + 6 < opens_s:
                story.attempt(second + 6.003, took_s=5, status=None)
                story.request(second + 1, second, took_s=11.01, status=401)
            else:
                story.request(second + 1, second, took_s=6.01, status=401)
        elif second < probe_s:
            story.request(second + 1, second, took_s=0.003, status=401)
        else:
            story.attempt(second + 0.002, took_s=0.004, status=200)
            story.request(second + 1, second, took_s=0.01, status=200)
    return story


def states(found: Wire) -> list[tuple[str, float]]:
    return [(t.state, round(t.at_s, 1)) for t in found.transitions]


def test_a_blackhole_opens_at_the_fifth_failure_and_closes_with_the_probe() -> None:
    found = blackhole().infer(75)

    assert states(found) == [("open", 9.0), ("half_open", 69.0), ("closed", 69.0)]
    assert found.turned_away[0].number == 10
    assert [probe.together for probe in found.probes] == [1]
    assert not found.late


def test_retries_after_the_trip_are_late_and_no_probes() -> None:
    story = blackhole()
    story.attempt(10.003, took_s=5, status=None)
    answered = next(e for e in story.events if isinstance(e, Answered) and e.at_s == 10.01)
    story.events.remove(answered)  # #5's, whose first attempt failed at 9 s
    story.events.append(replace(answered, at_s=15.01))

    found = story.infer(75)

    assert states(found)[0] == ("open", 9.0)
    assert [round(a.start_s) for a in found.late] == [10]
    assert states(found)[1] == ("half_open", 69.0)
    assert ["ask its breaker again" in cause.says for cause in found.causes] == [True]


def test_an_early_probe_is_an_attempt_while_it_was_open() -> None:
    story = blackhole()
    story.attempt(39.5, took_s=5, status=None)

    found = story.infer(75)

    assert found.opened is not None
    assert found.opened.at_s - found.opened.error_s == pytest.approx(9.0, abs=0.01)
    assert [a.start_s for a in found.late] == [39.5]
    assert found.refutation is not None
    assert (found.refutation.wrong, found.refutation.at_s) == ("while open", 39.5)


def test_calls_admitted_beside_the_probe_are_counted() -> None:
    story = Story("auth", fault="status", to_s=3)
    for at_s, number in ((0.0, 1), (0.5, 2), (1.0, 3), (1.5, 4), (1.9, 5)):
        story.attempt(at_s, took_s=0.002, status=503)
        story.request(number, at_s, took_s=1.01, status=401)
    story.request(6, 10, took_s=0.002, status=401)
    for number in range(3):
        story.attempt(62 + number / 1000, took_s=1.0, status=200)
        story.request(7 + number, 62 + number / 1000, took_s=1.01, status=200)

    found = story.infer(70)

    assert [probe.together for probe in found.probes] == [3]


def test_a_probe_that_fails_opens_again() -> None:
    story = Story("auth", fault="status", to_s=100)
    for at_s in (0.0, 0.4, 0.8, 1.2, 1.6):
        story.attempt(at_s, took_s=0.002, status=503)
        story.request(1, at_s, took_s=1.01, status=401)
    story.request(6, 3, took_s=0.002, status=401)
    story.attempt(62, took_s=0.002, status=503)
    story.request(7, 62, took_s=1.01, status=401)
    story.request(8, 64, took_s=0.002, status=401)

    found = story.infer(70)

    assert states(found) == [("open", 1.6), ("half_open", 62.0), ("open", 62.0)]
    assert found.closed is None


def refused_without_retries(*, status_endpoint: bool) -> Story:
    """T6: chroma refused; whether a chat was rejected or refused can't be told until 50 s."""
    story = Story("chroma", fault="refused", to_s=50)
    for second in range(70):
        story.request(second + 1, second, took_s=0.003, status=200)
        if second >= 64:
            story.attempt(second + 0.001, took_s=0.001, status=200)
    if status_endpoint:
        for state, at_s in (("open", 4.2), ("closed", 64.2)):
            story.events.append(
                Reported(
                    at_s=at_s, by="target", upstream="chroma", state=state, since_s=at_s - 0.25
                )
            )
    return story


def test_unseen_opening_is_told_by_the_wait_before_the_probe() -> None:
    opened = refused_without_retries(status_endpoint=False).infer(70).opened

    assert opened is not None
    assert opened.at_s - opened.error_s <= 4.0 <= opened.at_s + opened.error_s
    assert "nobody's attempts can be seen" in opened.evidence


def test_unseen_opening_is_told_better_by_the_status_endpoint() -> None:
    opened = refused_without_retries(status_endpoint=True).infer(70).opened

    assert opened is not None
    assert 3.9 <= opened.at_s <= 4.25
    assert "status endpoint" in opened.evidence


def test_refused_with_retries_shows_by_the_backoff() -> None:
    story = Story("auth", fault="refused", to_s=50)
    for second in range(70):
        if second < 3:
            story.request(second + 1, second, took_s=1.003, status=401)
        elif second < 62:
            story.request(second + 1, second, took_s=0.003, status=401)
        else:
            story.attempt(second + 0.001, took_s=0.002, status=200)
            story.request(second + 1, second, took_s=0.004, status=200)

    found = story.infer(70)

    assert found.opened is not None
    assert found.opened.at_s - found.opened.error_s <= 2.0 <= found.opened.at_s + 0.1
    assert found.turned_away[0].number == 4
    assert states(found)[1:] == [("half_open", 62.0), ("closed", 62.0)]


@pytest.mark.parametrize("rejected_from", [5, 6], ids=["the tie's chat too", "from the next"])
def test_refused_retries_count_towards_the_trip(rejected_from: int) -> None:
    """T4: the 10th failure is a retry at 5 s, whichever way its tie with chat #6 falls."""
    story = Story("billing", fault="refused", to_s=50)
    for second in range(40):
        took_s = 1.003 if second < rejected_from else 0.003
        story.request(second + 1, second, took_s=took_s, status=200, body={"charged": False})

    opened = story.infer(40).opened

    assert opened is not None
    assert opened.at_s == pytest.approx(5.0, abs=0.05)
    assert opened.error_s <= 0.05


def test_a_gateway_without_breaker_never_opens() -> None:
    story = Story("auth", fault="status", to_s=20)
    for second in range(30):
        status = 503 if second < 20 else 200
        story.attempt(second + 0.001, took_s=0.002, status=status)
        story.request(second + 1, second, took_s=0.004, status=500 if second < 20 else 200)

    found = story.infer(30, in_a_row(attempts=1, timeout_s=5, threshold=5, wait_s=60))

    assert found.transitions == ()
    assert not found.turned_away


def test_a_status_endpoint_that_contradicts_the_wire_is_told() -> None:
    story = blackhole()
    story.events.append(
        Reported(at_s=30.0, by="target", upstream="auth", state="open", since_s=29.8)
    )

    assert story.infer(75).changes.conflicts


def test_a_dead_process_behind_its_proxy_is_attempted_though_no_request_gets_in() -> None:
    story = Story("git", fault="empty", to_s=20)
    for second in range(20):
        if second < 5:
            story.connections += 1
            common = {"by": "proxy", "upstream": "git", "connection": story.connections}
            story.events.append(Crossed(at_s=second + 0.001, what="accepted", **common))
            story.events.append(
                Crossed(at_s=second + 0.002, what="closed", closed_by="upstream", **common)
            )
        story.request(second + 1, second, took_s=0.004, status=503)

    found = story.infer(20)

    assert states(found) == [("open", 4.0)]
    assert found.turned_away[0].number == 6


def test_requests_that_a_limit_turned_away_are_no_rejections() -> None:
    story = Story("auth", fault="status", to_s=1)
    for second in range(10):
        story.request(second + 1, second, took_s=0.002, status=429)

    assert story.infer(12).transitions == ()


def test_connections_alone_tell_when_a_blackhole_opened_the_breaker() -> None:
    story = blackhole()
    story.events[0] = replace(story.events[0], evidence=("stub", "proxy connections"))
    told = [e for e in story.events if isinstance(e, Crossed) and e.what == "request"]
    story.events = [e for e in story.events if not isinstance(e, Crossed)]
    story.events += [replace(e, what="accepted", connection=0) for e in told if e.at_s >= 0]

    found = story.infer(75)

    assert states(found) == [("open", 9.0), ("half_open", 69.0), ("closed", 69.0)]
    assert found.opened is not None
    assert found.opened.error_s < 0.1


def connections_only(story: Story, *, kept: int) -> Story:
    """As real Toxiproxy tells it: the first attempts of the outage went over kept connections, and
    who keeps one takes it again when all is well.
    """
    story.events[0] = replace(story.events[0], evidence=("stub", "proxy connections"))
    asked = [e for e in story.events if isinstance(e, Crossed) and e.what == "request"]
    story.events = [e for e in story.events if not isinstance(e, Crossed)]
    new = [e for e in asked if e.at_s < 0] + [e for e in asked if e.at_s >= 0][kept:]
    answered = {e.at_s for e in story.events if isinstance(e, Called)}
    again = [e for e in new if e.at_s in answered][1:] if kept else []
    new = [e for e in new if e not in again]
    story.events += [replace(e, what="accepted", connection=0) for e in new]
    return story


def test_an_attempt_on_a_kept_connection_is_implied_by_its_deadline() -> None:
    every = blackhole().infer(75)
    found = connections_only(blackhole(), kept=1).infer(75)

    starts = [a.start_s for a in every.attempts]
    assert [a.start_s for a in found.attempts] == pytest.approx(starts, abs=0.01)
    assert found.attempts[0].source == "latency"
    assert states(found) == states(every)


def test_an_implied_attempt_that_its_request_did_not_wait_out_is_implied_once() -> None:
    """Each gives up a little before the deadline: that was implied again and again, without end."""
    story = Story("auth", fault="unanswered", to_s=30)
    for second in range(3):
        story.request(second + 1, second, took_s=4.6, status=503)

    found = story.infer(30, in_a_row(attempts=1, timeout_s=5, threshold=3, wait_s=60))

    assert [(a.start_s, a.source) for a in found.attempts] == [
        (pytest.approx(second, abs=0.01), "latency") for second in range(3)
    ]


def test_who_keeps_no_connection_waited_for_others_and_made_no_unseen_attempt() -> None:
    """A breaker that a lock guards: one call at a time, each on a connection of its own."""
    story = Story("auth", fault="blackhole", to_s=20)
    for second in range(48):
        due_s = 3.0 * (second + 1)  # the calls of those before it come first
        if second < 3:
            story.attempt(due_s - 3 + 0.002, took_s=3, status=None)
        if second < 9:
            story.request(second + 1, second, took_s=min(due_s, 9.0) + 0.01 - second, status=503)
        elif second < 25:
            story.request(second + 1, second, took_s=0.003, status=503)
        else:
            story.attempt(second + 0.002, took_s=0.004, status=200)
            story.request(second + 1, second, took_s=0.01, status=200)
    own = in_a_row(attempts=1, timeout_s=3, threshold=3, wait_s=15)

    found = connections_only(story, kept=0).infer(48, own)

    assert [a.start_s for a in found.attempts[:4]] == pytest.approx([0, 3, 6, 25], abs=0.01)
    assert states(found) == [("open", 9.0), ("half_open", 25.0), ("closed", 25.0)]


def test_who_is_refused_after_no_wait_at_all_may_have_made_no_attempt() -> None:
    """With full jitter a retry may come at once: each that was turned away had "tried twice"."""
    story = Story("auth", fault="refused", to_s=6)
    for number in range(12):
        story.request(number + 1, number / 2, took_s=0.7 if number < 2 else 0.002, status=503)
    for second in range(9, 12):
        story.attempt(second + 0.002, took_s=0.004, status=200)
        story.request(second + 4, second, took_s=0.01, status=200)
    jittered = Exponential(first_s=1.25, factor=1.0, most_s=1.25, shorter=1.0)
    own = replace(in_a_row(attempts=3, timeout_s=1.3, threshold=7, wait_s=8), backoff=jittered)

    found = story.infer(12, own)

    assert [a.source for a in found.attempts if a.start_s < 6 and a.start_s >= 0] == []
    assert found.refutation is None
    assert states(found)[-1][0] != "open"


@pytest.mark.parametrize("journal", [True, False])
def test_stub_calls_alone_tell_the_same(journal: bool) -> None:
    story = Story("auth", fault="status", to_s=3, journal=journal)
    for at_s, number in ((0.0, 1), (0.5, 2), (1.0, 3), (1.5, 4), (1.9, 5)):
        story.attempt(at_s, took_s=0.002, status=503)
        story.request(number, at_s, took_s=1.01, status=401)
    for second in range(3, 62):
        story.request(second + 3, second, took_s=0.002, status=401)
    for second in range(62, 65):
        story.attempt(second, took_s=0.002, status=200)
        story.request(second + 3, second, took_s=0.004, status=200)

    assert states(story.infer(66)) == [("open", 1.9), ("half_open", 62.0), ("closed", 62.0)]


@pytest.mark.parametrize(("probed", "states_after"), [(False, []), (True, ["half_open", "closed"])])
def test_what_a_stall_held_back_is_no_probe(probed: bool, states_after: list[str]) -> None:
    """Requests from before the trip arrive when the stall is lifted; an early probe is one."""
    story = Story("filesystem", fault="stall", to_s=30, journal=False)
    for second in range(40):
        if second < 10:
            story.request(second + 1, second, took_s=10.0, status=503)
        elif second < 30 or not probed:
            story.request(second + 1, second, took_s=0.003, status=503)
        else:
            story.attempt(second + 0.001, took_s=0.001, status=200)
            story.request(second + 1, second, took_s=0.004, status=200)
    for number in range(10):
        story.attempt(30.2 + number / 100, took_s=0.001, status=200)

    found = story.infer(40)

    assert [state for state, _ in states(found)[1:]] == states_after


def test_calls_that_wait_for_each_other_are_told_with_figures() -> None:
    queued, free = (Story("auth", fault="delay", to_s=50) for _ in range(2))
    for number in range(1, 6):
        queued.attempt(2.0 * (number - 1), took_s=2, status=200)
        queued.request(number, 0.0, took_s=2.0 * number, status=200)
        free.attempt(0.1 * number, took_s=2, status=200)
        free.request(number, 0.1 * number, took_s=2, status=200)

    found = queued.infer(20).queue

    assert found is not None
    assert (found.waited, found.longest_s, found.most) == (4, 8.0, 5)
    assert "up to 5 requests at once needed one, and 4 waited up to 8.0s" in found.says
    assert free.infer(20).queue is None


def test_what_a_lift_lets_go_before_it_is_confirmed_was_held_back() -> None:
    """Lifting takes a tenth of a second at a server, and calls come before that is known."""
    story = Story("auth", fault="stall", to_s=30, journal=False)
    lifted = story.events[2]
    assert isinstance(lifted, Lifted)
    story.events[2] = replace(lifted, at_s=30.12)

    sight = story.infer(40).sight

    assert sight.released(30.03)
    assert not sight.released(29.9)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_first_attempt_on_a_connection_just_cut_may_have_failed_although_its_retry_is_seen(
    seed: int,
) -> None:
    """By a seed that switches threads instants are less exact than the first wait is long."""
    story = Story("auth", fault="empty", to_s=2.5)
    story.events = [
        replace(event, engine="sim", seed=seed) if isinstance(event, Run) else event
        for event in story.events
    ]
    cut = {"by": "proxy", "upstream": "auth", "what": "closed", "closed_by": "proxy"}
    story.events.append(Crossed(at_s=0.0, connection=1, **cut))
    for connection, at_s in enumerate((0.3405, 1.0001, 1.4493), start=2):
        accepted = {"by": "proxy", "upstream": "auth", "what": "accepted"}
        story.events.append(Crossed(at_s=at_s, connection=connection, **accepted))
        story.events.append(Crossed(at_s=at_s + 0.0001, connection=connection, **cut))
    story.request(1, 0.0, took_s=1.4495, status=503)
    story.request(2, 1.0, took_s=0.5294, status=503)
    story.request(3, 2.0, took_s=0.0001, status=503)
    own = in_a_row(attempts=3, timeout_s=2.4, threshold=4, wait_s=9)
    wire = story.infer(3.0, replace(own, backoff=Exponential(0.66, 2.08, 1.37, shorter=0.69)))

    assert wire.refutation is None
    assert [(t.state, round(t.at_s, 2)) for t in wire.transitions] == [("open", 1.45)]
