"""When a delivery is quarantined outright: hardly anything of it can be counted."""

from __future__ import annotations

# Whole deliveries are kept out only where hardly anything of them could be counted; lines that are
# lost here and there make their month provisional instead, by the models. Of a few lines nobody can
# tell whether a file is of the wrong kind, or a small one with a bad day.
FEWEST_LINES_UNREADABLE = 10
# More is lost than kept: what is left is no sample of what happened. Twice as many lines as above,
# for half of ten is five, which a supplier's single mishap can be.
MOST_PERCENT_LOST_OF_MANY = 50
FEWEST_LINES_OF_MANY = 20
# Both must be exceeded: a large file always holds some bad lines. The simulated logs lose 1 line in
# 400, and no file of theirs more than one.
MOST_PERCENT_LOST = 5
MOST_LINES_LOST = 100


def why_quarantined(events: int, readable: int, lost: int) -> str | None:
    """Say why the first gate quarantines a delivery; None if it does not.

    `readable` are its events and the lines that are sound and do not count; blank lines are neither
    readable nor lost.
    """
    written = events + lost
    percent = 100 * lost / written if written else 0
    if not readable and written >= FEWEST_LINES_UNREADABLE:
        return f"none of its {written:,} lines can be read"
    if written >= FEWEST_LINES_OF_MANY and percent > MOST_PERCENT_LOST_OF_MANY:
        return f"{lost:,} of its {written:,} lines are lost, more than half"
    if lost > MOST_LINES_LOST and percent > MOST_PERCENT_LOST:
        return (
            f"{lost:,} of its {written:,} lines are lost, more than {MOST_LINES_LOST} and more "
            f"than {MOST_PERCENT_LOST} %"
        )
    return None
