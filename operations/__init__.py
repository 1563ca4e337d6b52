"""Keeping it running: is all well, backups and restoring them, and what goes with time."""
