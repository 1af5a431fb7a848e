"""The same doors, led by what code an input reaches: `make fuzz-guided` (atheris, Linux and macOS).

One process a door, as many inputs each as asked. What it finds is in the folder that it names, as a
file; a test with that input belongs beside those of the part that it is about.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import subprocess
import sys
import tempfile
from pathlib import Path

LONGEST = 4096
"""Bytes of an input."""


def hold(door: str, corpus: Path, count: int, seed: int) -> None:
    """Try inputs at one door until something is found, or so many; does not return."""
    import atheris

    with atheris.instrument_imports(include=["harness", "stub_services", "h11", "yaml"]):
        from tests.fuzz import fuzz

    take, refusals = fuzz.DOORS[door], fuzz.REFUSALS

    def one(data: bytes) -> None:
        with contextlib.suppress(refusals):
            take(data, random.Random(len(data)))

    for number, good in enumerate(fuzz.SEEDS[door]):
        (corpus / f"seed-{number}").write_bytes(good)
    options = [f"-runs={count}", f"-seed={seed + 1}", f"-max_len={LONGEST}", "-timeout=30"]
    atheris.Setup([door, *options, f"-artifact_prefix={corpus}/found-", str(corpus)], one)
    atheris.Fuzz()


def main(arguments: list[str] | None = None) -> int:
    """Each door in a process of its own; 1 when something was found."""
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("count", type=int, nargs="?", default=100_000, help="of all doors")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--door", action="append", help="one of tests/fuzz/fuzz.py")
    parser.add_argument("--hold", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.hold is not None:
        hold(options.door[0], options.hold, options.count, options.seed)
    from tests.fuzz.fuzz import DOORS  # not before: what is loaded by now is led by nothing

    doors = options.door or list(DOORS)
    each = -(-options.count // len(doors))
    bad = []
    for door in doors:
        corpus = Path(tempfile.mkdtemp(prefix=f"fuzz-{door}-"))
        words = [sys.executable, "-m", "tests.fuzz.guided", str(each), "--seed", str(options.seed)]
        done = subprocess.run(
            [*words, "--door", door, "--hold", str(corpus)], capture_output=True, text=True
        )
        found = sorted(corpus.glob("found-*"))
        print(f"{door}: {each} inputs, {len(list(corpus.iterdir()))} kept", flush=True)
        if done.returncode or found:
            bad.append(door)
            print(f"{done.stdout[-2000:]}{done.stderr[-4000:]}\nfound: {found}", flush=True)
    print(f"{each * len(doors)} inputs led by coverage; found something: {bad or 'nowhere'}")
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
