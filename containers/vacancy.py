"""Holds ports so that connects to them get no answer: `vacancy.py PORT`, in the proxies' network.

Toxiproxy can't do this: its kernel completes every handshake. A connection to PORT begins with a
line that holds the number of a port to be held; `held` is answered when connects there go
unanswered, else what went wrong. Closing the connection gives the port back. Where
OUTAGE_CONTROL_TOKEN is set, the number stands behind it: `TOKEN 7001`.
"""

from __future__ import annotations

import hmac
import os
import socket
import socketserver
import sys

FILL = 4
TRY_S = 0.1
LONGEST_LINE = 200
TOKEN = os.environ.get("OUTAGE_CONTROL_TOKEN", "")


class Holding(socketserver.StreamRequestHandler):
    """One port, held as long as the connection that asked for it."""

    def handle(self) -> None:
        """Take the port, fill its backlog, say so, wait for the end."""
        shown, _, number = self.rfile.readline(LONGEST_LINE).strip().rpartition(b" ")
        if not hmac.compare_digest(shown, TOKEN.encode()) or not number.isdigit():
            self.wfile.write(b"not held: the token is missing or wrong\n")
            return
        port = int(number)
        parked: list[socket.socket] = []
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("0.0.0.0", port))
            listener.listen(0)  # on Linux this still holds one connection; further SYNs are dropped
            said = "held" if _fill(port, parked) else "connects are answered with a full backlog"
        except OSError as error:
            said = f"port {port} could not be taken: {error.strerror}"
        try:
            self.wfile.write(f"{said}\n".encode())
            self.rfile.read()
        except OSError:
            pass  # whoever asked is gone: that ends it too
        finally:
            for each in (*parked, listener):
                each.close()


def _fill(port: int, parked: list[socket.socket]) -> bool:
    for _ in range(FILL):
        client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        client.settimeout(TRY_S)
        parked.append(client)
        try:
            client.connect(("127.0.0.1", port))
        except TimeoutError:
            return True
    return False


class Server(socketserver.ThreadingTCPServer):
    """Each connection in a thread of its own; none of them keeps the container alive."""

    daemon_threads = True
    allow_reuse_address = True


if __name__ == "__main__":
    with Server(("0.0.0.0", int(sys.argv[1])), Holding) as server:
        server.serve_forever()
