"""An incident's data made into a scenario: from metrics, tables, logs, alerts and status pages.

formats        which reader takes which file
prometheus, tables, logs, alerts, statuspage
               one format each: a file in, an `Observation` out
sheet, headers a table's rows, and what its headers mean; then intervals, dashboards or logs read it
series         what samples mean, of a range query or a dashboard
instants       times as such files write them
changes        from samples to the instants at which something changed
symptoms       from what was seen to the kind of fault that looks like it
evidence       what all readers hand over, and how several files become one incident
scenario_text  the scenario file, each line with where it comes from
"""
