"""Files of an incident as they come: compressed or not, in the Unicode that their first bytes say.

Spreadsheets and PowerShell's `>` write UTF-16; servers pack what they keep.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from harness.incident.evidence import refuse

LARGEST_BYTES = 64_000_000
"""Of what is read as a whole, unpacked."""
CANT_BE_UNPACKED = (EOFError, gzip.BadGzipFile, zlib.error)
"""What a compressed file raises that is cut or damaged, at whatever of it is read."""
_PACKED = b"\x1f\x8b"


@contextmanager
def opened(file: str) -> Iterator[TextIO]:
    """A file's text, unpacked, with its line ends as they are; what is no text has stand-ins.

    Raises: `CANT_BE_UNPACKED`, also from the text while it is read.
    """
    with _unpacked(file) as data:
        encoding = _encoding(data.peek(4)[:4])  # type: ignore[attr-defined]
        yield io.TextIOWrapper(data, encoding=encoding, errors="replace", newline="\n")


def whole(file: str) -> bytes:
    """All that is in a file, unpacked, as UTF-8 without a mark.

    Raises: InvalidFile when it is too large or can't be unpacked.
    """
    try:
        with _unpacked(file) as data:
            found = data.read(LARGEST_BYTES + 1)
    except CANT_BE_UNPACKED as error:
        refuse(file, 0, f"can't be unpacked: {error}")
    if len(found) > LARGEST_BYTES:
        refuse(file, 0, f"is larger than {LARGEST_BYTES // 1_000_000} MB; ask for less at once")
    encoding = _encoding(found[:4])
    if encoding == "utf-8-sig":
        return found.removeprefix(b"\xef\xbb\xbf")
    return found.decode(encoding, "replace").encode()


@contextmanager
def _unpacked(file: str) -> Iterator[BinaryIO]:
    with Path(file).open("rb") as raw:
        if not raw.peek(2).startswith(_PACKED):
            yield raw
            return
        with gzip.GzipFile(fileobj=raw) as data:
            yield cast(BinaryIO, data)


def _encoding(head: bytes) -> str:
    """UTF-16 by its mark, or by the half of its first letter that is nothing; else UTF-8."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if len(head) > 1 and (head[0] == 0) != (head[1] == 0):
        return "utf-16-be" if head[0] == 0 else "utf-16-le"
    return "utf-8-sig"
