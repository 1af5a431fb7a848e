"""Plays scenarios on a virtual clock: the target's real code over a simulated clock and network.

Real OS threads pass one baton in a process of its own (`nursery`), so exactly one runs at a time
and time moves only when all of them wait. Below the target lie the scheduler, the clock, locks and
sockets of this package, put there by `patches` before anything else is imported.

Modules that the bare interpreter imports before the patches (`real`, `scheduler`, `workers`,
`locks`, `clock`, `local`, `patches`...) may import builtin modules only: whatever they pulled in
would hold the real clock and the real locks for ever.
"""
