"""Runs: scenarios played side by side, again, on several machines, and judged from what is kept."""
