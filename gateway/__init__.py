"""The reference gateway: an ordinary Flask application that keeps the contract of an outage.

    routes ─► services (one resilient client for each upstream) ─► breaker, transport

It knows nothing of the harness that tests it. `python -m gateway` serves it; `gateway.wsgi:app` and
`gateway.app:create_app()` are for other servers; `gateway.naive` is the same without resilience.
"""
