"""Keeping the pipeline running over the years: what is done beside the nightly figures."""
