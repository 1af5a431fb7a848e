"""Defective gateways: the reference gateway with one change each, made from outside.

`python -m tests.defects.gateways ID` serves one exactly as `python -m gateway` serves the sound
one; for WSGI, `tests.defects.gateways.wsgi:app` with the id in the variable DEFECT.
"""

from tests.defects.gateways import (  # noqa: F401 - each registers its defects
    access,
    answering,
    by_kind,
    counting,
    half_open,
    keyed,
    logs,
    mixing,
    money,
    neighbouring,
    paying,
    probing,
    recovering,
    relapsing,
    resources,
    results,
    retrying,
    sound,
    status_page,
    timing,
    trusting,
)
from tests.defects.gateways.catalogue import DEFECTS, SOUND, Defect

__all__ = ["DEFECTS", "SOUND", "Defect"]
