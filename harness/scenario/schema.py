"""JSON Schema of the files that authors write, made for editors: descriptions, enums, examples.

It says less than validation does (names and windows are not in it), and never refuses what
validation accepts.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from harness.scenario.expectations import FORMS
from harness.scenario.faults import KINDS
from harness.scenario.fields import DURATION, POSITIVE
from harness.scenario.matrix import KEY
from harness.scenario.model import Scenario

Schema = dict[str, Any]


class _WithoutDefaults(GenerateJsonSchema):
    """They would stand in the code's own units."""

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> Schema:
        return self.generate_inner(schema["schema"])


def scenario_schema() -> Schema:
    """The schema of scenario files."""
    branches = (*(kind.model for kind in KINDS.values()), *FORMS.values())
    schema = file_schema(Scenario, "Outage scenario", *branches)
    for kind in KINDS.values():
        keys = schema["$defs"][kind.model.__name__]["properties"]
        keys["fault"] |= {"description": kind.doc, "examples": [kind.name]}
        for name in [name for name, field in kind.model.model_fields.items() if field.exclude]:
            del keys[name]
    schema["properties"]["faults"]["items"] = _by_kind()
    schema["properties"]["expect"]["items"] = _by_form()
    return _with_matrix(schema)


def _with_matrix(schema: Schema) -> Schema:
    """The same, but that in a file with a matrix any value may be a `$name`."""
    head = {key: schema[key] for key in ("$schema", "$id", "title")}
    whole = {key: schema[key] for key in schema if key not in (*head, "$defs")}
    keys = whole["properties"]
    matrix = keys.pop(KEY)
    described = {key: {"description": said["description"]} for key, said in keys.items()}
    for key, said in described.items():
        said["examples"] = keys[key].get("examples") or keys[key]["anyOf"][0]["examples"]
    return {
        **head,
        "type": "object",
        "properties": {**described, KEY: matrix},
        "if": {"required": [KEY]},
        "then": {
            "required": whole["required"],
            "propertyNames": {"enum": [*keys, KEY]},
        },
        "else": {"$ref": "#/$defs/Scenario"},
        "$defs": {**schema["$defs"], "Scenario": whole},
    }


def _by_kind() -> Schema:
    """A fault: one that is not known is named, and one that is known is held against its kind."""
    kinds = "\n".join(f"{kind.name}: {kind.doc}" for kind in KINDS.values())
    return {
        "type": "object",
        "required": ["fault"],
        "properties": {"fault": {"enum": list(KINDS), "description": kinds}},
        "allOf": [
            {
                "if": {
                    "properties": {"fault": {"const": kind.name, "description": kind.doc}},
                    "required": ["fault"],
                },
                "then": _reference(kind.model),
            }
            for kind in KINDS.values()
        ],
    }


def _by_form() -> Schema:
    """An expectation: held against the form of the first of its telling keys."""
    chosen: Schema = {}
    for key, form in reversed([*FORMS.items()]):
        chosen = {
            "if": {"required": [key]},
            "then": _reference(form),
            **({"else": chosen} if chosen else {}),
        }
    some = [{"required": [key]} for key in FORMS]
    return {"type": "object", "anyOf": some, **chosen}


def _reference(model: type[BaseModel]) -> Schema:
    return {"$ref": f"#/$defs/{model.__name__}"}


def file_schema(model: type[BaseModel], title: str, *branches: type[BaseModel]) -> Schema:
    """The schema of a file that holds a model, without what only the code knows.

    `branches` are models that may stand in it where only the caller knows.
    """
    schema = _schema(model)
    parts = schema.pop("$defs", {})
    for branch in branches:
        parts[branch.__name__] = _schema(branch)
        parts |= parts[branch.__name__].pop("$defs", {})
    if parts:
        schema["$defs"] = dict(sorted(parts.items()))
    for name, field in model.model_fields.items():
        if field.exclude:
            schema["properties"].pop(name, None)
    tidy: Schema = _tidied(schema)
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:outage-harness:{title.lower().replace(' ', '-')}:1",
        "title": title,
    }
    return {**head, **{key: value for key, value in tidy.items() if key not in head}}


def _schema(model: type[BaseModel]) -> Schema:
    return model.model_json_schema(by_alias=True, schema_generator=_WithoutDefaults)


def _tidied(node: Any, *, of_names: bool = False) -> Any:
    """Without null alternatives and generated titles.

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
        if key != "title"
    }
    if "patternProperties" in kept:
        kept.setdefault("additionalProperties", False)  # names of another pattern are refused, too
    if kept.pop("gt", None) == 0 and kept.get("pattern") == DURATION:
        kept = {key: value for key, value in kept.items() if key not in ("minimum", "maximum")}
        kept |= {"type": "string", "pattern": f"^{POSITIVE}{DURATION.removeprefix('^')}"}
    options = [option for option in kept.get("anyOf", ()) if option != {"type": "null"}]
    if len(options) == 1:
        kept.pop("anyOf")
        return {**options[0], **kept}
    return {**kept, "anyOf": options} if options else kept
