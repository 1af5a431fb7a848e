"""The page about differences says what the data says."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from harness.cli.proxy import proxy
from harness.toxiproxy.differences import DIFFERENCES, SURPRISES, as_markdown


def test_page_is_up_to_date() -> None:
    """If this fails: `outage proxy --differences > docs/proxy.md`"""
    page = Path(__file__).parents[3] / "docs" / "proxy.md"
    assert page.read_text(encoding="utf-8") == as_markdown()


def test_the_command_prints_it() -> None:
    result = CliRunner().invoke(proxy, ["--differences"])
    assert result.exit_code == 0
    assert result.output == as_markdown()
    assert all(item.id in result.output for item in (*DIFFERENCES, *SURPRISES))
