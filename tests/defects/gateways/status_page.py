"""Mistakes of the status page (B12)."""

from __future__ import annotations

import time

import gateway.routes.status as status
from gateway.resilience import State
from tests.defects.gateways.catalogue import defect

_shown = status._shown


def _showing(changed) -> None:
    """The page with each service's entry changed: (entry, snapshot) -> entry."""
    status._shown = lambda snapshot: changed(_shown(snapshot), snapshot)


@defect(
    "status-always-closed",
    "the status page always says closed",
    claims="B12",
    scenarios="status_page",
)
def status_always_closed():
    _showing(lambda entry, snapshot: {**entry, "state": "closed"})


@defect(
    "status-open-at-once",
    "the status page says open as soon as something has failed",
    claims="B12",
    scenarios="status_page",
)
def status_open_at_once():
    _showing(
        lambda entry, snapshot: {**entry, "state": "open" if snapshot.last_failure else "closed"}
    )


@defect(
    "status-stays-open",
    "the status page goes on saying open after the recovery",
    claims="B12 B4",
    scenarios="burst_at_the_probe status_page",
)
def status_stays_open():
    seen = []

    def changed(entry, snapshot):
        if snapshot.state is State.OPEN:
            seen.append(True)
        return {**entry, "state": "open"} if seen and snapshot.last_failure else entry

    _showing(changed)


@defect(
    "status-for-all",
    "the status page shows one service's state for all",
    claims="B12",
    scenarios="status_page",
)
def status_for_all():
    last = {}

    def changed(entry, snapshot):
        if snapshot.last_failure is not None:
            last["state"] = entry["state"]
        return {**entry, **last}

    _showing(changed)


@defect(
    "status-late",
    "the status page is made once in 20 s",
    claims="B12",
    scenarios="status_page",
)
def status_late():
    blueprint = status.blueprint

    def late(services):
        shown = {"at_s": -100.0, "answer": None}
        made = blueprint(services)
        page = status.said

        def said(value, code=200):
            if "services" not in value:
                return page(value, code)
            if time.monotonic() - shown["at_s"] > 20:
                shown.update(at_s=time.monotonic(), answer=value)
            return page(shown["answer"], code)

        status.said = said
        return made

    status.blueprint = late


@defect(
    "status-count-kept",
    "the status page's count isn't cleared by the recovery",
    claims="B12 B4",
    scenarios="status_page",
)
def status_count_kept():
    most = {"count": 0}

    def changed(entry, snapshot):
        if snapshot.last_failure is None:
            return entry
        most["count"] = max(most["count"], snapshot.failure_count)
        return {**entry, "failure_count": most["count"]}

    _showing(changed)


@defect(
    "status-count-one-less",
    "the status page counts the failures before the last one",
    claims="B12",
    scenarios="status_page",
)
def status_count_one_less():
    _showing(lambda entry, snapshot: {**entry, "failure_count": max(0, snapshot.failure_count - 1)})


@defect(
    "status-never-half-open",
    "the status page says open as long as the probe is under way",
    claims="B12",
    scenarios="status_page",
)
def status_never_half_open():
    _showing(
        lambda entry, snapshot: (
            {**entry, "state": "open"} if snapshot.state is State.HALF_OPEN else entry
        )
    )


@defect(
    "status-half-open-early",
    "the status page says half open for the second half of the wait",
    claims="B12",
    scenarios="auth_refused_50s",
)
def status_half_open_early():
    opened = {}

    def changed(entry, snapshot):
        if snapshot.state is not State.OPEN:
            return entry
        since_s = opened.setdefault(snapshot.last_state_change, time.monotonic())
        return {**entry, "state": "half_open"} if time.monotonic() - since_s > 30 else entry

    _showing(changed)


@defect(
    "status-500",
    "the status page fails while a breaker is open",
    claims="B12 G9",
    scenarios="auth_cut_heads status_page",
)
def status_500():
    def changed(entry, snapshot):
        if snapshot.state is not State.CLOSED:
            raise RuntimeError("not closed")
        return entry

    _showing(changed)


@defect(
    "status-silent",
    "the status page says nothing of a service whose breaker is open",
    claims="B12",
    scenarios="status_page",
)
def status_silent():
    _showing(lambda entry, snapshot: entry if snapshot.state is State.CLOSED else {})


@defect(
    "status-lists-failed-only",
    "the status page lists only services that have failed",
    claims="B12",
    scenarios="status_page",
)
def status_lists_failed_only():
    _showing(lambda entry, snapshot: entry if snapshot.last_failure else {})
