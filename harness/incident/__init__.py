"""An incident's data made into a scenario: from metrics, tables, logs, alerts and status pages.

formats        which reader takes which file
prometheus, intervals, logs, alerts, statuspage
               one format each: a file in, an `Observation` out
instants       times as such files write them
changes        from samples to the instants at which something changed
symptoms       from what was seen to the kind of fault that looks like it
evidence       what all readers hand over, and how several files become one incident
scenario_text  the scenario file, each line with where it comes from
"""
