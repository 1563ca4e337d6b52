"""When things run, and in which order.

DAGs: `nightly`, `backup`, `watch`, `backfill`, `restore`; their tasks are in `steps` and `stage`.
All else is around them: `run` and `up` for one machine, `stack` and `health` for containers.
"""
