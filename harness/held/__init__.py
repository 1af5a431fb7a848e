"""A world held open to work against (`outage up`): its clock, what is in force, keys and screen.

`playhead` is pure: where the scenario's clock stands, and what is to be done to be there;
`playback` does it to a world, `keys` reads a terminal, `screen` says what is drawn on it, and
`control` is what somebody who works against the world can do.
"""
