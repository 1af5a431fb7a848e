"""Instants before and after 0s."""

import asyncio

from harness.engines.chronicle import Chronicle
from harness.history.events import Event, Phase, Reported


def phase(at_s: float, name: str) -> Phase:
    return Phase(at_s=at_s, by="engine", phase=name)


def test_facts_before_zero_get_negative_instants_once_zero_is_known() -> None:
    seen: list[Event] = []
    chronicle = Chronicle(seen.append)
    chronicle.record(phase(chronicle.now(), "warm-up"))
    chronicle.record(
        Reported(at_s=chronicle.now(), by="target", upstream="a", state="closed", since_s=0.0)
    )
    assert not seen

    chronicle.begin(0.5)

    assert -0.6 < seen[0].at_s <= -0.5
    assert isinstance(seen[1], Reported)
    assert seen[1].since_s <= -0.5
    assert -0.6 < chronicle.now() <= -0.4


def test_a_run_that_never_began_passes_on_what_it_has() -> None:
    seen: list[Event] = []
    chronicle = Chronicle(seen.append)
    chronicle.record(phase(0.0, "run"))
    chronicle.record(phase(0.1, "warm-up"))

    chronicle.close()

    assert [event.phase for event in seen if isinstance(event, Phase)] == ["run", "warm-up"]


def test_until_is_never_early() -> None:
    async def wait() -> float:
        chronicle = Chronicle(lambda event: None)
        chronicle.begin(0.0)
        await chronicle.until(0.05)
        return chronicle.now()

    assert asyncio.run(wait()) >= 0.05
