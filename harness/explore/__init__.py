"""Exploration: random outages against invariants, shrunk to the smallest that breaks one.

deck        what to aim at next, so that nothing waits for a lucky draw
outage      what is drawn: traffic and faults, as plain data; a scenario is made of it
surface     what a target offers: its healthy routes, and what each calls
stories     what can befall one upstream, as strategies; `drawing` puts whole outages together
wire        every attempt at an upstream, as a simulation shows it
acceptor    whether a sound breaker explains what crossed the wire
invariants  what no outage may bring about, as pure functions of scenario and history
hunt        draws, plays, shrinks; `crew` does so in two processes
writing     a finding as a scenario file
"""
