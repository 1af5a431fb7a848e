"""Logs of a proxy or a gateway, read as a stream: memory grows with their seconds, not lines."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from msgspec import Struct, field
from msgspec.structs import replace

from harness.incident import symptoms
from harness.incident.changes import Stretch
from harness.incident.clocks import Clock
from harness.incident.evidence import Answers, Episode, Observation, Symptom, refuse
from harness.incident.log_forms import by_columns, parse_line
from harness.incident.log_line import Attempt, LogLine
from harness.incident.opening import CANT_BE_UNPACKED, opened
from harness.incident.reading import Wanted
from harness.incident.samples import LEAST_SHARE, Series, episodes, late_episodes, worst
from harness.units import format_duration

_LONGEST_LINE = 64_000
_MOST_CELLS = 50_000
"""Seconds kept apart; a longer log is looked at more coarsely."""
_GAVE_UP = 499
"""nginx's word for a client that closed before it was answered."""
_AT_ONCE_S = 0.1
_TELLING = {504: "blackhole", 520: "empty", 521: "refused", 522: "blackhole", 524: "blackhole"}
"""Statuses of proxies (from 520 on Cloudflare's) that say how the upstream failed."""
_PLACE = re.compile(r"^[0-9]+#[0-9]+: (\*[0-9]+ )?")
"""Which process and connection of nginx's: other ones with every line."""
_MOST_ROUTES = 500


class _Cell(Struct):
    """What happened in one second (or however long a cell is)."""

    calls: int = 0
    bad: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    took_s: float = 0.0
    timed: int = 0
    first_line: int = 0
    """The first line with something bad."""

    def add(self, other: _Cell) -> None:
        """Take in what another cell has."""
        self.calls += other.calls
        self.bad += other.bad
        self.reasons += other.reasons
        self.statuses += other.statuses
        self.took_s += other.took_s
        self.timed += other.timed
        self.first_line = self.first_line or other.first_line


