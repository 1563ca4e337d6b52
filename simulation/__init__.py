"""A simulated helpline: writes the event logs that Nupraatikerover might have kept.

The logs are invented event by event. Only their sums are real: counted by the definitions of the
figures they give what `targets.toml` says. Nothing here knows how the product counts.
"""
