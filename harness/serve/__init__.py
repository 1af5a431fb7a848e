"""`outage run --serve`: the report page live in a browser while a run goes on.

The run must not notice that somebody looks: `broadcast` starts a process of its own, with the
lowest priority, and tells it (`messages`) what is played and judged; that process reads the
histories as they grow (`state`) and answers a browser on this machine (`server`). It ends with the
run, however that ends.
"""
