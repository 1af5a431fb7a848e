"""The readings of the document, as settings of each upstream (contract, section 1)."""

from __future__ import annotations

from dataclasses import replace

from harness.settings import DOCUMENTED, ServiceSettings

Profile = dict[str, ServiceSettings]


def _as_coded() -> Profile:
    """The document's constructors pass neither N nor W, so every service has the defaults."""
    return {name: replace(own, threshold=5, wait_s=60.0) for name, own in DOCUMENTED.items()}


def _per_call() -> Profile:
    return {name: replace(own, per_call=True) for name, own in DOCUMENTED.items()}


def _patient() -> Profile:
    return {**DOCUMENTED, "auth": replace(DOCUMENTED["auth"], attempts=4)}


PROFILES: dict[str, Profile] = {
    "documented": dict(DOCUMENTED),
    "as_coded": _as_coded(),
    "per_call": _per_call(),
    "patient": _patient(),
}
"""Settings by upstream, by the profile's name; `documented` is the default."""
