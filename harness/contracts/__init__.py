"""Contracts as data: what a gateway promises, in a file of its own.

    document()             the bundled contract, `document.yaml`
    load_contract(path)    that of another file, validated like a scenario

`model` is what may be written, `loading` what is wrong with it where it stands, `templates` the
texts with places in it. The arithmetic over a contract is `harness.contract`.
"""

from harness.contracts.loading import (
    BUNDLED,
    contract_told,
    document,
    load_contract,
    parse_contract,
)
from harness.contracts.model import Contract
from harness.contracts.people import Sample, User
from harness.contracts.routes import ContractRoute, Step

__all__ = [
    "BUNDLED",
    "Contract",
    "ContractRoute",
    "Sample",
    "Step",
    "User",
    "contract_told",
    "document",
    "load_contract",
    "parse_contract",
]
