"""Contracts as data: what a gateway promises, in a file of its own.

    document()             the bundled contract, `document.yaml`
    load_contract(path)    that of another file, validated like a scenario

`model` is what may be written, `loading` what is wrong with it where it stands, `templates` the
texts with places in it. The arithmetic over a contract is `harness.contract`.
"""

from __future__ import annotations

from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.contracts.bundled import BUNDLED, bundled_upstreams, bundled_users
    from harness.contracts.loading import (
        contract_told,
        document,
        load_contract,
        parse_contract,
    )
    from harness.contracts.model import Contract
    from harness.contracts.people import Sample, User
    from harness.contracts.routes import ContractRoute, Step

_PLACES = {
    "BUNDLED": "bundled",
    "Contract": "model",
    "ContractRoute": "routes",
    "Sample": "people",
    "Step": "routes",
    "User": "people",
    "bundled_upstreams": "bundled",
    "bundled_users": "bundled",
    "contract_told": "loading",
    "document": "loading",
    "load_contract": "loading",
    "parse_contract": "loading",
}
"""Which module has each name, loaded when it is first asked for: who checks a scenario against the
bundled contract's names needn't wait for the model of all that contracts say."""

__all__ = [
    "BUNDLED",
    "Contract",
    "ContractRoute",
    "Sample",
    "Step",
    "User",
    "bundled_upstreams",
    "bundled_users",
    "contract_told",
    "document",
    "load_contract",
    "parse_contract",
]


def __getattr__(name: str) -> Any:
    """A name of this package, from its module."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return resolve_name(f"{__name__}.{_PLACES[name]}:{name}")
