"""The clients of a play: they send its requests, hang up, and try again, on virtual time."""

from __future__ import annotations

from collections.abc import Callable

from harness.engines.again import again_after_s

from .apps import Answer, Done, Server
from .facts import Facts
from .plan import RequestPlan
from .scheduler import KERNEL

_NO_ANSWER: Answer = (None, [], b"", "its client hung up")


class Clients:
    """Gives a play's requests to the target and notes what became of them."""

    def __init__(self, server: Server, facts: Facts) -> None:
        self.waiting: dict[int, RequestPlan] = {}
        """Requests without an answer yet, by number."""
        self.until_s = 0.0
        """When the play ends, in virtual seconds: nobody tries again after it."""
        self.on_last: Callable[[], object] | None = None
        """Called once nobody waits any more, where that ends the play."""
        self._server = server
        self._facts = facts
        self._ids = 0

    def send_and_again(self, request: RequestPlan, planned_s: float) -> None:
        """Send a client's request, and again where its answers call for it."""
        self._try(request, planned_s, request)

    def _try(self, request: RequestPlan, planned_s: float, first: RequestPlan) -> None:
        def done(answer: Answer) -> None:
            tried = request.get("tried", 1)
            wait_s = again_after_s(first.get("again"), tried, answer[0], answer[1])
            at_s = KERNEL.now_s + (wait_s or 0.0)
            if wait_s is not None and at_s < self.until_s:
                KERNEL.call_at(at_s, self._try, first["tries"][tried - 1], at_s, first)

        self.send(request, planned_s, done)

    def send(self, request: RequestPlan, planned_s: float, done: Done) -> None:
        """Send one request and note it; `done` gets its answer, or that its client hung up."""
        self._ids += 1
        number = self._ids
        self.waiting[number] = request
        self._facts.add(
            "sent",
            id=number,
            stream=request["stream"],
            number=request["number"],
            planned=planned_s,
            method=request["method"],
            path=request["path"],
            user=request["user"],
            client=request["client"],
            tried=request.get("tried", 1),
        )

        def hung_up() -> None:
            if number in self.waiting:
                self._hang_up(number, request)
                done(_NO_ANSWER)

        def answered(answer: Answer) -> None:
            if self.waiting.pop(number, None) is None:
                return  # its client had hung up
            status, headers, body, error = answer
            self._facts.add(
                "answered",
                id=number,
                status=status,
                headers=headers,
                body=body.decode("latin-1"),
                error=error,
            )
            done(answer)
            self._look_for_the_last()

        self._server.give(request, answered)
        patience_s = request.get("hang_up_s")
        if patience_s is not None:
            KERNEL.call_later(patience_s, hung_up)

    def _hang_up(self, number: int, request: RequestPlan) -> None:
        del self.waiting[number]
        self._server.hang_up(request)
        self._facts.add("hung_up", id=number)
        self._look_for_the_last()

    def _look_for_the_last(self) -> None:
        if self.on_last is not None and not self.waiting:
            KERNEL.call_later(0.0, self.on_last)
