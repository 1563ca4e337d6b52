"""The coordinator's page: shifts, demand and answers of the last weeks, for planning who is there.

It is for the helpline's own eyes: it shows exact counts, unprotected.
"""

from publish.coordinator.build import write_coordinator

__all__ = ["write_coordinator"]
