"""What crossed each upstream's wire, whoever saw it: the one reading of a history.

To be read in this order, in which data goes; each knows those before it only.

    attempts    an attempt: when it began and ended, and all that it may have been
    sight       what a run's evidence can show at all, and how far off its instants may be
    connections what crossed the upstream's proxy, by connection
    eyes        every attempt, by whoever saw it (records: what its stub told of it; endings: what
                its connection did)
    learned     what each stream's requests call, in order
    background  calls that no request caused (beats: the rhythm that they go on in)
    owners      which request each attempt was made for (made: all of one request's; turns: what it
                may do next; pending: who is under way; keys: what only one attempts)
    demands     who asked, and was turned away (demand: one's need; answers: what shows it; implied:
                attempts that only a wait shows; stale: those on connections that had been cut)
    crossing    all that crossed the wires; queueing: whether calls wait for each other; overdue:
                or for whatever lets them go after their breaker did
    policy      the rules of a breaker, declared or a rival's; outcomes: what attempts are to it;
                beside: what may have been under way as one ended
    course      all events in their order, and where nothing of it can matter
    breaker     the acceptor: whether such a breaker explains the events (rules: what it may do with
                one event; waiting: how long; states, stories: what became of it)
    changes     how it changed, with honest bounds; account: what the target says of it; diary: what
                its log says, held against that
    readings    what breakers make of one upstream's events: the declared one, and any rival
    suspicion   what explains them where the declared one doesn't: other rules (causes), another
                deadline, one breaker for several upstreams (sharing), several (workers)
    wire        all that is said of one upstream, and leeway: what a busy machine may have changed;
                parts: where each of its routes has a breaker; crowd: where each worker process has;
                patient: no surer than a busy machine leaves it
    witness     the wires of one history, worked out once

Pure. Knows histories and what a target declares; knows no scenario's expectations, no engine, no
kind of fault by name.
"""
