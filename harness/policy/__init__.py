"""What protects the calls at one upstream, as small pure objects that know no clock and no wire.

A breaker's rule says when results open it (`rules`, `thresholds`, `among`, `shares`, `slow`), its
wait how long it then stays open (`waits`), its trials who may pass while it is half open and what
closes it (`trials`); `breaker` puts the three together, and a scope says whose calls it counts
(`scopes`). States are plain hashable values, so that a reader of the wire may hold several at once.
Whoever uses them (the arithmetic, the acceptor, measuring) asks the objects and knows none of them
by name.
"""
