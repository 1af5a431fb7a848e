"""Stub services: the upstreams that a gateway depends on, made to misbehave on request."""
