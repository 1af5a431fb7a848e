"""How a field of a file is read: by a function that knows all that may stand there.

Pydantic's own `BeforeValidator` looks each time at the function's signature, and makes ready to
check what it returns, down to the parts of a window or a range: half of the time in which the model
of a file is built.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from harness.frozen import Frozen

_PYDANTICS = (float, int, str)


class Parsed(Frozen):
    """Stands in the annotation of a field: `parse` makes its value, or raises ValueError.

    What it makes of a text or a number is held against the field's type and bounds as ever; another
    type it must return as it is.
    """

    parse: Callable[[Any], object]

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Pydantic's question: what reads a value."""
        if source in _PYDANTICS:
            return core_schema.no_info_before_validator_function(self.parse, handler(source))
        return core_schema.no_info_plain_validator_function(self.parse)
