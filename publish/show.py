"""A release's main figures as plain text, set out as in the published tables."""

from __future__ import annotations

import csv
import json
import tomllib
from pathlib import Path

from babel import Locale, UnknownLocaleError

from ingest.problem import Problem
from publish.ledger import Contradiction
from publish.verify import MANIFEST
from publish.write import FIGURES

YEARS_BESIDE_EACH_OTHER = 3
BY_MONTH = "conversations"
BY_YEAR = (
    "conversations",
    "scheduled_conversations",
    "callers",
    "new_callers",
    "referrals",
    "clicks",
    "clicks_per_conversation",
    "attempts",
    "answered_attempts",
    "missed_attempts",
    "out_of_hours_attempts",
    "answer_rate",
    "pressers",
    "missed_pressers",
    "out_of_hours_pressers",
    "unreached_pressers",
    "wait_seconds_median",
    "open_hours",
)
MARKS = {"A": " ", "P": "*", "O": " "}
NO_VALUE = "–"
LISTED_CONTRADICTIONS = 5

# The value and the status of each figure's total, by figure and period.
Totals = dict[tuple[str, str], tuple[str, str]]


def show(release: Path) -> str:
    """Give the main figures of a release: a table by month, one by year, and where it lies.

    The columns are the last whole years, and in the table by year also those since. Raises Problem
    if there is no release in the folder.
    """
    totals, manifest = _read(release)
    language = manifest["settings"]["language"]
    labels = _labels(language)
    whole, recent = _years(totals)
    by_month = [
        [name, *(_cell(totals, BY_MONTH, f"{year}-{month:02}") for year in whole)]
        for month, name in enumerate(_month_names(language), start=1)
    ]
    by_month.append([labels["total"], *(_cell(totals, BY_MONTH, year) for year in whole)])
    by_year = [
        [figure, *(_cell(totals, figure, year) for year in recent)]
        for figure in BY_YEAR
        if any((figure, year) in totals for year in recent)
    ]
    return "\n".join(
        [
            *_table(labels["conversations_by_month"], whole, by_month, has_total=True),
            "",
            *_table(labels["figures_by_year"], recent, by_year),
            "",
            f"* {labels['provisional']}   {NO_VALUE} {labels['no_value']}",
            "",
            *_standing(manifest.get("public"), labels),
            str(release.resolve()),
        ]
    )


def _standing(public: dict | None, labels: dict[str, str]) -> list[str]:
    """Say through which month figures are public, and what holds newer ones back."""
    if not public:
        return []
    through = labels["public_through"].format(month=public["closed_through"])
    lines = [through if public["closed_through"] else labels["nothing_public"]]
    if public["is_held"]:
        lines.append(labels["held_back"].format(month=public["closable_through"]))
    contradictions = [Contradiction(**one) for one in public["contradictions"]]
    lines += [f"  {one}" for one in contradictions[:LISTED_CONTRADICTIONS]]
    if len(contradictions) > LISTED_CONTRADICTIONS:
        lines.append(f"  … {len(contradictions) - LISTED_CONTRADICTIONS} +")
    return lines


def _read(release: Path) -> tuple[Totals, dict]:
    try:
        manifest = json.loads((release / MANIFEST).read_text(encoding="utf-8"))
        with (release / FIGURES).open(encoding="utf-8", newline="") as file:
            totals = {
                (row["figure"], row["period"]): (row["value"], row["obs_status"])
                for row in csv.DictReader(file)
                if not row["breakdown"]
            }
    except FileNotFoundError:
        raise Problem(
            f"There is no release in {release}. `make run` makes one; another state folder is "
            "named with --data or CHATCIJFERS_DATA."
        ) from None
    return totals, manifest


def _years(totals: Totals) -> tuple[list[str], list[str]]:
    """Give the last whole years, or what years there are, and the same with those since."""
    years = sorted({period for _, period in totals if len(period) == 4})
    whole = [
        year
        for year in years
        if all(totals.get((BY_MONTH, f"{year}-{month:02}"), [""])[0] for month in range(1, 13))
    ]
    shown = (whole or years)[-YEARS_BESIDE_EACH_OTHER:]
    return shown, [year for year in years if shown and year >= shown[0]]


def _cell(totals: Totals, figure: str, period: str) -> str:
    """Give a value with its mark; nothing for a period outside of the figure's range."""
    if (figure, period) not in totals:
        return ""
    value, status = totals[figure, period]
    return f"{value or NO_VALUE}{MARKS[status]}"


def _table(
    title: str, columns: list[str], rows: list[list[str]], has_total: bool = False
) -> list[str]:
    """Set out rows in aligned columns; a total stands under a line of its own."""
    lines = [[title, *(f"{column} " for column in columns)], *rows]
    widths = [max(len(line[number]) for line in lines) for number in range(len(lines[0]))]
    written = [
        "  ".join([line[0].ljust(widths[0]), *(map(str.rjust, line[1:], widths[1:]))]).rstrip()
        for line in lines
    ]
    rule = "─" * (sum(widths) + 2 * (len(widths) - 1))
    written.insert(1, rule)
    if has_total:
        written.insert(-1, rule)
    return written


def _labels(language: str) -> dict[str, str]:
    content = Path(__file__).with_name("labels.toml").read_text(encoding="utf-8")
    labels = tomllib.loads(content)
    return labels.get(language.partition("-")[0], labels["en"])


def _month_names(language: str) -> list[str]:
    try:
        locale = Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        locale = Locale("en")
    names = locale.months["stand-alone"]["wide"]
    return [names[month] for month in range(1, 13)]
