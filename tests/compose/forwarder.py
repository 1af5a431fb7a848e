"""Stands before the Docker engine: `python -m tests.compose.forwarder SOCKET ENGINES_SOCKET`.

Who kills it has killed the engine, for whoever reaches it this way.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()


async def serve(path: str, engine: str) -> None:
    """Forward each connection to the engine, until killed."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(engine)
        await asyncio.gather(_pass_on(reader, back), _pass_on(there, writer))
        for each in (writer, back):
            each.close()

    server = await asyncio.start_unix_server(connected, path)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:]))
