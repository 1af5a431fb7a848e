"""A last sieve before a report: whatever looks like a credential is blotted out.

Engines redact what they record, knowing each user's secrets. A report redacts again by looks alone,
because histories may come from elsewhere.
"""

from __future__ import annotations

import re

from harness.history.headers import ATTRIBUTES
from harness.printable import printable

REDACTED = "[redacted]"

_AUTHORIZATION = re.compile(
    r"""(?i)(authorization["']?\s*[:=]\s*["']?)(?:(?:bearer|basic)\s+)?(?!\[?redacted)[^\s"',;&}]+"""
)
# Not any word: "a bearer token that fails" is prose.
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+(?=\S*[\d._~+/=-]\w)[A-Za-z0-9._~+/=-]{4,}")
_COOKIES = re.compile(r"""(?i)cookie["']?\s*[:=]\s*(?:"[^"\n]*"|'[^'\n]*'|[^"'\n}]+)""")
_COOKIE = re.compile(r"""([^=;,\s:"']+)=[^;,\s"']+""")
_NAMED = re.compile(
    r"""
    ( (?: token | password | passwd | secret | api[-_]?key | authorization | session ) [\w-]*
      ["']? \s* [:=] \s* ["']? )
    (?! \s | \[?redacted | [{\[|>&*!] | null | true | false )
    [^\s"',;&}]+
    """,
    re.IGNORECASE | re.VERBOSE,
)
_JWT = re.compile(r"\beyJ[\w-]{5,}\.[\w-]+\.[\w-]*")


def clean(text: str) -> str:
    """A text without bearer tokens, cookie values, JWTs, and values named like secrets.

    Control characters but for line breaks and tabs are shown escaped.
    """
    text = printable(text)
    text = _AUTHORIZATION.sub(rf"\g<1>{REDACTED}", text)
    text = _BEARER.sub(rf"\1 {REDACTED}", text)
    text = _JWT.sub(REDACTED, text)
    text = _COOKIES.sub(lambda found: _COOKIE.sub(_without_value, found[0]), text)
    return _NAMED.sub(rf"\g<1>{REDACTED}", text)


def _without_value(cookie: re.Match[str]) -> str:
    name = cookie[1]
    return cookie[0] if name.lower() in ATTRIBUTES else f"{name}={REDACTED}"


def clean_source(text: str) -> str:
    """A YAML text likewise, still valid YAML; placeholders such as `{password}` stay."""
    return clean(text).replace(REDACTED, "redacted")
