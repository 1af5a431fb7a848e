"""Runs held against each other: what got worse from one to the next, and over many nights.

Everything here is pure and reads what `results.json` (or `outage predict --json`) says, so that
runs can be compared long after their histories are gone, wherever they were played.
"""
