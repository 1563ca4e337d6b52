"""Logs to raw tables: exactly once, pseudonymised on the way in. `python -m ingest --help`."""

from ingest.problem import Problem
from ingest.pull import pull
from ingest.workspace import Workspace

__all__ = ["Problem", "Workspace", "pull"]
