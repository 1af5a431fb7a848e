"""Pure functions from history to findings."""
