"""What crossed each upstream's wire, whoever saw it: the one reading of a history.

    attempts   every attempt: when it began and ended, and all that it may have been
    demands    which request each attempt was made for; who was turned away; calls of nobody's
    policy     the rules of a breaker, declared or a rival's, as numbers for the acceptor
    breaker    the acceptor: whether such a breaker explains the events, and how it then changed
    causes     which rival rules explain what the declared ones don't
    sight      what a run's evidence can show at all, and how far off its instants may be
    witness    all of these for one history, worked out once

Pure. Knows histories and what a target declares; knows no scenario's expectations, no engine, no
kind of fault by name.
"""
