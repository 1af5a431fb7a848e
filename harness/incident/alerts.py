"""Alerts of Alertmanager: what it sends to a webhook, or what its API v2 answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from harness.incident import symptoms
from harness.incident.evidence import WHOLE, Episode, Observation
from harness.incident.instants import Instant, parse_instant
from harness.incident.json_text import JsonText, Steps
from harness.incident.reading import Wanted, service

_NEVER = 0.0
"""Go's zero time, year 1, is before this: it stands for an alert that has not ended."""
_SHARES = (
    "share", "error_share", "error_ratio", "value", "current_value", "description", "summary",
    "message",
)  # fmt: skip


def read(file: str, wanted: Wanted) -> Observation:
    """What the alerts say.

    Raises: InvalidFile when the file holds none, with the line of what is wrong.
    """
    text = JsonText(file)
    found = _latest(_alerts(text))
    wanted.one_of(file, "alerts", found, _labels, lambda one: service(_dict(one[1], "labels")))
    chosen = wanted.chosen(found, _labels)
    notes = wanted.remarks(file, "alerts", found, _labels)
    episodes = tuple(_episode(text, at, alert, notes, wanted) for at, alert in chosen)
    notes.append(
        f"{file}: an alert begins when its rule fires, after its `for`: the trouble is older"
    )
    return Observation(
        episodes=episodes,
        step_s=1.0,
        step_from="alerts name no step; --step says how often the rule is evaluated",
        notes=tuple(dict.fromkeys(notes)),
        title=next((title for _, alert in chosen if (title := _title(alert))), None),
    )


def _alerts(text: JsonText) -> Iterator[tuple[Steps, Mapping[str, Any]]]:
    root: Any = text.value
    at: list[str | int] = []
    if isinstance(root, list) and any(_is_webhook(each) for each in root):
        for number, each in enumerate(root):  # what was sent one after another
            yield from _listed(text, each.get("alerts") if isinstance(each, dict) else each,
                               [number, "alerts"])  # fmt: skip
        return
    if isinstance(root, dict) and "data" in root and "alerts" not in root:
        root, at = root["data"], ["data"]
    if isinstance(root, dict):
        root, at = root.get("alerts"), [*at, "alerts"]
    yield from _listed(text, root, at)


def _is_webhook(value: object) -> bool:
    return isinstance(value, dict) and "alerts" in value and "startsAt" not in value


def _listed(text: JsonText, alerts: object, at: Steps) -> Iterator[tuple[Steps, Mapping[str, Any]]]:
    if not isinstance(alerts, list):
        text.refuse(at[:-1], "expected a webhook's {alerts: [...]}, or API v2's list of alerts")
    if not alerts:
        text.refuse(at, "has no alert")
    for number, alert in enumerate(alerts):
        here = [*at, number]
        if not isinstance(alert, dict) or "startsAt" not in alert:
            text.refuse(here, "expected an alert with `startsAt` and `labels`")
        yield here, alert


def _latest(
    alerts: Iterable[tuple[Steps, Mapping[str, Any]]],
) -> list[tuple[Steps, Mapping[str, Any]]]:
    """Of an alert that was told of several times the last: it fired, and then it was resolved."""
    return list({f"{a['startsAt']} {_dict(a, 'labels')}": (at, a) for at, a in alerts}.values())


def _dict(alert: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = alert.get(key)
    return value if isinstance(value, dict) else {}


def _labels(found: tuple[Steps, Mapping[str, Any]]) -> Iterator[str]:
    return map(str, _dict(found[1], "labels").values())


def _title(alert: Mapping[str, Any]) -> str:
    annotations = _dict(alert, "annotations")
    said = annotations.get("summary") or _dict(alert, "labels").get("alertname") or ""
    return str(said)


def _episode(
    text: JsonText, at: Steps, alert: Mapping[str, Any], notes: list[str], wanted: Wanted
) -> Episode:
    labels, annotations = _dict(alert, "labels"), _dict(alert, "annotations")
    start = _instant(text, [*at, "startsAt"], alert["startsAt"])
    name = str(labels.get("alertname", "an alert without a name"))
    end_s, open_end = _end(text, at, alert, start.at_s, wanted)
    words = " ".join(str(one) for one in (name, *annotations.values(), *labels.values()))
    share = next((s for key in _SHARES if (s := _share(annotations.get(key))) is not None), 1.0)
    line = text.line(at)
    symptom = symptoms.of_words(_spaced(words), f"alert {name}")
    if symptom.fault == "delay":
        share = 1.0
        notes.append(f"{text.file}:{line}: {name} says that it was slow, not by how much")
    return Episode(
        start_s=start.at_s,
        end_s=end_s,
        share=1.0 if share >= WHOLE else share,
        symptom=symptom,
        source=f"{text.file}:{line} {name}",
        open_end=open_end,
    )


def _end(
    text: JsonText, at: Steps, alert: Mapping[str, Any], start_s: float, wanted: Wanted
) -> tuple[float, bool]:
    """When it ended, and whether it had not yet: then until when it was known to hold."""
    status = alert.get("status")
    state = status.get("state") if isinstance(status, dict) else status
    said = alert.get("endsAt")
    end_s = _NEVER if said is None else _instant(text, [*at, "endsAt"], said).at_s
    firing = state in ("firing", "active", "suppressed")
    if firing and alert.get("updatedAt"):
        end_s = _instant(text, [*at, "updatedAt"], alert["updatedAt"]).at_s
    if end_s > start_s:
        return end_s, firing
    if not firing and end_s > _NEVER:
        text.refuse([*at, "endsAt"], "ends before it starts")
    if wanted.until_s is not None and wanted.until_s > start_s:
        return wanted.until_s, True
    text.refuse(
        at,
        "is firing still, and nothing says until when it is known to hold: say it with "
        "--until TIME",
    )


def _instant(text: JsonText, at: Steps, said: object) -> Instant:
    try:
        return parse_instant(str(said))
    except ValueError as error:
        text.refuse(at, str(error))


def _share(said: object) -> float | None:
    if said is None:
        return None
    share = symptoms.share_in(str(said))
    if share is not None:
        return share
    try:
        value = float(str(said))
    except ValueError:
        return None
    return value if 0 < value < 1 else None


def _spaced(words: str) -> str:
    """`AuthServerDown` as words: Auth Server Down."""
    return "".join(f" {char}" if char.isupper() else char for char in words)
