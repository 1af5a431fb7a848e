"""What is known of a run that goes on: told by it, and read from its histories as they grow."""

from __future__ import annotations

import glob
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from harness.checks.case import Case
from harness.errors import InvalidFile
from harness.history.events import Event
from harness.history.lines import from_json
from harness.history.view import History
from harness.report.outcome import Outcome, Shown
from harness.report.page.live import Live, Playing
from harness.report.page.render import live_html, scene_text
from harness.report.scene import Scene, judge_and_observe, observe
from harness.scenario.model import Scenario
from harness.serve.messages import Begun, Judged, Message, Over, Went
from harness.units import format_duration
from harness.verdict import Judgement

T = TypeVar("T")


class Tail(Struct):
    """A history as far as it has been read."""

    path: Path | None = None
    offset: int = 0
    events: list[Event] = field(default_factory=list)

    def read_on(self, folder: Path, name: str) -> Sequence[Event]:
        """All events of a scenario's latest play by now; a line that isn't whole yet is left."""
        path = _latest(folder, name)
        if path is None:
            return ()
        if path != self.path or path.stat().st_size < self.offset:
            self.path, self.offset, self.events = path, 0, []  # it is played again
        with path.open("rb") as file:
            file.seek(self.offset)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self.offset += len(line)
                self.events.append(from_json(line.decode("utf-8")))
        return tuple(self.events)


def _latest(folder: Path, name: str) -> Path | None:
    found = folder.glob(f"{glob.escape(name)}.history*.jsonl")
    return max(found, key=lambda path: path.stat().st_mtime_ns, default=None)


class State:
    """A run as it stands; may be asked and told from any thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._busy = threading.Lock()
        """Held while a page is made: one after the other, so that a run is hardly disturbed."""
        self.version = 0
        self.over = False
        self._begun: Begun | None = None
        self._went: dict[str, Went] = {}
        self._judged: dict[str, Judgement] = {}
        self._scenes: dict[str, Scene | None] = {}
        self._tails: dict[str, Tail] = {}
        self._wall_s: float | None = None

    def tell(self, message: Message) -> None:
        """The run says something."""
        with self._changed:
            match message:
                case Begun():
                    self._begun = message
                case Went():
                    self._went[message.name] = message
                    self._judged.pop(message.name, None)  # it is played again
                    self._scenes.pop(message.name, None)
                case Judged(judgement=judgement):
                    self._went.pop(judgement.name, None)
                    self._judged[judgement.name] = judgement
                    self._scenes.pop(judgement.name, None)
                case Over():
                    self.over, self._wall_s = True, message.wall_s
            self.version += 1
            self._changed.notify_all()

    def wait_beyond(self, version: int, within_s: float) -> int:
        """Wait until something was told after a version, and give the version of now."""
        with self._changed:
            self._changed.wait_for(lambda: self.version > version or self.over, within_s)
            return self.version

    def page(self) -> str:
        """The page as it stands; scenes are asked for one by one."""
        with self._busy:
            with self._changed:
                begun, judged, went = self._begun, dict(self._judged), dict(self._went)
                over, wall_s = self.over, self._wall_s
            if begun is None:
                return ""
            names = [s.name for s in begun.scenarios if s.name in judged]
            outcome = Outcome(
                judgements=tuple(judged[name] for name in names),
                scenes=tuple(self._scene_of(name, judged[name]) for name in names),
                engine=begun.engine,
                proxy=begun.proxy,
                target=begun.target,
                wall_s=wall_s,
                made=begun.made,
                known=begun.known,
                before=begun.before,
            )
            playing = tuple(_playing(s, went[s.name]) for s in begun.scenarios if s.name in went)
            return live_html(outcome, Live(playing=playing, of=len(begun.scenarios), over=over))

    def scene(self, name: str) -> str | None:
        """One scenario's scene, packed as in the page; None where there is none of that name."""
        with self._busy:
            scenario = self._scenario(name)
            if scenario is None:
                return None
            with self._changed:
                judgement, went = self._judged.get(name), self._went.get(name)
            if judgement is not None:
                return scene_text(Shown(judgement=judgement, scene=self._scene_of(name, judgement)))
            found = self._so_far(scenario)
            if found is None:
                return None
            so_far, scene = found
            return scene_text(
                Shown(judgement=so_far, scene=scene),
                playing=_words(scenario, went) if went is not None else "waits for its turn",
            )

    def _scenario(self, name: str) -> Scenario | None:
        with self._changed:
            known = () if self._begun is None else self._begun.scenarios
        return next((scenario for scenario in known if scenario.name == name), None)

    def _events(self, name: str) -> Sequence[Event]:
        assert self._begun is not None
        try:
            return self._tails.setdefault(name, Tail()).read_on(self._begun.folder, name)
        except (OSError, ValueError, InvalidFile):
            return ()

    def _scene_of(self, name: str, judgement: Judgement) -> Scene | None:
        """What a scenario that has its verdict looked like."""
        if name not in self._scenes:
            scenario, events = self._scenario(name), self._events(name)
            assert scenario is not None
            self._scenes[name] = (
                _guarded(lambda: observe(Case(scenario, History(events)), judgement))
                if events
                else None
            )
        return self._scenes[name]

    def _so_far(self, scenario: Scenario) -> tuple[Judgement, Scene] | None:
        """What a scenario that is being played looks like by now."""
        events = self._events(scenario.name)
        found = _guarded(lambda: judge_and_observe(scenario, events)) if events else None
        judgement, scene = found or (None, None)
        if judgement is None or scene is None:
            return None
        return judgement, replace(scene, end_s=max(1.0, events[-1].at_s))


def _guarded(work: Callable[[], T]) -> T | None:
    """What comes of it; None where what has been seen so far doesn't suffice for it."""
    try:
        return work()
    except Exception:
        return None


def _playing(scenario: Scenario, went: Went) -> Playing:
    return Playing(name=scenario.name, title=scenario.title, words=_words(scenario, went))


def _words(scenario: Scenario, went: Went) -> str:
    if went.at_s is None:
        return went.doing
    return f"{max(0.0, went.at_s):.0f} s of {format_duration(scenario.duration)}"
