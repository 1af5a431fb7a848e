"""Exploration: random outages against the promises, shrunk to the smallest that breaks one.

deck        what to aim at next, so that nothing waits for a lucky draw
outage      what is drawn: traffic and faults, as plain data; a scenario is made of it
surface     what a target offers: its healthy routes, and what each calls
stories     what can befall one upstream, as strategies; `drawing` puts whole outages together
looks       when a target's status page is asked in a play
hunt        draws, plays, shrinks; `crew` does so in two processes
confirming  whether a broken promise is the target's own
finding     a finding as a scenario file
"""
