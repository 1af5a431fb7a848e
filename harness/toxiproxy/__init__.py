"""Toxiproxy's HTTP API: wire forms, client adapter and the embedded server."""
