"""Public figures made up for a test, or taken from what was printed in parliament."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path

from publish.disclosure.cells import Cell
from publish.public import About, Gap, Public, Revision, State, Value, months_of_year

ROOT = Path(__file__).parents[1]
DEFINITIONS = ROOT / "dbt_project" / "seeds" / "figure_definitions.csv"
HELPLINE = ROOT / "helplines" / "nupraatikerover"
ABOUT = {
    "helpline": "Nupraatikerover",
    "language": "nl",
    "timezone": "Europe/Brussels",
    "closed_through": "2022-12",
    "content": 1,
    "small_count_threshold": 5,
    "settling_days": 10,
    "attempt_gap_minutes": 30,
}
SHARES = {
    "conversations_share_percent": "conversations",
    "callers_share_percent": "callers",
    "topics_share_percent": "callers",
}
# What rests on the button's log, which has a gap in the summer of 2022.
OF_BUTTON = {"pressers", "missed_pressers", "out_of_hours_attempts", "missed_attempts", "attempts"}


def make(
    values: Mapping[tuple[str, ...], object],
    codes: Iterable[tuple[str, str, str]] = (),
    revisions: Mapping[Cell, Revision] | None = None,
    gaps: tuple[Gap, ...] = (),
    **about: object,
) -> Public:
    """Make public figures: `{("clicks", "2022-03"): 5, ("clicks", "2022-04"): State.PENDING}`.

    A key is figure, period, breakdown and category; `codes` are breakdown, code and label.
    """
    known = _read(DEFINITIONS)
    cells = {Cell(*(*key, "", "")[:4]): value for key, value in values.items()}
    figures = {cell.figure for cell in cells}
    definitions = {row["figure"]: row for row in known if row["figure"] in figures}
    found = {
        cell: value if isinstance(value, Value) else _value(definitions[cell.figure], value)
        for cell, value in cells.items()
    }
    lines = {
        (breakdown, code): {"label_nl": label, "label_en": label, "sort": str(n)}
        for n, (breakdown, code, label) in enumerate(codes)
    }
    return Public(About(**ABOUT | about), found, definitions, lines, revisions or {}, gaps)


def parliament() -> Public:
    """Make the figures that parliament was given for 2020 to 2022, and a week of hours."""
    values: dict[tuple[str, ...], object] = {}
    for row in _read(HELPLINE / "published.csv"):
        key = (row["figure"], row["period"], row["breakdown"], row["category"])
        year = row["period"][:4]
        if "/" in row["period"]:
            continue
        if not row["value"]:
            values[key] = State.PENDING
        elif year == "2022" and len(row["period"]) == 4 and row["figure"] in OF_BUTTON:
            values[key] = (State.PROVISIONAL, row["value"])
        else:
            values[key] = row["value"]
    for day, hour in ((day, hour) for day in range(1, 8) for hour in range(24)):
        key = ("2022", "hour_of_week", f"{day}-{hour:02}")
        is_open = day < 6 and 19 <= hour < 22
        values["attempts", *key] = (State.PROVISIONAL, day * hour)
        values["answered_attempts", *key] = (State.PROVISIONAL, day if is_open else 0)
        values["missed_attempts", *key] = (State.PROVISIONAL, hour if is_open else 0)
        values["open_hours", *key] = 52 if is_open else 1 if (day, hour) == (6, 14) else 0
    # Printed as percentages alone.
    for share, figure in SHARES.items():
        for key, percent in [(key, v) for key, v in values.items() if key[0] == share]:
            whole = Decimal(str(values[figure, key[1], "", ""]))
            values.setdefault((figure, *key[1:]), round(whole * Decimal(str(percent)) / 100))
    codes = [(r["breakdown"], r["code"], r["label_nl"]) for r in _read(HELPLINE / "codes.csv")]
    return make(values, codes)


def year_of(figure: str, year: str, numbers: Iterable[object]) -> dict[tuple[str, str], object]:
    """Give a value for each month of a year."""
    return {(figure, m): n for m, n in zip(months_of_year(year), numbers, strict=False)}


def _value(definition: Mapping[str, str], value: object) -> Value:
    state, number = value if isinstance(value, tuple) else (State.FINAL, value)
    if isinstance(value, State):
        state, number = value, None
    return Value(
        state,
        None if number is None else Decimal(str(number)),
        int(definition["decimals"]),
        definition["unit"],
        definition["base"],
    )


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))
