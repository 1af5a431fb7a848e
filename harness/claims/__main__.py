"""Write what docs say of claims and defects: `python -m harness.claims`."""

from __future__ import annotations

from pathlib import Path

from harness.claims.pages import contract_page, defects_page


def main() -> None:
    """Write docs/contract.md's generated parts, and docs/defects.md."""
    docs = Path(__file__).parents[2] / "docs"
    contract = docs / "contract.md"
    contract.write_text(contract_page(contract.read_text(encoding="utf-8")), encoding="utf-8")
    (docs / "defects.md").write_text(defects_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
