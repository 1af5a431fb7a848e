"""What the harness has and starts on this machine, and what it can run there."""
