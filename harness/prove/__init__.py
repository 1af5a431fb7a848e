"""Which expectations can go red: each is held against gateways that ought to fail it.

An expectation that passes whatever is done to the target proves nothing. `variants.py` says which
plays are tried, `player.py` plays them in the simulation, `ledger.py` (pure) remembers what failed
where, and what never did.
"""
