"""What crossed each upstream's wire, whoever saw it: the one reading of a history.

    sight       what a run's evidence can show at all, and how far off its instants may be
    connections what crossed the upstream's proxy, by connection
    attempts    every attempt: when it began and ended, and all that it may have been; eyes: who saw
                (records: what its stub told of it)
    learned     what each stream's requests call, in order
    background  calls that no request caused
    owners      which request each attempt was made for (among those pending; made: all of one
                request's); implied: attempts that only a wait shows;
                stale: attempts on connections that had been cut
    demands     who asked, and was turned away; answers: what shows it
    queueing    whether calls wait for each other
    crossing    all that crossed one upstream's wire
    policy      the rules of a breaker, declared or a rival's; outcomes: what attempts are to it
    course      all events in their order, and where nothing of it can matter
    breaker     the acceptor: whether such a breaker explains the events (with states, stories)
    rules       what such a breaker may do with one event
    suspicion   what explains the events where the declared breaker doesn't: rival rules (causes),
                another deadline, one breaker for several upstreams (sharing), several (workers)
    changes     how it changed, with honest bounds; account: what the target says of it
    wire        all of these for one upstream; patient: as a busy machine leaves it (with leeway);
                parts: where each of its routes has a breaker; crowd: where each worker process has
    witness     the wires of one history, worked out once

Pure. Knows histories and what a target declares; knows no scenario's expectations, no engine, no
kind of fault by name.
"""
