"""Finds a gateway's policies by experiment: what it does at each upstream, with error bounds.

    routes ─► calls (attempts, deadlines, backoffs) ─► opening (rule, threshold) ─► recovery
                                                                                └► counting

Each experiment is a short outage (`experiment`) that the `lab` plays on an engine and `reading`
makes into what each request met; the next one is chosen by what the last one left open. What can't
be told is unknown, with the reason (`findings`).
"""
