"""The `local` engine: processes on this machine, loopback only."""
