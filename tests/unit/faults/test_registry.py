"""Each toxic keeps to the interface that the proxy, the simulation and the docs rely on."""

from __future__ import annotations

import ast
import dataclasses
from pathlib import Path

import pytest

import harness.faults
from harness.faults import TOXICS

FORBIDDEN = {"time", "asyncio", "socket", "select", "threading", "os", "logging", "datetime"}


@pytest.mark.parametrize("name", TOXICS)
def test_attributes_describe_the_fields(name: str) -> None:
    toxic = TOXICS[name]
    assert name == toxic.TYPE
    fields = [field.name for field in dataclasses.fields(toxic)]  # type: ignore[arg-type]
    assert [attribute.field for attribute in toxic.ATTRIBUTES] == fields
    for attribute in toxic.ATTRIBUTES:
        assert attribute.unit
        assert attribute.doc
        assert getattr(toxic(), attribute.field) == attribute.default


def test_toxics_know_no_clock_and_no_socket() -> None:
    folder = Path(harness.faults.__file__).parent
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            modules = []
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                modules = [node.module or ""]
            found = {module.partition(".")[0] for module in modules} & FORBIDDEN
            assert not found, f"{path.name} imports {found}"
