"""`python -m harness.serve PORT`: what a run tells on standard input, as a page for a browser.

Ends with its input: at once where the run was killed, else as soon as browsers have what they
wait for.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import sys
import threading
import time

from harness.serve.messages import Over
from harness.serve.server import Server
from harness.serve.state import State

_QUIET_S = 1.5
"""Browsers that ask for nothing for so long have all that they want."""
_AT_MOST_S = 4.0


def main(port: int) -> None:
    """Serve until the run is over."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.nice(19)
    state = State()
    try:
        server = Server(port, state)
    except OSError as error:
        print(json.dumps({"problem": f"port {port}: {error.strerror}"}), flush=True)
        return
    print(json.dumps({"port": server.server_port}), flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    over = False
    while not over:
        try:
            message = pickle.load(sys.stdin.buffer)
        except EOFError:
            return  # the run is gone
        state.tell(message)
        over = isinstance(message, Over)
    until_s = time.monotonic() + _AT_MOST_S
    while time.monotonic() < until_s and server.idle_s() < _QUIET_S:
        time.sleep(0.05)


if __name__ == "__main__":
    main(int(sys.argv[1]))
