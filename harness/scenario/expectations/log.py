"""`log: mail`: which lines the target logs, in order; others may stand between them.

With an upstream's name, `marks` are asked for: what lines stand for, which the target file's `log:`
finds by patterns of the target's own. With a list, its texts are asked for as they stand.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema, model_validator

from harness.log_patterns import MARKS
from harness.scenario.expectations.base import Surroundings, Windowed
from harness.scenario.fields import SOME_TEXT, Misfit, UpstreamName, texts
from harness.scenario.located import Path
from harness.scenario.names import Misfits
from harness.scenario.spelling import not_known


def _known(mark: str) -> str:
    if mark not in MARKS:
        raise ValueError(not_known("mark", mark, MARKS))
    return mark


Mark = Annotated[str, AfterValidator(_known), WithJsonSchema({"enum": list(MARKS)})]
LineText = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200),
    texts("a text in a line", "Retrying in 1s", pattern=r"^[\s\S]{1,200}$"),
]


_AN_UPSTREAM = {
    "type": "string",
    "description": "an upstream, not a list of texts",
    "examples": ["mail"],
    "pattern": SOME_TEXT,
}


class ExpectLog(Windowed):
    """The target logs these, in this order; other lines may come between them."""

    rules: ClassVar[tuple[dict[str, Any], ...]] = (
        {
            "if": {"properties": {"log": _AN_UPSTREAM}, "required": ["log"]},
            "then": {"required": ["marks"]},
            "else": {"not": {"required": ["marks"]}},
        },
    )

    log: UpstreamName | Annotated[tuple[LineText, ...], Field(min_length=1)] = Field(
        description="the upstream that the lines are about; or texts in lines, in order",
        examples=["mail", ["attempt 1/2", "Retrying in 1s"]],
    )
    marks: tuple[Mark, ...] = Field(
        (),
        description="what the lines stand for, in order: attempt, failed, retrying, ...",
        examples=[["attempt", "failed", "retrying"]],
        json_schema_extra={"minItems": 1},
    )

    @model_validator(mode="after")
    def _says_something(self) -> ExpectLog:
        if isinstance(self.log, str) and not self.marks:
            raise ValueError("expected `marks`, such as [attempt, failed, retrying]")
        if not isinstance(self.log, str) and self.marks:
            raise Misfit("`marks` belong to an upstream: `log: mail`", key="marks")
        return self

    @property
    def steps(self) -> tuple[str, ...]:
        """What is to be found, in order: marks, or texts."""
        return self.marks if isinstance(self.log, str) else self.log

    @property
    def about(self) -> str:
        """The log, of which upstream."""
        return f"log of {self.log}" if isinstance(self.log, str) else "log"

    @property
    def upstreams(self) -> tuple[str, ...]:
        """The one that the lines are about, and the one whose breaker names the window."""
        return (self.log, *self.breakers) if isinstance(self.log, str) else self.breakers

    def misfits(self, path: Path, around: Surroundings) -> Misfits:
        """What is wrong with its upstream and its window."""
        if isinstance(self.log, str):
            yield from around.names.upstream((*path, "log"), self.log)
        yield from super().misfits(path, around)
