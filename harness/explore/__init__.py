"""Random outages held against invariants."""
