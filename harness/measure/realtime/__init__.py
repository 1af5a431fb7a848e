"""Measuring in real time, whatever a gateway is written in: worlds are held open, asked by turns.

    budget ─► grounds (worlds side by side) ─► looks (each kind) ─► rule, recovery, counting

Nothing is planned beforehand: the next call is chosen when the last one is over (`ground`), and an
instant is known by what must have come before it and after it, so a busy machine widens bounds and
moves no figure.
"""
