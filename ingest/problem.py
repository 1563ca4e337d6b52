"""What a person has to put right, said so that they can."""


class Problem(Exception):
    """Something outside the software is wrong: a file, a setting, a full disk.

    The message says what happened, where (file and line) and what to do about it. It never quotes
    the content of a log. Commands print it without a traceback, and end with status 1.
    """


class OutOfReach(Problem):
    """A source does not answer; it may be back in a while, so that a later try is worth making."""


class OutOfMemory(Problem):
    """The memory that is allowed does not do."""


class InUse(Problem):
    """Another run has the state folder; it will be free in a while."""


class Damaged(Problem):
    """Something that the state folder holds is not what was written there."""


NOT_PUBLISHED = "nothing was published, and the latest release is as it was"
# What the kernel, DuckDB and dbt say of a full disk.
FULL = (
    "No space left",
    "File too large",
    "Disk quota",
    "ENOSPC",
    "EFBIG",
    "EDQUOT",
    "disk is full",
)


# What DuckDB says of a file that is not as it wrote it.
DAMAGED = ("Corrupt database file", "Could not read enough bytes", "not a valid DuckDB")


def is_damaged(said: str) -> bool:
    """Tell whether an error's message is about a database file that is damaged."""
    return any(sign in said for sign in DAMAGED)


def is_full(said: str) -> bool:
    """Tell whether an error's message is about a disk without room."""
    return any(sign in said for sign in FULL)


def no_room(what: str, stays: str = NOT_PUBLISHED) -> Problem:
    """Say that there is no room to write something, what to do, and what stays as it was."""
    return Problem(
        f"There is no room left to write {what}. Make room in the state folder and run again: "
        f"{stays}."
    )
