"""Field types of HTTP headers: what a request, or a stub's answer, may carry."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from harness.scenario.fields import ANY_TEXT, texts

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


_FRAMING = (
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
)
"""Headers by which an answer is cut into shape on the wire: not a stub's to make up."""


def _check_headers(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name):
            raise ValueError(f"{name!r} can't name a header: expected letters, digits and -")
        check_header_value(value)
    return headers


def check_header_value(value: str) -> str:
    """A text that a header can carry as it is.

    Raises: ValueError for line ends, other control characters, and what Latin-1 lacks.
    """
    if any((char < " " and char != "\t") or char == "\x7f" or char > "\xff" for char in value):
        raise ValueError("expected a header's text: no line ends, nothing beyond Latin-1")
    return value


HeaderValue = Annotated[str, texts("a header's value", "hello", pattern=ANY_TEXT)]
HeaderFields = Annotated[dict[str, HeaderValue], AfterValidator(_check_headers)]
"""Headers as HTTP can carry them: a line end in one would make up another."""


def _check_answer_headers(headers: dict[str, str]) -> dict[str, str]:
    for name in _check_headers(headers):
        if name.lower() in _FRAMING:
            raise ValueError(
                f"{name} says how an answer is framed, which the stub does itself; for a broken "
                "answer use the faults `truncate`, `drip` or `empty`"
            )
    return headers


AnswerHeaders = Annotated[dict[str, HeaderValue], AfterValidator(_check_answer_headers)]
"""Headers of an answer that a stub is to give."""

HeaderText = Annotated[
    str, AfterValidator(check_header_value), texts("a header's text", "token-eve", pattern=ANY_TEXT)
]
