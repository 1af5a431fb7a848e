"""From what people and programs wrote of a failure to the kind of fault that looks like it."""

from __future__ import annotations

import re

from msgspec.structs import replace

from harness.incident.evidence import WHOLE, Symptom
from harness.scenario.faults import KINDS
from harness.units import format_duration

_WORDS: tuple[tuple[str, str], ...] = (
    (r"refus|111:|ECONNREFUSED|no live upstreams|\bdown\b|not running", "refused"),
    (r"time[d-]? ?out|deadline|unreachable|not respond|no response|hang|black ?hole", "blackhole"),
    (r"\b504\b", "blackhole"),
    (r"reset|104:|ECONNRESET|broken pipe", "reset"),
    (r"prematurely closed|empty reply|EOF\b", "empty"),
    (r"slow|latency|degraded|delay|duration|p9[059]", "delay"),
)
_STATUS = re.compile(r"(?<![0-9.])(5[0-9]{2})(?![0-9.])")
_SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]+)?) ?%")
PLAINEST = "503"
"""The status of a service that is said to fail, but not how."""


def named(word: str, why: str) -> Symptom | None:
    """The symptom for the name of a kind of fault, where a file gives one (`blackhole`)."""
    plain = word.strip().lower().replace("-", "_").replace(" ", "_")
    return of_kind(plain, why) if plain in KINDS else None


def of_kind(fault: str, why: str) -> Symptom:
    """A kind of fault with the parameters that it can't do without."""
    example = KINDS[fault].example
    return Symptom(fault=fault, parameters=example, why=why, assumed=bool(example))


def of_status(status: int, why: str) -> Symptom:
    """What a proxy's answer says of the upstream behind it."""
    if status == 504:
        return Symptom(fault="blackhole", why=why)
    return Symptom(fault="status", parameters={"status": str(status)}, why=why)


def of_lateness(late_s: float, why: str) -> Symptom:
    """Answers that come, but so much later than usual."""
    late = format_duration(max(0.001, float(f"{late_s:.2g}")))
    return Symptom(fault="delay", parameters={"delay": late}, why=why)


def of_words(text: str, why: str) -> Symptom:
    """What a sentence says, or the plainest failure where it says nothing of how."""
    for pattern, fault in _WORDS:
        if re.search(pattern, text, re.IGNORECASE):
            return of_kind(fault, why)
    if match := _STATUS.search(text):
        return of_status(int(match[1]), why)
    return plainest(why)


def plainest(why: str) -> Symptom:
    """A service that fails, nobody says how."""
    return replace(of_status(int(PLAINEST), why), told=False)


def share_in(text: str) -> float | None:
    """The share that a sentence names (`42% of requests fail`), where it names one."""
    shares = [float(match) / 100 for match in _SHARE.findall(text)]
    return next((share for share in shares if 0 < share <= 1), None)


def playable(symptom: Symptom, share: float) -> tuple[Symptom, str]:
    """The symptom as some calls only can meet it, and what had to be changed for that."""
    if share >= WHOLE or KINDS[symptom.fault].in_stub:
        return symptom, ""
    told = f"`{symptom.fault}` hits all calls or none, so some are closed without an answer"
    return Symptom(fault="empty", why=symptom.why, told=symptom.told), told
