"""A union of models of which each is built when a file first has one.

Pydantic builds a union's branches together with the model that it stands in: for kinds of fault and
forms of expectation that is most of what reading a short file costs, and a file has few of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from harness.frozen import Frozen


class Branches(Frozen, kw_only=True):
    """Stands in the annotation of a union, and says which of its models a value is held against."""

    models: Mapping[str, type[BaseModel]]
    """Each branch by its tag, which stands in the location of an error below it. A branch is asked
    for when a value has its tag, not before."""
    tag: str | Callable[[Any], str | None]
    """The key that holds it, or what finds it."""
    unknown: tuple[str, str] | None = None
    """Type and message of the error where there is none, if not pydantic's own."""

    def __get_pydantic_core_schema__(self, _: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Pydantic's question: what reads a value. The union itself is not looked into."""
        kind, message = self.unknown or (None, None)
        return core_schema.tagged_union_schema(
            {tag: self._when_met(tag) for tag in self.models},
            discriminator=self.tag,
            custom_error_type=kind,
            custom_error_message=message,
        )

    def __get_pydantic_json_schema__(
        self, _: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Pydantic's question: how JSON Schema says it; `harness.scenario.schema` knows better."""
        return {}

    def _when_met(self, tag: str) -> CoreSchema:
        """Whatever the model says: its own errors become those of the whole file."""

        def read(value: Any) -> BaseModel:
            return self.models[tag].model_validate(value, by_alias=True, by_name=False)

        return core_schema.no_info_plain_validator_function(read)
