"""Lets one client be many: `doorway.py PORT TARGET_PORT`, in the gateway's network.

A connection begins with a line that holds a loopback address; from there on it is relayed to the
gateway, which sees it come from that address. Without this every client on the host would have the
address of Docker's bridge, and share one limit on logins.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import sys

CHUNK = 65536


async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass bytes on until their end."""
    with contextlib.suppress(OSError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
    writer.close()


async def serve(port: int, target_port: int) -> None:
    """Accept for ever."""

    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            source = ipaddress.IPv4Address((await reader.readline()).decode().strip())
            if not source.is_loopback:
                raise ValueError(f"{source} is not a loopback address")
            there_reader, there_writer = await asyncio.open_connection(
                "127.0.0.1", target_port, local_addr=(str(source), 0)
            )
        except (OSError, ValueError) as error:
            print(f"not let in: {error}", file=sys.stderr, flush=True)
            writer.close()
            return
        await asyncio.gather(relay(reader, there_writer), relay(there_reader, writer))

    server = await asyncio.start_server(accepted, "0.0.0.0", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2])))
