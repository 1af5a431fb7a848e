"""JSON as Go's encoding/json reads and writes it, its error messages included.

Only the first value of a body is read; keys match in any case; numbers keep their spelling, because
`100.0` is no integer to Go. Source: encoding/json of Go 1.24-1.26, behind Toxiproxy 2.12.
"""

from __future__ import annotations

import json
import math
import re
import struct

_SPACE = b" \t\r\n"
_HEX = b"0123456789abcdefABCDEF"
_DIGITS = b"0123456789"
_DEEPEST = 10000
_LITERALS = {ord("t"): b"true", ord("f"): b"false", ord("n"): b"null"}


class JsonError(Exception):
    """A body that Go would refuse; str() is Go's message."""


class Number(str):
    """A number as it was spelt."""

    __slots__ = ()


class Pairs(list[tuple[str, object]]):
    """An object, duplicate keys and order included."""


def first_value(body: bytes) -> object:
    """The first JSON value: None, bool, str, `Number`, list or `Pairs`.

    Raises: JsonError with Go's syntax error.
    """
    start, end = _Scanner(body).scan()
    text = body[start:end].decode("utf-8", "replace")
    decoder = json.JSONDecoder(
        object_pairs_hook=Pairs,
        parse_int=Number,
        parse_float=Number,
    )
    try:
        value: object = decoder.decode(text)
    except RecursionError:
        raise JsonError("exceeded max depth") from None
    return value


def clean(text: str) -> str:
    """Lone surrogates become U+FFFD, as in Go."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class _Scanner:
    """Finds where the first value ends, or says what is wrong with it."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def scan(self) -> tuple[int, int]:
        """Start and end of the first value."""
        self._skip_space()
        if self._at >= len(self._body):
            raise JsonError("EOF" if not self._body.strip(_SPACE) else "unexpected EOF")
        start = self._at
        self._value()
        return start, self._at

    def _value(self) -> None:
        """One value, with a stack of its own so that depth is no matter."""
        stack: list[int] = []
        while True:
            self._skip_space()
            char = self._peek()
            if char in b"{[":
                self._at += 1
                stack.append(char)
                if len(stack) > _DEEPEST:
                    raise JsonError(f"invalid character {_quote(char)} exceeded max depth")
                if self._opened(char):
                    continue
                stack.pop()
            else:
                self._scalar(char)
            if not self._closed(stack):
                return

    def _opened(self, char: int) -> bool:
        """After an opening bracket: False when it closes at once."""
        self._skip_space()
        following = self._peek()
        if char == ord("{"):
            if following == ord("}"):
                self._at += 1
                return False
            self._key("looking for beginning of object key string")
        elif following == ord("]"):
            self._at += 1
            return False
        return True

    def _closed(self, stack: list[int]) -> bool:
        """After a value: closes what ends here; False when nothing is open any more."""
        while stack:
            self._skip_space()
            char = self._peek()
            if stack[-1] == ord("{"):
                if char == ord(","):
                    self._at += 1
                    self._skip_space()
                    self._key("looking for beginning of object key string")
                    return True
                if char != ord("}"):
                    self._wrong("after object key:value pair")
            else:
                if char == ord(","):
                    self._at += 1
                    return True
                if char != ord("]"):
                    self._wrong("after array element")
            self._at += 1
            stack.pop()
        return False

    def _key(self, context: str) -> None:
        if self._peek() != ord('"'):
            self._wrong(context)
        self._string()
        self._skip_space()
        if self._peek() != ord(":"):
            self._wrong("after object key")
        self._at += 1

    def _scalar(self, char: int) -> None:
        if char == ord('"'):
            self._string()
        elif char in b"-0123456789":
            self._number()
        elif char in _LITERALS:
            self._literal(_LITERALS[char])
        else:
            self._wrong("looking for beginning of value")

    def _string(self) -> None:
        self._at += 1
        while True:
            char = self._peek()
            if char < 0x20:
                self._wrong("in string literal")
            self._at += 1
            if char == ord('"'):
                return
            if char == ord("\\"):
                self._escape()

    def _escape(self) -> None:
        char = self._peek()
        if char == ord("u"):
            for _ in range(4):
                self._at += 1
                if self._peek() not in _HEX:
                    self._wrong("in \\u hexadecimal character escape")
        elif char not in b'bfnrt\\/"':
            self._wrong("in string escape code")
        self._at += 1

    def _number(self) -> None:
        if self._peek() == ord("-"):
            self._at += 1
            if self._peek() not in _DIGITS:
                self._wrong("in numeric literal")
        if self._peek() == ord("0"):
            self._at += 1
        else:
            self._digits()
        if self._next_is(b"."):
            self._at += 1
            if self._peek() not in _DIGITS:
                self._wrong("after decimal point in numeric literal")
            self._digits()
        if self._next_is(b"eE"):
            self._at += 1
            if self._next_is(b"+-"):
                self._at += 1
            if self._peek() not in _DIGITS:
                self._wrong("in exponent of numeric literal")
            self._digits()

    def _digits(self) -> None:
        while self._next_is(_DIGITS):
            self._at += 1

    def _next_is(self, chars: bytes) -> bool:
        return self._at < len(self._body) and self._body[self._at] in chars

    def _literal(self, word: bytes) -> None:
        for index in range(1, len(word)):
            self._at += 1
            if self._peek() != word[index]:
                self._wrong(f"in literal {word.decode()} (expecting '{chr(word[index])}')")
        self._at += 1

    def _skip_space(self) -> None:
        while self._next_is(_SPACE):
            self._at += 1

    def _peek(self) -> int:
        if self._at >= len(self._body):
            raise JsonError("unexpected EOF")
        return self._body[self._at]

    def _wrong(self, context: str) -> None:
        raise JsonError(f"invalid character {_quote(self._body[self._at])} {context}")


