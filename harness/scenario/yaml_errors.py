"""A YAML parser's complaint, moved to the line of the mistake and put into an author's words."""

from __future__ import annotations

from typing import Any

_WORDS = {
    "mapping values are not allowed in this context": (
        "a colon doesn't belong here: check the indentation, and quote a text that contains ': '"
    ),
    "could not find expected ':'": "expected a colon after the key",
    "did not find expected key": "expected a key here: check indentation, quotes and brackets",
    "did not find expected '-' indicator": "expected another '- ' item here: check the indentation",
    "did not find expected ',' or '}'": "a '{' is not closed, or a comma is missing",
    "did not find expected ',' or ']'": "a '[' is not closed, or a comma is missing",
    "did not find expected comment or line break": (
        "quote a text that begins with > or |, such as '> 3'"
    ),
    "did not find expected node content": "expected a value here: check the brackets",
    "exceeded maximum nesting depth": "is nested deeper than any file needs; check the brackets",
    "found unexpected end of stream": "a quote is not closed",
    "found unknown escape character": (
        "a backslash means something in double quotes; use single quotes"
    ),
    "found a tab character that violates indentation": (
        "a tab is used for indentation; use spaces"
    ),
    "found undefined tag handle": "quote a text that begins with !",
    "did not find expected <document start>": "a second document begins here; write one to a file",
    "found incompatible YAML document": "expected YAML 1.1 or 1.2",
}


def syntax_spot(error: Any, text: str, last_quoted: tuple[int, int]) -> tuple[int, str]:
    """Where (line from 1) and what; `error` is yaml's, with its marks.

    `last_quoted` is the first and last line of the last quoted text: a closing quote that is
    missing shows only where the next one ends the text too late.
    """
    at = error.problem_mark or error.context_mark
    line = at.line + 1 if at else 1
    problem = error.problem or "is not YAML"
    if last_quoted[0] < line == last_quoted[1]:
        return last_quoted[0], _WORDS["found unexpected end of stream"]
    if problem == "found character that cannot start any token":
        return line, _stray_character(text, line, at.column)
    if _belongs_to_its_context(error, text):
        line = error.context_mark.line + 1
    return min(line, text.count("\n") + 1), _WORDS.get(problem, problem)


def _belongs_to_its_context(error: Any, text: str) -> bool:
    """Whether the mistake is where the parser began to read, not where it gave up."""
    if error.context_mark is None:
        return False
    if error.context in ("while scanning a simple key", "while scanning a quoted scalar"):
        return True
    if error.context not in ("while parsing a flow mapping", "while parsing a flow sequence"):
        return False
    opened = _line(text, error.context_mark.line)
    gave_up = _line(text, error.problem_mark.line)
    # Back at the indentation where it was opened: the bracket was forgotten, not a comma.
    return _indentation(gave_up) <= _indentation(opened)


def _stray_character(text: str, line: int, column: int) -> str:
    before_and_at = _line(text, line - 1)[: column + 1]
    character = before_and_at[-1:]
    if character == "\t" or "\t" in before_and_at:
        return "a tab is used for indentation; use spaces"
    return f"quote a text that begins with {character}"


def _line(text: str, index: int) -> str:
    lines = text.splitlines()
    return lines[index] if index < len(lines) else ""


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip())
