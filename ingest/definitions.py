"""Which cells a figure has: its definition, its periods and its categories.

The definitions are those of the dbt project, so that what was published is held against the figures
that are really made.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from ingest.cells import period_type
from ingest.spreadsheets import describe_guess
from ingest.tables import Row

DEFINITIONS = Path("dbt_project", "seeds", "figure_definitions.csv")
ROOT = Path(__file__).resolve().parent.parent
# The logs that a figure rests on, by the basis of its definition.
LOGS_OF_BASES = {"button": ("button",), "chat": ("chat",), "both": ("button", "chat")}
# Night from 0 to 6, morning to 12, afternoon to 18, evening to 24 h.
PARTS_OF_DAY = ("night", "morning", "afternoon", "evening")
# The categories that do not depend on a helpline's codes.
FIXED_CATEGORIES = {
    "weekday": [str(day) for day in range(1, 8)],
    "hour": [f"{hour:02}" for hour in range(24)],
    "hour_of_week": [f"{day}-{hour:02}" for day in range(1, 8) for hour in range(24)],
    "part_of_week": [f"{day}-{part}" for day in range(1, 8) for part in PARTS_OF_DAY],
    "age_band": [
        "under_9",
        "9-11",
        "12-14",
        "15-17",
        "18-20",
        "21-24",
        "25_and_over",
        "unknown",
    ],
}
CHANNELS = {"callers": ["chat", "mail_only"], "answered_sessions": ["chat", "mail"]}
# The categories that a breakdown by codes has beside the codes.
BESIDE_CODES = {
    "gender": ["unknown", "unlisted"],
    "topic": ["unknown", "unlisted"],
    "scheduled_by": ["unknown", "unlisted"],
    "referred_by": ["unlisted"],
}
# Breakdowns of codes.csv that no figure has: those of a click, and labels that all have in common.
OTHER_BREAKDOWNS = ("any", "button", "campaign", "page")
WRITTEN_AS = {"month": "2022-03", "week": "2022-W09", "year": "2022", "range": "2020-01/2020-10"}


@dataclass(frozen=True)
class Definition:
    """A figure's kind and decimals, and the breakdowns and types of period that it is given by.

    `basis` is the log that it rests on: `button`, `chat` or `both`.
    """

    figure: str
    kind: str
    decimals: int
    breakdowns: tuple[str, ...]
    period_types: tuple[str, ...]
    basis: str


@cache
def read_definitions() -> dict[str, Definition]:
    """Read the definitions of all figures, by figure."""
    with (ROOT / DEFINITIONS).open(encoding="utf-8", newline="") as file:
        return {
            row["figure"]: Definition(
                row["figure"],
                row["kind"],
                int(row["decimals"]),
                tuple(row["breakdowns"].split()),
                tuple(row["period_types"].split()),
                row["basis"],
            )
            for row in csv.DictReader(file)
        }


def read_figure(cell: str) -> str:
    """Read the name of a figure. Raises ValueError for one without a definition."""
    known = read_definitions()
    if cell in known:
        return cell
    near = get_close_matches(cell, known, n=1)
    meant = f"did you mean {near[0]}? " if near else ""
    raise ValueError(f"{cell!r} is not a figure; {meant}{DEFINITIONS} lists them")


def read_breakdown(cell: str) -> str:
    """Read the name of a breakdown that codes may have. Raises ValueError for one that none has."""
    if not cell:
        raise ValueError("is empty")
    known = sorted(
        {name for definition in read_definitions().values() for name in definition.breakdowns}
        | set(OTHER_BREAKDOWNS)
    )
    if cell in known:
        return cell
    near = get_close_matches(cell, known, n=1)
    meant = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    raise ValueError(f"{cell!r} is not a breakdown; {meant}")


def describe_mistake_of_code(breakdown: str, code: str) -> str | None:
    """Say why a code of codes.csv is none that its breakdown can have, or None."""
    known = FIXED_CATEGORIES.get(breakdown)
    if breakdown == "channel":
        known = sorted({channel for channels in CHANNELS.values() for channel in channels})
    if known is None or code in known:
        return None
    return (
        f"code {code!r} is none of {breakdown}; there are {_few(known)}"
        f"{describe_guess(code, known)}"
    )


class FigureCells:
    """The cells that the figures of a helpline have.

    `codes` are the pairs of breakdown and code of its lists, `exclusions` the names of its
    exclusions. None for either: it could not be read, and its categories are not checked.
    """

    def __init__(
        self, codes: Iterable[tuple[str, str]] | None, exclusions: Iterable[str] | None
    ) -> None:
        self._categories: dict[str, list[str]] = dict(FIXED_CATEGORIES)
        if exclusions is not None:
            self._categories["exclusion"] = sorted(exclusions)
        if codes is not None:
            pairs = sorted(set(codes))
            for breakdown, beside in BESIDE_CODES.items():
                listed = [code for known, code in pairs if known == breakdown]
                self._categories[breakdown] = listed + [one for one in beside if one not in listed]

    def describe_mistake(self, row: Row) -> str | None:
        """Say why a row's figure has no cell of its period, breakdown and category, or None.

        Needs a row whose figure and period have been read.
        """
        definition = read_definitions()[row["figure"]]
        return (
            _mistake_of_period(definition, row["period"])
            or _mistake_of_breakdown(definition, row)
            or self._mistake_of_category(definition, row["breakdown"], row["category"])
        )

    def _mistake_of_category(
        self, definition: Definition, breakdown: str, category: str
    ) -> str | None:
        known = self._categories.get(breakdown)
        if breakdown == "channel":
            known = CHANNELS.get(definition.figure)
        if not breakdown or known is None or category in known:
            return None
        return (
            f"category {category!r} is none of {definition.figure} by {breakdown}; "
            f"there are {_few(known)}{describe_guess(category, known)}"
        )


def _few(categories: Sequence[str]) -> str:
    few = categories if len(categories) <= 24 else [categories[0], "…", categories[-1]]
    return ", ".join(few) or "none yet"


def _mistake_of_period(definition: Definition, period: str) -> str | None:
    if period_type(period) in definition.period_types:
        return None
    given = ", ".join(f"{name} ({WRITTEN_AS[name]})" for name in definition.period_types)
    return f"period {period!r}: {definition.figure} is given by {given} only"


def _mistake_of_breakdown(definition: Definition, row: Row) -> str | None:
    figure, breakdown = definition.figure, row["breakdown"]
    known = ", ".join(definition.breakdowns)
    if not breakdown:
        if row["category"]:
            return f"category {row['category']!r} has no breakdown; {figure} has {known or 'none'}"
        if definition.kind == "share":
            return f"breakdown is empty: {figure} is a share and has no total; write {known}"
        return None
    if breakdown not in definition.breakdowns:
        remedy = f"there are {known}" if known else "leave breakdown and category empty"
        return f"breakdown {breakdown!r} is none of {figure}; {remedy}"
    if period_type(row["period"]) == "week":
        return f"breakdown {breakdown!r}: a week has totals only; leave it and category empty"
    return None
