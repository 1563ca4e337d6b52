"""A release's main figures as plain text, set out as in the published tables, and what to open."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from pathlib import Path

import duckdb

from ingest.problem import Problem
from publish.contents import literal
from publish.contradictions import tell
from publish.ledger import Contradiction
from publish.notes import database_removed_at
from publish.verify import DATABASE, MANIFEST, is_without_database
from publish.words import Words
from publish.write import FIGURES

TEXTS = Path(__file__).with_suffix(".toml")
YEARS_BESIDE_EACH_OTHER = 3
BY_MONTH = "conversations"
BY_YEAR = (
    "callers",
    "new_callers",
    "referrals",
    "pressers",
    "clicks",
    "clicks_per_conversation",
    "missed_pressers",
    "answer_rate",
    "out_of_hours_attempts",
    "wait_seconds_median",
)
PROVISIONAL, MISSING = "P", "O"
LISTED_CONTRADICTIONS = 5
# What there is to open, by its name in show.toml; a release that lacks one does not name it.
PAGES = {
    "site": "site/index.html",
    "report": "public/report/index.html",
    "workbook": "public/figures.xlsx",
    "coordinator": "internal/coordinator.html",
}

# The value and the status of each figure's total, by figure and period.
Totals = dict[tuple[str, str], tuple[str, str]]


def show(release: Path) -> str:
    """Give the main figures of a release: a table by month, one by year, and where to click.

    The columns are the last whole years, and in the table by year also those since. Raises Problem
    if there is no release in the folder.
    """
    totals, manifest = _read(release)
    language = manifest["settings"]["language"]
    words = Words(language, None, TEXTS)
    labels = _labels(release, words.language)
    whole, recent = _years(totals)
    by_month = [
        [
            words.month(month),
            *(_cell(totals, BY_MONTH, f"{year}-{month:02}", words) for year in whole),
        ]
        for month in range(1, 13)
    ]
    by_month.append([words["total"], *(_cell(totals, BY_MONTH, year, words) for year in whole)])
    by_year = [
        [labels.get(figure, figure), *(_cell(totals, figure, year, words) for year in recent)]
        for figure in BY_YEAR
        if any((figure, year) in totals for year in recent)
    ]
    return "\n".join(
        [
            *_table(words["conversations_by_month"], whole, by_month, has_total=True),
            "",
            *_table(words["figures_by_year"], recent, by_year),
            *_marks([*by_month, *by_year], words),
            "",
            words["the_helplines_own"],
            *_what_is_gone(release, words),
            *_standing(manifest.get("public"), words),
            *_where_to_click(release, words),
            str(release.resolve()),
        ]
    )


def _labels(release: Path, language: str) -> dict[str, str]:
    """Read what readers see the figures called; nothing from a release without them."""
    if not (release / DATABASE).is_file():
        return {}
    with duckdb.connect() as connection:
        connection.execute(
            f"attach {literal((release / DATABASE).resolve())} as release (read_only)"
        )
        rows = connection.execute(
            f"select figure, label_{language} from release.figures.figure_definitions"
        ).fetchall()
    return dict(rows)


def _marks(rows: list[list[str]], words: Words) -> list[str]:
    """Explain the marks that stand in the tables."""
    marks, meanings = words.group("marks"), words.group("meanings")
    written = " ".join(cell for _, *cells in rows for cell in cells)
    return [
        f"{marks[name]} {meanings[name]}"
        for name in ("provisional", "missing", "not_applicable")
        if marks[name] in written
    ]


def _where_to_click(release: Path, words: Words) -> list[str]:
    """Name the pages that a release has, as links that most terminals open, and two commands."""
    where = release.absolute()
    lines = [
        (words.group("pages")[name], (where / page).as_uri())
        for name, page in PAGES.items()
        if (where / page).is_file()
    ]
    if where.name == "latest":
        lines += [
            (f"make {command}{_data_of(where)}", said)
            for command, said in words.group("commands").items()
            if command != "docs" or (where / PAGES["site"]).is_file()
        ]
    width = max((len(label) for label, _ in lines), default=0)
    return [f"{label.ljust(width)}  {said}" for label, said in lines]


def _data_of(latest: Path) -> str:
    """Give what make has to be told of the state folder; nothing if it is its usual one."""
    data = latest.parent.parent
    usual = Path(__file__).resolve().parent.parent / "data"
    return "" if data.resolve() == usual else f" DATA={data}"


def _what_is_gone(release: Path, words: Words) -> list[str]:
    """Say that the database of an old release was removed."""
    if not is_without_database(release):
        return []
    return [words.text("without_database", day=f"{database_removed_at(release):%Y-%m-%d}")]


def _standing(public: dict | None, words: Words) -> list[str]:
    """Say through which month figures are public, and what holds newer ones back."""
    if not public:
        return []
    through = words.text("public_through", month=public["closed_through"])
    lines = [through] if public["closed_through"] else []
    if not lines and not public["is_held"]:
        lines.append(words["nothing_public"])
    if public["is_held"]:
        lines.append(words.text("held_back", month=public["closable_through"]))
    told = tell((Contradiction(**one) for one in public["contradictions"]), words.language)
    lines += [f"  {line}" for line in told[:LISTED_CONTRADICTIONS]]
    if len(told) > LISTED_CONTRADICTIONS:
        lines.append(f"  … {len(told) - LISTED_CONTRADICTIONS} +")
    return lines + [
        words.text(
            one["kind"],
            day=one["decided_on"],
            reason=one["reason"],
            author=f" ({one['author']})" if one["author"] else "",
        )
        for one in public.get("decisions", [])  # of releases since they are kept
    ]


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


def _cell(totals: Totals, figure: str, period: str, words: Words) -> str:
    """Give a value with its mark; nothing for a period outside of the figure's range."""
    if (figure, period) not in totals:
        return ""
    value, status = totals[figure, period]
    marks = words.group("marks")
    if not value:
        return marks["missing" if status == MISSING else "not_applicable"]
    written = words.number(Decimal(value), len(value.partition(".")[2]))
    return f"{written} {marks['provisional']}" if status == PROVISIONAL else written


def _table(
    title: str, columns: list[str], rows: list[list[str]], has_total: bool = False
) -> list[str]:
    """Set out rows in aligned columns; a total stands under a line of its own."""
    lines = _aligned([[title, *columns], *rows])
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


def _aligned(lines: list[list[str]]) -> list[list[str]]:
    """Keep room behind numbers without a mark where others of their column have one."""
    marks = [
        max((len(line[n].partition(" ")[2]) for line in lines), default=0)
        for n in range(len(lines[0]))
    ]
    return [
        [line[0], *(_with_room(cell, marks[n]) for n, cell in enumerate(line[1:], start=1))]
        for line in lines
    ]


def _with_room(cell: str, room: int) -> str:
    return cell if not room or " " in cell else cell + " " * (room + 1)
