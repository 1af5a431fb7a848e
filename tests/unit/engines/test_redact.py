"""No cookie's value gets into a history, however it stands in the headers."""

from __future__ import annotations

import pytest

from harness.engines.redact import Redactor

HIDDEN = "[redacted]"


def headers(*fields):
    return Redactor(()).headers(fields)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("a=secret1; HttpOnly; Path=/", f"a={HIDDEN}; HttpOnly; Path=/"),
        ("a=secret1; Secure, b=secret2; Path=/", f"a={HIDDEN}; Secure, b={HIDDEN}; Path=/"),
        ("a=secret1, b=secret2", f"a={HIDDEN}, b={HIDDEN}"),
        (
            "a=secret1; Expires=Wed, 09 Jun 2027 10:18:14 GMT, b=secret2",
            f"a={HIDDEN}; Expires=Wed, 09 Jun 2027 10:18:14 GMT, b={HIDDEN}",
        ),
        ("a=sec,ret1; Secure", f"a={HIDDEN}; Secure"),
        ("a=sec ret1", f"a={HIDDEN}"),
        ('a="sec;ret1"; Secure', f"a={HIDDEN}; {HIDDEN}; Secure"),
        ("a=x; b=secret2; Secure", f"a={HIDDEN}; {HIDDEN}; Secure"),
        ("a=x=secret2", f"a={HIDDEN}"),
        ("secret1", HIDDEN),
        ("=secret1; Secure", f"={HIDDEN}; Secure"),
        ("secret1, b=secret2", f"{HIDDEN}, b={HIDDEN}"),
        ("a=", "a="),
        ("", ""),
    ],
)
def test_a_set_cookie_keeps_names_and_flags_only(value, kept):
    assert headers(("Set-Cookie", value)) == (("set-cookie", kept),)


def test_several_set_cookies_stay_apart():
    found = headers(("Set-Cookie", "a=secret1; Secure"), ("set-cookie", "b=secret2; HttpOnly"))
    assert found == (
        ("set-cookie", f"a={HIDDEN}; Secure"),
        ("set-cookie", f"b={HIDDEN}; HttpOnly"),
    )


@pytest.mark.parametrize("name", ["Cookie", "X-Original-Cookie", "cookie2"])
def test_cookies_that_come_back_are_redacted_all(name):
    (pair,) = headers((name, "a=secret1; b=secret2; secret3"))
    assert pair == (name.lower(), f"a={HIDDEN}; b={HIDDEN}; {HIDDEN}")
