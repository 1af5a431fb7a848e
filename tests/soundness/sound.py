"""Plays drawn outages on the reference and shows each word said against it (`make sound`).

The reference is sound and its target says truthfully how it is set, so nothing of it may be
failed, whoever looked on. What fails is saved so that `outage judge` repeats it, and the exit
status is 1.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from harness.engines.sim.engine import SimEngine
from harness.history.view import History
from harness.startup import collect_seldom
from tests.soundness.eyes import EYES, eyes_for
from tests.soundness.judging import false_words, play, save
from tests.soundness.outages import drawn

_EVERY_S = 5.0
"""How often it says how far it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What became of one outage."""

    name: str
    words: tuple[str, ...] = ()
    """All that was said against the reference."""
    readings: int = 0
    """By how many eyes it was judged."""
    trouble: str = ""
    """What went wrong with the play itself, so that nothing was judged."""


_engine: SimEngine
_folder: Path
_keep: bool


def main() -> int:
    """The exit status: 1 where a false word was said, or a play went wrong by itself."""
    parser = argparse.ArgumentParser(prog="make sound", description=__doc__)
    parser.add_argument("--seed", default="0", help="any text: another one, other outages")
    parser.add_argument("--plays", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=1, help="processes that play at once")
    parser.add_argument("--only", metavar="NAME", help="just this one, such as 7-12")
    parser.add_argument(
        "--save", type=Path, default=Path("outage-sound"), help="where what fails goes"
    )
    parser.add_argument("--keep", action="store_true", help="save what is sound, too")
    given = parser.parse_args()
    names = [given.only] if given.only else [f"{given.seed}-{n}" for n in range(given.plays)]
    print(f"seed {given.seed}: {len(names)} outages, each judged by {', '.join(EYES)}", flush=True)
    started_s = told_s = time.monotonic()
    count: Counter[str] = Counter()
    readings = 0
    for number, played in enumerate(_all(names, given.jobs, given.save, given.keep), start=1):
        readings += played.readings
        count["false words"] += len(played.words)
        count["outages with some"] += bool(played.words)
        count["plays that went wrong"] += bool(played.trouble)
        for word in (*played.words, *((played.trouble,) if played.trouble else ())):
            print(f"{played.name}: {word}", flush=True)
        if time.monotonic() - told_s > _EVERY_S:
            told_s = time.monotonic()
            print(f"  {number} of {len(names)}, {told_s - started_s:.0f} s", flush=True)
    told = ", ".join(f"{number} {what}" for what, number in count.items())
    print(f"{len(names)} outages, {readings} readings: {told}")
    if any(count.values()):
        print(f"saved: outage judge {given.save}/EYE, for each of {', '.join(EYES)}")
    return 1 if any(count.values()) else 0


def _all(names: list[str], jobs: int, save_to: Path, keep: bool) -> Iterator[Played]:
    begin = (save_to, keep)
    if jobs == 1:
        _begin(*begin)
        yield from map(_one, names)
        _engine.close_now()
        return
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, spawn, initializer=_begin, initargs=begin) as pool:
        yield from pool.map(_one, names)


def _begin(save_to: Path, keep: bool) -> None:
    global _engine, _folder, _keep
    collect_seldom()
    _engine, _folder, _keep = SimEngine(), save_to, keep


def _one(name: str) -> Played:
    outage, history = drawn(name), None
    try:
        with tempfile.TemporaryDirectory(prefix="outage-sound-") as folder:
            history = play(_engine, outage, Path(folder))
        result = _judged(name, history)
    except Exception:
        result = Played(name=name, trouble=traceback.format_exc())
    if history is not None and (_keep or result.words or result.trouble):
        save(outage, history, _folder)
    return result


def _judged(name: str, history: History) -> Played:
    if history.troubles:
        return Played(name=name, trouble=history.troubles[0])
    outage = drawn(name)
    words = tuple(map(str, false_words(outage, history)))
    return Played(name=name, words=words, readings=len(eyes_for(outage.scenario)))


if __name__ == "__main__":
    sys.exit(main())
