"""Holds a proxy's port so that connects go unanswered: our end of containers/vacancy.py."""

from __future__ import annotations

import asyncio
import contextlib

from harness.engines.compose.place import Address
from harness.errors import WorldError

_WITHIN_S = 3.0


class Vacancy:
    """One held port, until closed."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def hold(cls, address: Address, port: int, token: str = "") -> Vacancy:
        """Hold a port of Toxiproxy's container, whose proxy has left it.

        Raises: WorldError when it can't be held.
        """
        try:
            reader, writer = await asyncio.open_connection(*address)
            writer.write(f"{token} {port}\n".lstrip().encode())
            said = (await asyncio.wait_for(reader.readline(), _WITHIN_S)).decode().strip()
        except (OSError, TimeoutError) as error:
            raise WorldError(
                f"the container `vacancy` doesn't answer: {error}", late=True
            ) from error
        if said != "held":
            writer.close()
            raise WorldError(said or "the container `vacancy` ended the connection")
        return cls(reader, writer)

    async def close(self) -> None:
        """Give the port back; returns when that is done."""
        with contextlib.suppress(OSError, TimeoutError):
            self._writer.write_eof()
            await asyncio.wait_for(self._reader.read(), _WITHIN_S)
        self._writer.close()
