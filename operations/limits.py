"""The limits of operations (hours, days, numbers that are kept), from the environment."""

from __future__ import annotations

import os
from enum import Enum

from ingest.problem import Problem


class Limit(Enum):
    """A setting: its variable in the environment, and what it is without one."""

    HEALTH_HOURS = ("CHATCIJFERS_HEALTH_HOURS", 36)
    BACKUP_HOURS = ("CHATCIJFERS_BACKUP_HOURS", 72)
    KEEP_RELEASES = ("CHATCIJFERS_KEEP_RELEASES", 14)
    KEEP_BACKUPS = ("CHATCIJFERS_KEEP_BACKUPS", 14)
    KEEP_LOG_DAYS = ("CHATCIJFERS_KEEP_LOG_DAYS", 90)

    @property
    def usual(self) -> int:
        """What holds without the setting."""
        return self.value[1]

    def read(self) -> int:
        """Give the setting's value, 1 or more. Raises Problem if it is anything else."""
        name, usual = self.value
        text = os.environ.get(name, "").strip()
        if not text:
            return usual
        if not text.isdecimal() or int(text) < 1:
            raise Problem(f"{name} is no whole number of 1 or more. Without it, {usual} holds.")
        return int(text)