def _quote(char: int) -> str:
    """A byte as Go's scanner quotes it."""
    if char == ord("'"):
        return r"'\''"
    if char == ord('"'):
        return "'\"'"
    named = {7: r"\a", 8: r"\b", 9: r"\t", 10: r"\n", 11: r"\v", 12: r"\f", 13: r"\r", 92: "\\\\"}
    if char in named:
        return f"'{named[char]}'"
    if char < 0x20 or char == 0x7F:
        return f"'\\x{char:02x}'"
    if 0x80 <= char < 0xA0 or char == 0xAD:
        return f"'\\u{char:04x}'"
    return f"'{chr(char)}'"


_ESCAPED = re.compile('[\x00-\x1f"\\\\<>&\u2028\u2029]')
_SHORT = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}


def encode(value: object) -> str:
    """Compact JSON in Go's spelling; floats are taken as 32-bit ones."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{_ESCAPED.sub(_escape_char, value)}"'
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _float32_text(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{encode(key)}:{encode(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(encode(item) for item in value) + "]"
    raise TypeError(f"no JSON for {type(value).__name__}")


def _escape_char(match: re.Match[str]) -> str:
    char = match[0]
    return _SHORT.get(char) or f"\\u{ord(char):04x}"


def _float32_text(value: float) -> str:
    """The shortest decimal that reads back as the same 32-bit float, as Go writes it."""
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else "0"
    for digits in range(1, 10):
        text = f"{value:.{digits - 1}e}"
        if _as_float32(float(text)) == value:
            break
    mantissa, _, exponent_text = text.partition("e")
    exponent = int(exponent_text)
    if exponent < -6 or exponent >= 21:
        return f"{mantissa}e{'-' if exponent < 0 else '+'}{abs(exponent)}"
    sign = "-" if mantissa.startswith("-") else ""
    figures = mantissa.lstrip("-").replace(".", "").rstrip("0") or "0"
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{figures}"
    whole = figures.ljust(exponent + 1, "0")
    rest = whole[exponent + 1 :]
    return f"{sign}{whole[: exponent + 1]}{'.' + rest if rest else ''}"


def _as_float32(number: float) -> float:
    try:
        return float(struct.unpack("f", struct.pack("f", number))[0])
    except OverflowError:
        return math.inf
