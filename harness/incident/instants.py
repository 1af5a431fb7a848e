"""Times as incident files write them: ISO 8601, access logs, e-mail, seconds since 1970."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

from harness.frozen import Frozen

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NUMBER = re.compile(r"[0-9]{1,19}(\.[0-9]{1,9})?")
_ACCESS_LOG = re.compile(
    r"([0-9]{2})/([A-Z][a-z]{2})/([0-9]{4})[: ]([0-9]{2}):([0-9]{2}):([0-9]{2}(?:\.[0-9]+)?)"
    r"(?: ([+-][0-9]{4}))?"
)
_TIME_OF_DAY = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}(?:\.[0-9]{1,9})?))?")
_SLASHED = re.compile(r"([0-9]{1,2}|[0-9]{4}(?=[/.]))([/.-])([0-9]{1,2})[/.-]([0-9]{1,4})(.*)")
_MONTH = r"([A-Z][a-z]{2})[a-z]*\.?"
_IN_WORDS = re.compile(
    rf"(?:[A-Z][a-z]+, )?(?:{_MONTH} ([0-9]{{1,2}})|([0-9]{{1,2}})\.?[ -]{_MONTH})"
    r"(?:,? |-)([0-9]{4})(?:,? at)?((?:,? [0-9]{1,2}:.*)?)"
)
_HALF_DAY = re.compile(r"[, ]*([0-9]{1,2})(:[0-9:.]+) ?([AaPp])\.?[Mm]\.?(.*)")
_NAMED_ZONE = re.compile(r".*[0-9] ?([A-Z]{3,5})")
CLOCK_FROM_S = 1e8
"""Numbers below are no times since 1970 that an incident of ours could have: 1973."""


class Instant(Frozen):
    """A time read from a text."""

    at_s: float
    """Seconds since 1970 in UTC, or of a count of the file's own."""
    digit_s: float
    """What its last written digit is worth, in seconds."""
    zoned: bool = True
    """Whether the text says in which zone; without one it is taken for UTC."""
    clock: bool = True
    """Whether it is a time of day at all."""


@lru_cache(maxsize=4096)  # logs say the same second many times
def parse_instant(text: str) -> Instant:
    """The instant that a text stands for.

    Raises: ValueError with what was expected.
    """
    written = text.strip().strip('"[]')
    if _NUMBER.fullmatch(written):
        return _counted(written)
    if match := _ACCESS_LOG.fullmatch(written):
        day, month, year, hour, minute, second, zone = match.groups()
        if month in _MONTHS:
            number = _MONTHS.index(month) + 1
            return _iso(f"{year}-{number:02}-{day}T{hour}:{minute}:{second}{zone or ''}", text)
    if match := _TIME_OF_DAY.fullmatch(written):
        hour, minute, second = int(match[1]), int(match[2]), float(match[3] or 0)
        digit_s = 10.0 ** -len(match[3].partition(".")[2]) if match[3] else 60.0
        return Instant(hour * 3600 + minute * 60 + second, digit_s, clock=False)
    written = re.sub(r" ?(UTC|GMT|Z)$", "+00:00", written)
    if (match := _IN_WORDS.fullmatch(written)) and (named := _by_month(match)):
        return _iso(named, text)
    if match := _SLASHED.fullmatch(written):
        return _iso(_year_first(match, text), text)
    try:
        return _iso(written, text)
    except ValueError:
        return _mailed(written, text)


def _year_first(match: re.Match[str], text: str) -> str:
    """A date that has points or slashes as ISO 8601 writes it.

    With points the day comes first; with slashes or dashes a number above 12 is the day.

    Raises: ValueError where nobody knows.
    """
    one, mark, two, three, rest = match.groups()
    rest = _of_day(rest)
    if len(one) == 4:
        return f"{one}-{two:0>2}-{three:0>2}{rest}"
    if mark == "." or int(one) > 12:
        return f"{three}-{two:0>2}-{one:0>2}{rest}"
    if int(two) > 12:
        return f"{three}-{one:0>2}-{two:0>2}{rest}"
    raise ValueError(
        f"{text!r} doesn't say whether the day or the month comes first; write {three:0>4}-MM-DD"
    )


def _by_month(match: re.Match[str]) -> str | None:
    """`Nov 27, 2025, 9:20 am` or `27 November 2025` as ISO 8601 writes it."""
    month, day, day_first, month_after, year, rest = match.groups()
    month, day = month or month_after, day or day_first
    if month not in _MONTHS:
        return None
    return f"{year}-{_MONTHS.index(month) + 1:02}-{day:0>2}{_of_day(rest)}"


def _of_day(rest: str) -> str:
    """What stands behind a date, with an hour of two digits and of twenty-four."""
    if half := _HALF_DAY.fullmatch(rest):
        hour = int(half[1]) % 12 + (12 if half[3] in "Pp" else 0)
        rest = f" {hour:02}{half[2]}{half[4]}"
    return re.sub(r"^,? +([0-9]{1,2}):", lambda found: f" {found[1]:0>2}:", rest)


def _counted(written: str) -> Instant:
    value = float(written)
    scale = next((unit for least, unit in _UNITS if value >= least), 1.0)
    digits = len(written.partition(".")[2])
    return Instant(value * scale, scale * 10.0**-digits, clock=value >= CLOCK_FROM_S)


_UNITS = ((1e17, 1e-9), (1e14, 1e-6), (1e11, 1e-3))
"""Since 1970 in nano-, micro- and milliseconds: the least number taken for one, and its unit."""


def _iso(written: str, text: str) -> Instant:
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        zone = _NAMED_ZONE.fullmatch(written)
        hint = f"; several zones are called {zone[1]}: write an offset, +01:00" if zone else ""
        raise ValueError(
            f"expected a time such as 2026-11-03T12:00:05Z or 1793707205, not {text[:60]!r}{hint}"
        ) from None
    seconds = re.search(r"[0-9]{2}:[0-9]{2}(:[0-9]{2})?([.,][0-9]+)?", written)
    if seconds is None:
        digit_s = 86_400.0 if ":" not in written and "T" not in written else 60.0
    elif seconds[2]:
        digit_s = 10.0 ** -(len(seconds[2]) - 1)
    else:
        digit_s = 1.0 if seconds[1] else 60.0
    zoned = moment.tzinfo is not None
    moment = moment if zoned else moment.replace(tzinfo=UTC)
    return Instant(moment.timestamp(), max(digit_s, 1e-6), zoned)


def _mailed(written: str, text: str) -> Instant:
    try:
        moment = parsedate_to_datetime(written)
    except (ValueError, TypeError, IndexError):
        return _iso(written, text)
    zoned = moment.tzinfo is not None
    return Instant((moment if zoned else moment.replace(tzinfo=UTC)).timestamp(), 1.0, zoned)


def written_instant(at_s: float, *, clock: bool) -> str:
    """An instant for a person: `2026-11-03T12:00:05Z`, or the file's own count of seconds."""
    if not clock:
        return f"{at_s:g} s"
    moment = datetime.fromtimestamp(at_s, UTC)
    digits = "milliseconds" if moment.microsecond else "seconds"
    return moment.isoformat(timespec=digits).replace("+00:00", "Z")
