"""Which proxy is taken, and why: at real services only one that sees requests will do."""

from __future__ import annotations

import pytest

from harness.engines.local.proxy import choose_proxy
from harness.errors import UsageError


def test_real_services_are_seen_by_the_embedded_proxy() -> None:
    choice = choose_proxy("auto", real=["cache"])
    assert (choice.name, choice.evidence) == ("embedded", "proxy requests")
    assert "requests at cache" in choice.description
    assert choose_proxy("embedded", real=["cache"]).why == "asked for"


@pytest.mark.parametrize("wanted", ["toxiproxy", "http://127.0.0.1:8474"])
def test_a_proxy_that_sees_too_little_is_refused_by_name(wanted: str) -> None:
    with pytest.raises(UsageError, match=r"cache .*--proxy embedded"):
        choose_proxy(wanted, real=["cache"])
