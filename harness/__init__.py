"""Replay documented outages against an HTTP gateway and judge what its users met."""
