"""Parts of a target file: how it is started, where it tells of itself, which failures are known."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from harness.scenario.fields import ANY_TEXT, Line, Part, Route, texts


def _variable_text(value: object) -> object:
    """An environment knows texts only: `PORT: 80` is as good as `PORT: "80"`."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


APPLICATION = r"^[\w.]+:[\w.]+(\(\))?$"
"""Where an application is: a module, and an attribute of it or what makes it."""
_APP = texts("an application", "app:app", pattern=APPLICATION)
_VARIABLE = WithJsonSchema(
    {
        "type": ["string", "number", "boolean"],
        "description": "a variable's value",
        "examples": ["debug"],
        "pattern": ANY_TEXT,
    }
)


class Start(Part):
    """How a target is started: a command, or (for the simulation) a WSGI or ASGI application."""

    rules: ClassVar[tuple[dict[str, Any], ...]] = (
        {"anyOf": [{"required": [key]} for key in ("command", "wsgi", "asgi")]},
        {"not": {"required": ["wsgi", "asgi"]}},
    )
    command: tuple[Annotated[str, texts("a word", "flask", pattern=ANY_TEXT)], ...] = Field(
        (),
        description="{port}, {python} and addresses such as {mail.address} are replaced",
        json_schema_extra={"minItems": 1},
        examples=[["python", "-m", "flask", "--app", "app", "run", "--port", "{port}"]],
    )
    python: Annotated[str, texts("a program", ".venv/bin/python", pattern=ANY_TEXT)] | None = Field(
        None,
        description="the Python that it runs in, relative to `cwd`: {python} in the command, and "
        "that of the simulation; the harness's own if not said",
        examples=[".venv/bin/python"],
    )
    cwd: Annotated[str, texts("a folder", "../my-gateway", pattern=ANY_TEXT)] = Field(
        ".", description="relative to the target file", examples=["../my-gateway"]
    )
    env: dict[str, Annotated[str, BeforeValidator(_variable_text), _VARIABLE]] = Field(
        default_factory=dict,
        description="variables of its environment; places are replaced as in the command",
        examples=[{"LOG_LEVEL": "debug"}, {"CACHE_PORT": "{cache.port}"}],
    )
    files: dict[
        Annotated[str, texts("a file", "config.toml")], Annotated[str, texts("a file", "a.in")]
    ] = Field(
        default_factory=dict,
        description="files that it reads -> their templates below this file's folder; places are "
        "replaced as in the command, and {files} there is their folder",
        examples=[{"config.toml": "config.toml.in"}],
    )
    wsgi: Annotated[str, _APP] | None = Field(
        None, description="module:attr, for the simulation; factory() too", examples=["app:app"]
    )
    asgi: Annotated[str, _APP] | None = Field(
        None, description="the same for an ASGI application", examples=["main:app"]
    )
    tls: bool = Field(
        False,
        description="whether it is asked by https: {tls.cert} and {tls.key} are its certificate",
        examples=[True],
    )

    @property
    def app(self) -> str | None:
        """The application that the simulation plays, whichever its interface."""
        return self.asgi if self.wsgi is None else self.wsgi


class Status(Part):
    """The target's own account of its breakers: further evidence."""

    request: Route = Field(description="where it says so")
    state: Annotated[str, texts("a path", "services.{upstream}.state", pattern=ANY_TEXT)] = Field(
        description="dotted path in the answer; {upstream} is replaced",
        examples=["services.{upstream}.state"],
    )


def _day(value: object) -> object:
    try:
        return value if isinstance(value, date) else date.fromisoformat(str(value))
    except ValueError:
        raise ValueError("expected a day, such as 2026-12-31") from None


Day = Annotated[
    date,
    BeforeValidator(_day),
    WithJsonSchema(
        {
            "type": "string",
            "format": "date",
            "description": "a day",
            "examples": ["2026-12-31"],
            "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
        }
    ),
]


def _failure(text: str) -> str:
    scenario, _, finding = text.partition("/")
    if not scenario.strip() or not finding.strip():
        raise ValueError(
            "expected scenario/finding, as a run names them, such as "
            "auth_blackhole_50s/auth breaker: opens"
        )
    return text


Failure = Annotated[
    Line,
    AfterValidator(_failure),
    texts(
        "a scenario and a finding of it",
        "auth_blackhole_50s/auth breaker: opens",
        pattern=r"^\s*[^/\s][^/]*/.*\S",
    ),
]


class KnownEntry(Part):
    """A failure that is known, and excused until a day: shown, and red if it passes or expires."""

    failure: Failure = Field(
        description="scenario/expectation, as a run names them",
        examples=["auth_blackhole_50s/auth breaker: opens"],
    )
    because: Line = Field(
        description="why it is excused, for whoever reads a report", examples=["GATE-12: no probe"]
    )
    until: Day = Field(description="the last day on which it is")
