"""Prints the packages that pyproject.toml depends on, one a line, for pip: bounds live there."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

project = tomllib.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["project"]
print(*project["dependencies"], sep="\n")
