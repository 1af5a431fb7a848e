"""What a command leaves out to begin sooner, and what must not come of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import os, sys
{before}
from harness.startup import without_plugins
without_plugins()
from harness.engines.processes import clean_environment
name = "PYDANTIC_DISABLE_PLUGINS"
print(os.environ[name], clean_environment({{}}).get(name))
"""


def run(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_target_is_not_told_what_the_harness_does_without() -> None:
    assert run(PROGRAM.format(before="")).split() == ["__all__", "None"]
    said = PROGRAM.format(before="os.environ['PYDANTIC_DISABLE_PLUGINS'] = 'logfire'")
    assert run(said).split() == ["logfire", "logfire"]


@pytest.mark.parametrize("command", ["validate", "list"])
def test_looking_at_scenarios_loads_no_engine_and_no_protocol(command: str, tmp_path: Path) -> None:
    program = (
        f"import os, sys; sys.argv = ['outage', '{command}']\n"
        f"os.environ['XDG_CACHE_HOME'] = {str(tmp_path)!r}  # the first time\n"
        "from harness.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "sys.stdout.flush(); print('|', *sorted(sys.modules), file=sys.stdout)"
    )
    loaded = set(run(program).rpartition("|")[2].split())
    assert "harness.scenario.loader" in loaded
    for heavy in ("asyncio", "rich", "h11", "harness.target", "harness.engines", "harness.checks"):
        assert heavy not in loaded, heavy
    assert "harness.contracts.model" not in loaded


def test_of_kinds_and_forms_only_what_a_file_has_is_loaded_and_built() -> None:
    program = (
        "import sys\n"
        "from harness.scenario.loader import load_scenario\n"
        "from harness.scenario.expectations import FORMS\n"
        "from harness.scenario.faults import KINDS\n"
        "load_scenario('scenarios/auth_blackhole_50s.yaml')\n"
        "loaded = {name for name in sys.modules if name.startswith('harness.scenario.')}\n"
        "models = {**{name: kind.model for name, kind in KINDS.items()}, **FORMS}\n"
        "print(*(name for name, model in models.items() if model.__pydantic_complete__))\n"
        "print(*(name for name, model in models.items() if model.__module__ in loaded))"
    )
    built, loaded = run(program).splitlines()
    assert built.split() == ["blackhole", "never", "breaker", "upstream", "traffic"]
    assert "blackhole" in loaded.split()
    assert not {"latency", "kill", "status", "percentiles", "charges"} & set(loaded.split())
