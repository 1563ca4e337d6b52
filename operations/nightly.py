"""What has had its time goes, each night after the release."""

from __future__ import annotations

from ingest.lock import hold
from ingest.workspace import Workspace
from operations.aging import Aged, age
from operations.keys import destroy_keys_of_closed_years
from operations.retention import retain as retire_years


def retain(workspace: Workspace) -> Aged:
    """Let go of keys of closed years, events of old years, old databases and logs.

    Keys and events go only if all that rests on them is published; the log says why not. The first
    changes what the next release is made of, so in a night that does so the second waits for the
    next one. Raises Problem for what a person has to put right.
    """
    destroy_keys_of_closed_years(workspace)
    retire_years(workspace)
    with hold(workspace.data):
        return age(workspace)
