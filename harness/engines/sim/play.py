"""Plays one plan in a child process: import the target, warm up, play, flush, end hard."""

from __future__ import annotations

import gc
import json
import os
import random
import sys
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

from . import locks, patches, real, stubs
from .apps import Answer, NotStarted, Server, is_asgi, libraries_since, load
from .clients import Clients
from .descriptors import open_count
from .ending import ENDING
from .escapes import ESCAPES
from .facts import MANY, Facts
from .output import capture
from .own_code import OWN_CODE
from .plan import Plan, RequestPlan, StepPlan
from .scheduler import KERNEL, Deadlock
from .status import StatusWatch
from .traces import last_own_line, own_trace
from .watchdog import Watchdog
from .world import World
from .wsgi import WsgiServer

_TRY_AGAIN_S = 0.1
_SETTLE_S = 0.05
_COLLECT_EVERY = 500


class Play:
    """One plan on its way; `write` gets the facts in JSON, many a line (one, where the plan says
    so), and at the end a document with all else.
    """

    def __init__(self, plan: Plan, write: Callable[[bytes], object]) -> None:
        self.plan = plan
        self.facts = Facts(write, together=1 if plan["line_by_line"] else MANY)
        self._write = write
        self._server: Server | None = None
        self._clients: Clients | None = None
        self._world: World | None = None
        self._zero_s = 0.0
        self._begun_s = real.monotonic()
        self._play_begun_s = self._begun_s
        self._play_begun_cpu_s = 0.0
        self._status: StatusWatch | None = None
        self._ending = real.allocate_lock()
        self._ender: int | None = None
        self._importing = False
        self._play_begun = False
        self._libraries: list[str] = []
        self._watchdog = Watchdog(plan["real_limit_s"], self._on_stuck)

    # -- the course of a play ----------------------------------------------------------------

    def run(self) -> NoReturn:
        """Everything, in the main task; ends the process."""
        plan = self.plan
        try:
            self._prepare()
            self._import_target()
            self._begin_choices()
            self._warm_up()
            self._start_clock()
            KERNEL.park("the end of the play")
        except BaseException as error:
            self.fail(error)
        self.finish(f"the play of {plan['app']} ended early")

    def _prepare(self) -> None:
        plan = self.plan
        KERNEL.begin_again()
        KERNEL.on_failure = self.fail
        ENDING.on_end = self._left
        KERNEL.on_foreign = lambda: ESCAPES.note(
            "waited on a thread that the simulation didn't start",
            "it runs in real time, beside the simulation's clock",
        )
        KERNEL.on_nudge = lambda: ESCAPES.remark(
            "read the clock again and again without a wait: time was moved in steps of up to 16 ms"
        )
        OWN_CODE.begin(plan["cwd"], stubs=os.path.dirname(stubs.package().__file__))
        ESCAPES.armed = True
        KERNEL.reseed(0)
        patches.CHANCE.reseed(plan["seed"], importing=True)
        random.seed(plan["seed"])
        capture(self.facts)
        self._world = World(plan, self.facts)
        self._watchdog.start()

    def _import_target(self) -> None:
        plan = self.plan
        os.environ.update(plan["env"])
        os.chdir(plan["cwd"])
        if plan["cwd"] not in sys.path:
            sys.path.insert(0, plan["cwd"])
        before = set(sys.modules)
        top = plan["app"].partition(":")[0].partition(".")[0]
        OWN_CODE.add_package(top)
        self._importing = True
        app = load(plan["app"])
        self._importing = False
        self._libraries = libraries_since(before, top)
        port = int(plan["env"].get("PORT", "5000"))
        self._server = _server(app, port, plan)
        self._server.start(plan["ready_within_s"])
        self._clients = Clients(self._server, self.facts)
        changed = patches.changed_since()
        if changed:
            ESCAPES.note(
                f"replaced {', '.join(changed[:4])} (gevent's or eventlet's monkey patching?)",
                "the target then runs in real time",
            )
        gc.collect()
        gc.freeze()
        gc.disable()

    def _begin_choices(self) -> None:
        """Switch points and other orders from here on: importing is not what is tested."""
        plan = self.plan
        KERNEL.reseed(plan["seed"], points=plan["points"])
        patches.CHANCE.reseed(plan["seed"])
        random.seed(plan["seed"])
        locks.count_hashes_anew()
        if plan["lines"]:
            from .lines import trace_lines

            trace_lines()

    def _warm_up(self) -> None:
        self.facts.add("phase", phase="ready")
        self._await_ready()
        self._play_begun_s = real.monotonic()
        self._play_begun_cpu_s = real.process_time()
        self._play_begun = True
        self.facts.add("phase", phase="warm-up")
        for stream in self.plan["warm_up"]:
            for request in stream["tries"]:
                status = self._ask(request, noted=True)
                if status is not None and stream["healthy_low"] <= status <= stream["healthy_high"]:
                    break
                KERNEL.sleep(_TRY_AGAIN_S)
            # Apart, so that it is plain which request caused which call.
            KERNEL.sleep(_SETTLE_S)

    def _await_ready(self) -> None:
        until_s = KERNEL.now_s + self.plan["ready_within_s"]
        while True:
            status = self._ask(self.plan["ready"], noted=False)
            if status is not None and status < 500:
                self.facts.add("looked", what="ready", status=status, missing=[])
                return
            if KERNEL.now_s >= until_s:
                ready = self.plan["ready"]
                raise NotReady(f"{ready['method']} {ready['path']} gave {status or 'no answer'}")
            KERNEL.sleep(_TRY_AGAIN_S)

    def _ask(self, request: RequestPlan, *, noted: bool) -> int | None:
        """One request of the main task's own; waits for its status."""
        task = KERNEL.here()
        got: list[Answer] = []

        def done(answer: Answer) -> None:
            got.append(answer)
            KERNEL.wake(task)

        assert self._server is not None
        assert self._clients is not None
        if noted:
            self._clients.send(request, KERNEL.now_s, done)
        else:
            self._server.give(request, done)
        KERNEL.park("an answer of the target", KERNEL.now_s + 15.0)
        return got[0][0] if got else None

    def _start_clock(self) -> None:
        plan = self.plan
        assert self._server is not None
        assert self._clients is not None
        self._zero_s = KERNEL.now_s + plan["lead_s"]
        self._clients.until_s = self._zero_s + plan["duration_s"]
        self.facts.add("zero", self._zero_s)
        self.facts.add("phase", self._zero_s, phase="play")
        if plan["status"] is not None:
            self._status = StatusWatch(plan, plan["status"], self.facts, self._server.give)
            self._status.begin(self._zero_s)
        self._next_step(0)

    def _next_step(self, index: int) -> None:
        steps = self.plan["steps"]
        if index < len(steps):
            KERNEL.call_at(self._zero_s + steps[index]["at_s"], self._do_steps, index)
        else:
            # After the last step, since faults may be lifted at the very end.
            KERNEL.call_at(self._zero_s + self.plan["duration_s"], self._end)

    def _do_steps(self, index: int) -> None:
        """All steps of one instant, in order; then plan the next."""
        steps = self.plan["steps"]
        at_s = steps[index]["at_s"]
        while index < len(steps) and steps[index]["at_s"] == at_s:
            self._do(steps[index])
            index += 1
            if index % _COLLECT_EVERY == 0:
                gc.collect()
        self._next_step(index)

    def _do(self, step: StepPlan) -> None:
        if step["send"] is not None:
            assert self._clients is not None
            self._clients.send_and_again(step["send"], self._zero_s + step["at_s"])
            return
        applies = step["apply"] is not None
        number = step["apply"] if applies else step["lift"]
        assert number is not None
        fault = self.plan["faults"][number]
        assert self._world is not None
        for words in fault["apply"] if applies else fault["lift"]:
            self._world.act(words)
        self.facts.unrest += 1
        self.facts.faults += 1 if applies else -1
        self.facts.add("applied" if applies else "lifted", fault=number, planned=step["at_s"])

    # -- the end -----------------------------------------------------------------------------

    def _end(self) -> None:
        assert self._clients is not None
        if self._clients.waiting:
            self._clients.on_last = self._end_of_looks
            KERNEL.call_later(self.plan["grace_s"], self._end_of_looks)
        else:
            self._end_of_looks()

    def _end_of_looks(self) -> None:
        if self._status is None:
            self.finish(None)
        self._status.end(lambda: self.finish(None))

    def fail(self, error: BaseException) -> NoReturn:
        """End with what went wrong: the target's import, everything waiting, our own mistake."""
        if isinstance(error, Deadlock):
            self.finish(str(error))
        if isinstance(error, NotReady):
            self._unstarted(f"was not ready in {self.plan['ready_within_s']:g} s: {error}")
        if isinstance(error, NotStarted):
            self._unstarted(f"could not be started: {error}", error.said)
        if self._importing:
            where = last_own_line(error).removesuffix(": ")
            at = f" at {where}" if where else ""
            what = f"{type(error).__name__} from importing {self.plan['app']}{at}"
            self._unstarted(f"could not be started: {what}", own_trace(error))
        self.facts.add("traceback", text="".join(traceback.format_exception(error)))
        what = "".join(traceback.format_exception_only(error)).strip()
        self.finish(f"the simulation broke: {last_own_line(error)}{what}")

    def _unstarted(self, why: str, said: str = "") -> NoReturn:
        """End before anything was played: the target itself is why."""
        self.facts.add("unstarted", why=why, said=said)
        self.finish(None)

    def _left(self, status: int) -> NoReturn:
        """The target ended its own process, which is nobody else's."""
        if self._play_begun:
            self.facts.add("ended", status=status)
            self.finish(None)
        self._unstarted(f"ended with exit status {status} before it was ready")

    def _on_stuck(self, what: str) -> NoReturn:
        self.finish(what)

    def finish(self, trouble: str | None) -> NoReturn:
        """Write everything down and end the process, with all its threads.

        Who comes second, the watchdog while a long history is being written, waits for that.
        """
        while not self._ending.acquire(False) and self._ender != real.get_ident():
            real.sleep(_TRY_AGAIN_S)
        self._ender = real.get_ident()
        ESCAPES.armed = False
        if trouble is not None:
            self.facts.add("trouble", what=trouble)
        self._note_waiting()
        self._watchdog.look_for_real_sockets()
        self.facts.add("phase", phase="end")
        self.facts.write_away()
        document: dict[str, Any] = {
            "last": self.facts.last_s,
            "zero": self._zero_s,
            "escapes": ESCAPES.found,
            "remarks": ESCAPES.remarks,
            "switches": KERNEL.switches,
            "steps": KERNEL.steps,
            "open_sockets": open_count(),
            "libraries": self._libraries,
            "python": sys.version.split()[0],
            "points": KERNEL.points,
            "play_s": real.monotonic() - self._play_begun_s,
            "play_cpu_s": real.process_time() - self._play_begun_cpu_s,
            "start_s": self._play_begun_s - self._begun_s,
        }
        self._write(json.dumps(document).encode())
        real.leave(0)

    def _note_waiting(self) -> None:
        """Who still waits for what, when requests were left without an answer."""
        if self._clients is None or not self._clients.waiting:
            return
        frames = sys._current_frames()
        for task, what in KERNEL.who_waits():
            if task is KERNEL.main:
                continue
            frame = frames.get(task.worker.real_ident)
            where = ESCAPES.where(frame) if frame is not None else "code in C"
            self.facts.add("waiting", task=task.name, what=what, where=where)


class NotReady(Exception):
    """The target never answered its readiness request well."""


def _server(app: Any, port: int, plan: Plan) -> Server:
    """What serves an application: the interface that its file names, else the one it has."""
    if plan["asgi"] or (plan["asgi"] is None and is_asgi(app)):
        from .asgi import AsgiServer

        return AsgiServer(app, port)
    return WsgiServer(app, port, plan["threads"])
