"""Waiting until what was written is on the disk, and not only in the machine's memory."""

from __future__ import annotations

import os
from pathlib import Path


def sync(path: Path) -> None:
    """Wait until a file, or what was added to a folder or removed from it, is on the disk.

    Raises OSError if the disk cannot take it.
    """
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
