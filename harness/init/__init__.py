"""From an application to a target file, a contract and a first scenario, in one command.

    folder ─► sources (what its code says) ─► trial (what it does when all is well) ─► files

Nothing is asked: what was guessed is said, and what can't be guessed is named with the option that
says it. Nothing is written over.
"""
