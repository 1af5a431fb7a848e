"""Loaded by the worker processes of a cluster that was made here: Ctrl-C is for their maker alone.

A terminal sends it to all of them; a worker that died of it would be started anew, and its plays
with it, while the maker is ending them.
"""

import signal

signal.signal(signal.SIGINT, signal.SIG_IGN)
