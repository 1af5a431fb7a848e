"""Incidents of a status page (Atlassian Statuspage's JSON): its updates are its change points."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.incident import symptoms
from harness.incident.evidence import Episode, Observation, Symptom
from harness.incident.instants import parse_instant
from harness.incident.json_text import JsonText, Steps
from harness.incident.reading import Wanted

_PARTIAL = 0.5
"""What `partial outage` is played as: a page says no share."""
_WHAT: Mapping[str, tuple[str, float]] = {
    "major_outage": ("status", 1.0),
    "partial_outage": ("status", _PARTIAL),
    "degraded_performance": ("delay", 1.0),
}
_IMPACT = {
    "critical": "major_outage", "major": "major_outage", "minor": "partial_outage",
    "none": "operational", "maintenance": "under_maintenance",
}  # fmt: skip
_WELL = ("operational", "under_maintenance")


def read(file: str, wanted: Wanted) -> Observation:
    """What a page's incidents say.

    Raises: InvalidFile when the file holds none, with the line of what is wrong.
    """
    text = JsonText(file)
    notes = [
        f"{file}: a page is written by people: instants are when they wrote, shares are not said"
    ]
    incidents = list(_incidents(text))
    wanted.one_of(
        file, "incidents", incidents, lambda one: _named(one[1]), lambda one: _component(one[1])
    )
    chosen = wanted.chosen(incidents, lambda one: _named(one[1]))
    notes += wanted.remarks(file, "incidents", incidents, lambda one: _named(one[1]))
    episodes = [one for at, incident in chosen for one in _episodes(text, at, incident, wanted)]
    if not episodes:
        text.refuse([], "no incident in it has a time in which a component was not operational")
    return Observation(
        episodes=tuple(episodes),
        step_s=60.0,
        step_from="a page's instants are good to a minute at best",
        notes=tuple(notes),
        title=next((str(i["name"]) for _, i in chosen if i.get("name")), None),
    )


def _incidents(text: JsonText) -> Iterator[tuple[Steps, Mapping[str, Any]]]:
    root: Any = text.value
    at: list[str | int] = []
    if isinstance(root, dict) and isinstance(root.get("incident"), dict):
        root, at = [root["incident"]], ["incident"]
    elif isinstance(root, dict) and isinstance(root.get("incidents"), list):
        root, at = root["incidents"], ["incidents"]
    elif isinstance(root, dict):
        root = [root]
    if not isinstance(root, list):
        text.refuse(at, "expected an incident, or {incidents: [...]}")
    if not root:
        text.refuse(at, "has no incident")
    for number, incident in enumerate(root):
        here = [*at, number] if isinstance(text.value, list) or at == ["incidents"] else at
        if not isinstance(incident, dict) or not (
            incident.get("started_at") or incident.get("created_at")
        ):
            text.refuse(here, "expected an incident with `created_at` and `incident_updates`")
        yield here, incident


def _list(value: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    inner = value.get(key)
    return [one for one in inner if isinstance(one, dict)] if isinstance(inner, list) else []


def _named(incident: Mapping[str, Any]) -> Iterator[str]:
    yield str(incident.get("name", ""))
    for component in _list(incident, "components"):
        yield str(component.get("name", ""))
    for update in _list(incident, "incident_updates"):
        for component in _list(update, "affected_components"):
            yield str(component.get("name", ""))


def _component(incident: Mapping[str, Any]) -> str:
    """What it is about, where that is one thing."""
    components = {str(one.get("name", "")) for one in _list(incident, "components")}
    return components.pop() if len(components) == 1 else ""


def _episodes(
    text: JsonText, at: Steps, incident: Mapping[str, Any], wanted: Wanted
) -> Iterator[Episode]:
    """Between two updates that change a component, what the page said of it."""
    began = "started_at" if incident.get("started_at") else "created_at"
    start_s = _time(text, [*at, began], incident[began])
    ended = incident.get("resolved_at")
    end_s = None if ended is None else _time(text, [*at, "resolved_at"], ended)
    updates = _updates(text, at, incident)
    changes = [(start_s, _IMPACT.get(str(incident.get("impact")), "major_outage"), text.line(at))]
    told = [(when, status, line) for when, status, line in _states(updates, wanted)]
    if told and told[0][0] <= updates[0][0]:
        # The first update tells of what has begun already.
        changes = [(start_s, told[0][1], told[0][2]), *told[1:]]
    elif told:
        changes = told
    if end_s is None:
        resolved = [when for when, update, _, _ in updates if update.get("status") == "resolved"]
        well = [told[-1][0]] if told and told[-1][1] in _WELL else []
        end_s = next(iter((*resolved[-1:], *well)), None)
    open_end = end_s is None
    known_s = [when for when, _, _, _ in updates]
    if incident.get("updated_at"):
        known_s.append(_time(text, [*at, "updated_at"], incident["updated_at"]))
    until_s = end_s if end_s is not None else max(*known_s, start_s + 60)
    if until_s <= start_s:
        text.refuse([*at, "resolved_at"], "is resolved before it begins")
    ends = [when for when, _, _ in changes[1:]] + [until_s]
    words = " ".join([str(incident.get("name", "")), *(body for *_, body in updates)])
    for (begin_s, status, line), stop_s in zip(changes, ends, strict=True):
        begin_s, stop_s = max(start_s, begin_s), min(stop_s, until_s)
        if status in _WELL or stop_s <= begin_s:
            continue
        symptom, share = _symptom(status, words)
        yield Episode(
            start_s=begin_s,
            end_s=stop_s,
            share=share,
            symptom=symptom,
            source=f"{text.file}:{line}",
            open_end=open_end and stop_s == until_s,
        )


def _symptom(status: str, words: str) -> tuple[Symptom, float]:
    kind, share = _WHAT.get(status, ("status", 1.0))
    why = f"the page says {status.replace('_', ' ')}"
    said = symptoms.of_words(words, why)
    if kind == "delay":
        return symptoms.of_kind("delay", why), share
    if share < 1:
        share = symptoms.share_in(words) or share
    return (symptoms.plainest(why) if said.fault == "delay" else said), share


def _updates(
    text: JsonText, at: Steps, incident: Mapping[str, Any]
) -> list[tuple[float, Mapping[str, Any], int, str]]:
    """The updates in the order of time (files have the newest first)."""
    found = []
    for number, update in enumerate(incident.get("incident_updates") or ()):
        here = [*at, "incident_updates", number]
        said = (
            update.get("display_at") or update.get("created_at")
            if isinstance(update, dict)
            else None
        )
        if said is None:
            text.refuse(here, "expected an update with `created_at`")
        body = str(update.get("body") or "")[:2000]
        found.append((_time(text, here, said), update, text.line(here), body))
    return sorted(found, key=lambda one: one[0])


def _states(
    updates: Sequence[tuple[float, Mapping[str, Any], int, str]], wanted: Wanted
) -> Iterator[tuple[float, str, int]]:
    """Each change of the worst state of the components that are meant."""
    worst = (
        "operational",
        "under_maintenance",
        "degraded_performance",
        "partial_outage",
        "major_outage",
    )
    states: dict[str, str] = {}
    before = ""
    affected = [
        (number, component)
        for number, (_, update, _, _) in enumerate(updates)
        for component in _list(update, "affected_components")
    ]
    meant = wanted.chosen(affected, lambda one: [str(one[1].get("name", ""))])
    for number, (when, _, line, _) in enumerate(updates):
        for component in (one for of, one in meant if of == number):
            states[str(component.get("code") or component.get("name"))] = str(
                component.get("new_status", "")
            )
        known = [state for state in states.values() if state in worst]
        if known and (state := max(known, key=worst.index)) != before:
            before = state
            yield when, state, line


def _time(text: JsonText, at: Steps, said: object) -> float:
    try:
        return parse_instant(str(said)).at_s
    except ValueError as error:
        text.refuse(at, str(error))