class _Tally:
    """A log on its way to episodes."""

    def __init__(self, clock: Clock) -> None:
        self.cells: dict[int, _Cell] = {}
        self.width_s = 1
        self.routes: Counter[str] = Counter()
        self._clock = clock
        self.waited = 0
        """Calls that gave up waiting, and nobody says for how long."""
        self.requests = 0

    def cell(self, at_s: float) -> _Cell:
        """The cell of an instant; where there are too many, all become twice as long."""
        key = int(at_s // self.width_s)
        if key not in self.cells and len(self.cells) >= _MOST_CELLS:
            self.width_s *= 2
            wider: dict[int, _Cell] = {}
            for old, cell in self.cells.items():
                wider.setdefault(old // 2, _Cell()).add(cell)
            self.cells = wider
            return self.cell(at_s)
        return self.cells.setdefault(key, _Cell())

    def take(self, line: LogLine, number: int) -> None:
        """Count what a line says, each part of it where it began."""
        later_s = self._clock.real(line.at_s, zoned=line.zoned) - line.at_s
        if line.status is not None:
            self.requests += 1
            self.cell(line.came_s + later_s).statuses[_outcome(line.status)] += 1
            if line.route is not None and (
                line.route in self.routes or len(self.routes) < _MOST_ROUTES
            ):
                self.routes[line.route] += 1
        for at_s, call in line.calls():
            cell = self.cell(at_s + later_s)
            cell.calls += 1
            reason = _reason(line, call)
            if reason is not None:
                cell.bad += 1
                cell.reasons[reason] += 1
                self.waited += (
                    reason.startswith("blackhole") and call.took_s is None and not line.begins
                )
                cell.first_line = cell.first_line or number
            elif call.took_s is not None:
                cell.took_s += call.took_s
                cell.timed += 1


def _outcome(status: int) -> str:
    return "error" if status == _GAVE_UP else str(status)


def _reason(line: LogLine, call: Attempt) -> str | None:
    """Why a call is bad, as `kind: what was seen`; None where it isn't."""
    status = call.status
    if status is None and not line.said:
        return "blackhole: no answer"
    if line.said and (status is None or status >= 500):
        kind = symptoms.of_words(line.said, "")
        if kind.fault != "status":
            return (
                f"{kind.fault}: {line.said[:80]}" if status is None else f"{kind.fault}: {status}"
            )
        return (
            f"status {status or symptoms.PLAINEST}: {line.said[:60] if status is None else status}"
        )
    if status is None or (status < 500 and status != _GAVE_UP):
        return None
    if status == _GAVE_UP:
        return "blackhole: 499, the client gave up waiting"
    if status in _TELLING:
        return f"{_TELLING[status]}: {status}"
    if status == 502 and (call.took_s is None or call.took_s < _AT_ONCE_S):
        return "refused: 502 at once" if call.took_s is not None else "refused: 502"
    if status == 502:
        return "empty: 502 after a while"
    return f"status {status}: {status}"


def read(file: str, wanted: Wanted) -> Observation:
    """What a log says.

    Raises: InvalidFile when it can't be understood, or nothing bad is in it.
    """
    return observed(file, wanted, _parsed(_lines(file)))


def _parsed(lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, LogLine | None]]:
    """Each line by number, without comments; one of these may say what the columns are."""
    columns: list[str] = []
    for number, text in lines:
        if text.startswith("#Fields:"):
            columns = text.split()[1:]
        elif text and not text.startswith("#"):
            yield number, by_columns(columns, text) if columns else parse_line(text)


def observed(file: str, wanted: Wanted, lines: Iterable[tuple[int, LogLine | None]]) -> Observation:
    """What the lines of a log say, each with its number; None is one that wasn't understood.

    Raises: InvalidFile when too few were, or nothing bad is in them.
    """
    clock = Clock(file, wanted.zone)
    whole, ours = _Tally(clock), _Tally(clock)
    unread, first_unread, number = 0, 0, 0
    for number, line in lines:
        if line is None:
            unread += 1
            first_unread = first_unread or number
            continue
        if line.silent:
            continue
        if any(wanted.names(name) for name in line.upstreams):
            ours.take(line, number)
        elif not ours.cells:
            whole.take(line, number)
        elif line.status is not None:
            whole.requests += 1
    tally, notes = (ours if ours.cells else whole), []
    if not tally.cells:
        refuse(
            file, first_unread or 1,
            "no line is understood: expected a time, a method and path, and then a status (as "
            "nginx, Envoy, HAProxy, Flask and most others have it), JSON lines, key=value, or a "
            "time, a level and words",
        )  # fmt: skip
    if unread > number // 2:
        refuse(
            file, first_unread, f"{unread} of {number} lines are not understood; this is the first"
        )
    if unread:
        notes.append(f"{file}: {unread} of {number} lines passed over; the first is {first_unread}")
    if ours.cells:
        notes.append(f"{file}: only lines that name {wanted.in_words}")
    return _observed(file, tally, [*notes, *clock.notes])


def _observed(file: str, tally: _Tally, notes: list[str]) -> Observation:
    keys = sorted(tally.cells)
    cells = [tally.cells[key] for key in keys]
    at_s = [float(key * tally.width_s) for key in keys]
    series = Series(at_s=at_s, bad=[c.bad for c in cells], calls=[c.calls for c in cells])
    lone = not tally.requests  # an error log: what went well is not in it
    if lone:
        series = _errors_only(series)

    def inside(start_s: float, end_s: float) -> _Cell:
        total = _Cell()
        for instant, cell in zip(at_s, cells, strict=True):
            if start_s <= instant < end_s:
                total.add(cell)
        return total

    def describe(stretch: Stretch) -> tuple[Symptom, str]:
        total = inside(series.at_s[stretch.first], series.at_s[stretch.stop - 1] + 1e-6)
        kind, many, seen = _commonest(total.reasons)
        why = f"{many} of {total.calls} calls: {seen}"
        source = f"{file}:{total.first_line}"
        fault, _, code = kind.partition(" ")
        symptom = symptoms.of_status(int(code), why) if code else symptoms.of_kind(fault, why)
        return symptom, source

    found = tuple(
        _answered(one, inside(one.start_s, one.end_s)) for one in episodes(series, describe)
    )
    if not found:
        timed = {t: c.took_s / c.timed for t, c in zip(at_s, cells, strict=True) if c.timed}
        how = "no times in it"
        if timed:
            found, how = late_episodes(timed, file)
            notes.append(f"{file}: {how}")
        if not found:
            refuse(
                file, 0,
                f"nothing bad is in it: at most {worst(series)} of the calls in any "
                f"{tally.width_s} s, bad from {LEAST_SHARE:.0%} on, and nothing slow ({how})",
            )  # fmt: skip
    if tally.waited:
        notes.append(
            f"{file}: how long calls waited that gave up is not in it: so much earlier they began"
        )
    step_s = max(float(tally.width_s), series.step_s)
    span_s = at_s[-1] - at_s[0] + tally.width_s
    if lone:
        notes.append(f"{file}: errors only, so their share of all calls is unknown")
    return Observation(
        episodes=found,
        step_s=step_s,
        step_from=f"{file} has something every {format_duration(step_s)}"
        if len(at_s) > 1
        else f"all in {file} is of {format_duration(step_s)}",
        notes=tuple(notes),
        rate=tally.requests / span_s if tally.requests and span_s > 10 else None,
        route=tally.routes.most_common(1)[0][0] if tally.routes else None,
    )


def _commonest(reasons: Counter[str]) -> tuple[str, int, str]:
    """The kind of trouble that most calls met, how many did, and what most of these said of it.

    Words have numbers of their own in them, such as a connection's: they don't tell kinds apart.
    """
    kinds: Counter[str] = Counter()
    for reason, many in reasons.items():
        kinds[reason.partition(": ")[0]] += many
    ((kind, many),) = kinds.most_common(1)
    said, _ = max(
        ((r, n) for r, n in reasons.items() if r.partition(": ")[0] == kind),
        key=lambda item: item[1],
    )
    return kind, many, said.partition(": ")[2]


def _errors_only(series: Series) -> Series:
    """Errors with silence between them: after a few usual gaps, the trouble was over."""
    step_s = max(1.0, series.step_s)
    quiet_s = max(5.0, 5 * step_s)
    shares: dict[float, float] = {}
    for instant, after in zip(series.at_s, (*series.at_s[1:], None), strict=True):
        shares[instant] = 1.0
        if after is None or after - instant > quiet_s:
            shares[instant + step_s] = 0.0
    return Series.of_shares(shares)


def _answered(episode: Episode, total: _Cell) -> Episode:
    """An episode with what users were answered meanwhile."""
    bad = Counter({s: n for s, n in total.statuses.items() if s == "error" or s >= "500"})
    answers = Answers(
        bad=sum(bad.values()),
        of=sum(total.statuses.values()),
        statuses=tuple(status for status, _ in bad.most_common(4)),
    )
    return replace(episode, answers=answers if answers.of else None)


def _lines(file: str) -> Iterator[tuple[int, str]]:
    """The lines of a log by number; what is too long is cut."""
    number = 0
    whole = True
    try:
        with opened(file) as lines:
            while piece := lines.readline(_LONGEST_LINE):
                if whole:
                    number += 1
                    yield number, piece.strip()
                whole = piece.endswith("\n")
    except CANT_BE_UNPACKED as error:
        refuse(file, number, f"can't be unpacked beyond this line: {error}")
