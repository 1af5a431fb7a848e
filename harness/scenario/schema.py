"""JSON Schema of the files that authors write, made for editors: descriptions, enums, examples.

It says less than validation does (names and windows are not in it), and never refuses what
validation accepts.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from harness.scenario.faults import KINDS
from harness.scenario.model import Scenario

Schema = dict[str, Any]


def scenario_schema() -> Schema:
    """The schema of scenario files."""
    schema = file_schema(Scenario, "Outage scenario")
    faults = schema["properties"]["faults"]["items"]
    faults.pop("discriminator", None)
    faults["required"] = ["fault"]
    faults["properties"] = {
        "fault": {
            "enum": list(KINDS),
            "description": "\n".join(f"{kind.name}: {kind.doc}" for kind in KINDS.values()),
        }
    }
    return schema


def file_schema(model: type[BaseModel], title: str) -> Schema:
    """The schema of a file that holds a model, without what only the code knows."""
    schema = model.model_json_schema(by_alias=True)
    for name, field in model.model_fields.items():
        if field.exclude:
            schema["properties"].pop(name, None)
    tidy: Schema = _tidied(schema)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title}
    return {**head, **{key: value for key, value in tidy.items() if key not in head}}


def _tidied(node: Any, *, of_names: bool = False) -> Any:
    """Without null alternatives, generated titles, and defaults in the code's own units.

    `of_names`: whether the keys are names that the schema describes, not the schema's own words.
    """
    if isinstance(node, list):
        return [_tidied(item) for item in node]
    if not isinstance(node, dict):
        return node
    if of_names:
        return {name: _tidied(value) for name, value in node.items()}
    kept = {
        key: _tidied(value, of_names=key in ("properties", "$defs"))
        for key, value in node.items()
        if key not in ("title", "default")
    }
    options = [option for option in kept.get("anyOf", ()) if option != {"type": "null"}]
    if len(options) == 1:
        kept.pop("anyOf")
        return {**options[0], **kept}
    return {**kept, "anyOf": options} if options else kept
