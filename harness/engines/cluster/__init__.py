"""The engines `sim` and `local` on other machines: scenarios as tasks of Dask's `distributed`."""
