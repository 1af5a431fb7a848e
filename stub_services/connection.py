"""One connection to a service, free of I/O: bytes in with a time, bytes and ends out when due.

The driver calls `feed` and `eof` with what it reads, then `advance`, carries out the actions that
it gets, and calls `advance` again no later than `next_wake_s`. When something else than this
connection's bytes makes an action due (a new record, a lifted behaviour), `wake` is called and the
driver answers with `advance`. Nothing here knows a clock: `at_s` is the driver's.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import h11

from stub_services import delivery
from stub_services.actions import Action, Combined, combine
from stub_services.control import Admits, Stream, anyone, control, is_control
from stub_services.delivery import Delivery, End
from stub_services.messages import Reply, Request

if TYPE_CHECKING:
    from stub_services.service import Service

Output = bytes | End
"""Bytes to write, or the end of the connection, which is always the last."""

_LARGEST_BODY = 16_000_000
_BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Connection:
    """Speaks HTTP/1.1 with one client of a service."""

    def __init__(
        self,
        service: Service,
        wake: Callable[[], None] = lambda: None,
        admits: Admits = anyone,
    ) -> None:
        self._service = service
        self._wake = wake
        self._admits = admits
        self._http = h11.Connection(h11.SERVER)
        self._request: h11.Request | None = None
        self._body = bytearray()
        self._delivery: Delivery | None = None
        self._next_record: int | None = None
        self._out: list[Output] = []
        self.ended = False
        """Whether the end has been given out, or the client is gone."""

    @property
    def next_wake_s(self) -> float:
        """When to call `advance` at the latest; infinite while only input changes things."""
        return math.inf if self._delivery is None or self.ended else self._delivery.next_s

    def feed(self, at_s: float, data: bytes) -> None:
        """Bytes came from the client."""
        if not self.ended:
            self._http.receive_data(data)
            self._read(at_s)

    def eof(self, at_s: float) -> None:
        """The client is gone, or sends no more, which is taken for the same."""
        if self.ended:
            return
        if self._delivery is not None:
            self._finish(at_s, "left")
        self._end(End.CLOSE)

    def advance(self, at_s: float) -> list[Output]:
        """All that is due by `at_s`, in order; each is given out once."""
        while self._delivery is not None and not self.ended and self._delivery.next_s <= at_s:
            self._deliver(self._delivery, at_s)
        if self._next_record is not None and not self.ended:
            self._stream()
        out, self._out = self._out, []
        return out

    def release(self, behaviour_id: str) -> None:
        """A behaviour is lifted: if it kept this connection silent, the connection closes."""
        current = self._delivery
        if current is not None and current.held_by == behaviour_id:
            current.end_at_s = -math.inf
            self._wake()

    # Requests

    def _read(self, at_s: float) -> None:
        while not self.ended and self._delivery is None and self._next_record is None:
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError:
                self._out.append(_BAD_REQUEST)
                self._end(End.CLOSE)
                return
            if isinstance(event, h11.Request):
                self._request = event
                self._body.clear()
            elif isinstance(event, h11.Data):
                self._body += event.data
                if len(self._body) > _LARGEST_BODY:
                    self._end(End.CLOSE)
            elif isinstance(event, h11.EndOfMessage):
                self._answer(at_s)
            else:
                self._pause()
                return

    def _pause(self) -> None:
        """Nothing more to read for now; a client that waits for leave to send its body gets it."""
        if self._http.they_are_waiting_for_100_continue:
            go_on = h11.InformationalResponse(status_code=100, headers=[])
            self._out.append(self._http.send(go_on) or b"")

    def _answer(self, at_s: float) -> None:
        assert self._request is not None
        request = Request(
            method=self._request.method.decode("ascii"),
            target=self._request.target.decode("latin-1"),
            headers={n.decode("ascii"): v.decode("latin-1") for n, v in self._request.headers},
            body=bytes(self._body),
        )
        if is_control(request, self._admits):
            self._control(request, at_s)
        else:
            self._delivery = self._call(request, at_s)

    def _control(self, request: Request, at_s: float) -> None:
        said = control(self._service, request, at_s)
        if isinstance(said, Stream):
            head = h11.Response(
                status_code=200, headers=[("Content-Type", "application/x-ndjson")], reason=b"OK"
            )
            self._out.append(self._http.send(head) or b"")
            self._next_record = said.start
            self._service.recorder.listeners.append(self._wake)
            return
        answer = delivery.answer(self._http, 0, said, None, at_s, to_head=self._to_head)
        self._out.extend(data for _, data in answer.steps)
        self._next_cycle(at_s)

    def _call(self, request: Request, at_s: float) -> Delivery:
        service = self._service
        route, work, of = service.find(request, at_s)
        service.busy += 1
        met = service.behaviours.meet(request, at_s, service.busy)
        felt = service.felt(request, met)
        call_id = service.recorder.call(at_s, request, route, of, felt)
        combined = combine(action for _, action in met)
        begun = self._begun(call_id, work, combined, at_s)
        if begun.end_at_s == math.inf:
            holder = combined.loss or combined.delivery or combined.answer
            held = next(each for each, action in met if action is holder)
            begun.held_by, begun.end_at_s = held.id, held.until_s
            service.waiting.append(self)
            service.recorder.answered(at_s, call_id, None, "lost")
        return begun

    def _begun(
        self, call_id: int, work: Callable[[], Reply], combined: Combined, at_s: float
    ) -> Delivery:
        """Does the work unless a fault comes first, and begins the delivery of its answer."""
        loss, lost = combined.loss, combined.delivery
        start_s = at_s + combined.delay_s
        if loss is not None:
            if loss.name in ("empty", "reset"):
                end = End.RESET if loss.name == "reset" else End.CLOSE
                return delivery.ending(call_id, end=end, at_s=start_s)
            return delivery.silence(call_id)
        reply = combined.answer.reply if combined.answer is not None else work()
        assert reply is not None
        start_s += reply.delay_s
        if lost is not None and lost.name == "reply_lost":
            if lost.close:
                return delivery.ending(call_id, end=End.CLOSE, at_s=start_s)
            return delivery.silence(call_id)
        return self._reply(call_id, reply, combined, lost, start_s)

    def _reply(
        self, call_id: int, reply: Reply, combined: Combined, suffers: Action | None, at_s: float
    ) -> Delivery:
        if reply.status < 200:
            # Not a final answer: the client gets it and goes on waiting.
            head = h11.InformationalResponse(status_code=reply.status, headers=[])
            self._out.append(self._http.send(head) or b"")
            return delivery.silence(call_id)
        whole = Reply(
            status=reply.status,
            json=reply.json,
            raw=reply.raw,
            headers=reply.headers + combined.headers,
        )
        return delivery.answer(self._http, call_id, whole, suffers, at_s, to_head=self._to_head)

    @property
    def _to_head(self) -> bool:
        return self._request is not None and self._request.method == b"HEAD"

    # Answers

    def _deliver(self, current: Delivery, at_s: float) -> None:
        """One step of the delivery, or its end."""
        if current.steps:
            self._out.append(current.steps.popleft()[1])
            if current.steps or current.end_at_s > at_s:
                return
        end = current.end
        self._finish(at_s, current.outcome)
        if end is not None:
            self._end(end)
        else:
            self._next_cycle(at_s)

    def _finish(self, at_s: float, outcome: str) -> None:
        current = self._delivery
        assert current is not None
        self._delivery = None
        self._service.busy -= 1
        if current.held_by is not None:
            self._service.waiting.remove(self)
        else:
            self._service.recorder.answered(at_s, current.call_id, current.status, outcome)

    def _next_cycle(self, at_s: float) -> None:
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
            self._read(at_s)
        else:
            self._end(End.CLOSE)

    def _end(self, end: End) -> None:
        self.ended = True
        self._out.append(end)
        if self._next_record is not None:
            self._service.recorder.listeners.remove(self._wake)
            self._next_record = None

    def _stream(self) -> None:
        assert self._next_record is not None
        fresh: list[Any] = self._service.recorder.records[self._next_record :]
        if fresh:
            self._next_record += len(fresh)
            lines = "".join(json.dumps(record, separators=(",", ":")) + "\n" for record in fresh)
            self._out.append(self._http.send(h11.Data(data=lines.encode())) or b"")
