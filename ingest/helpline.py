"""A helpline's own folder (settings, opening hours, codes …): loaded, put into raw tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

from ingest import forms
from ingest.definitions import FigureCells
from ingest.folder import Folder
from ingest.oddities import warn_of_oddities
from ingest.problem import Problem
from ingest.settings import read_settings
from ingest.tables import Cells, Table, read_table
from ingest.warehouse import fill, run, transaction

# What the event format itself says of the button, for a helpline that lists no codes for it.
BUTTON_STATES = ("open", "busy", "closed")
# The columns of the raw tables, in the order of the files' columns.
RAW_COLUMNS = {
    "settings": (
        "name",
        "language",
        "timezone",
        "starts_on",
        "attempt_gap_minutes",
        "settling_days",
        "small_count_threshold",
        "rotate_keys_from",
        "tolerated_loss_percent",
        "quiet_days",
        "exact_times",
        "exact_ages",
    ),
    "opening_hours": ("valid_from", "valid_to", "weekday", "opens", "closes", "responders"),
    "closures": ("closed_on", "reason"),
    "extra_openings": ("opened_on", "opens", "closes", "responders", "reason"),
    "codes": ("breakdown", "code", "label_nl", "label_en", "sort", "valid_from", "valid_to"),
    "data_gaps": ("log", "starts_on", "ends_on", "reason"),
    "accepted": (
        "log",
        "starts_on",
        "ends_on",
        "lost_lines",
        "reason",
        "author",
        "decided_on",
    ),
    "campaigns": ("code", "name", "starts_on", "ends_on", "channel"),
    "exclusions": (
        "exclusion",
        "field",
        "value",
        "starts_at",
        "ends_at",
        "reason",
        "author",
        "expected_events",
    ),
    "published": (
        "document",
        "published_on",
        "figure",
        "period",
        "breakdown",
        "category",
        "value",
        "as_printed",
    ),
    "revisions": (
        "figure",
        "period",
        "breakdown",
        "category",
        "value",
        "reason",
        "author",
        "decided_on",
    ),
}


@dataclass(frozen=True)
class Helpline:
    """A helpline's settings and tables; dates and times in `tables` are ISO text, None is empty.

    The rows of a table have the columns of its file, in that order; `lines` says where they stand.
    `readings` say how files were read that are not written the usual way, such as with semicolons.
    `keep_events_years` is how many whole years are kept before the one that the logs reach into;
    None is for ever.
    """

    folder: Path
    name: str
    language: str
    timezone: str
    starts_on: date
    attempt_gap_minutes: int
    settling_days: int
    small_count_threshold: int
    pages: tuple[str, ...]
    tables: dict[str, list[Cells]]
    rotate_keys_from: int | None = None
    lines: dict[str, list[int]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    keep_events_years: int | None = None
    tolerated_loss_percent: float = 2
    quiet_days: int = 14
    no_identifiers: tuple[str, ...] = ()
    other_types: tuple[str, ...] = ()
    formerly: tuple[str, ...] = ()
    exact_times: bool = False
    exact_ages: bool = False
    readings: list[str] = field(default_factory=list)

    def starts_at(self) -> datetime:
        """First instant of the first day that counts, in UTC, without a zone."""
        midnight = datetime.combine(self.starts_on, time(), ZoneInfo(self.timezone))
        return midnight.astimezone(UTC).replace(tzinfo=None)

    def coded_fields(self) -> dict[str, list[str]]:
        """Codes that may pass, by the field of an event's data."""
        return _coded_fields(self.tables["codes"], self.tables["campaigns"])


def _coded_fields(codes: Iterable[Cells], campaigns: Iterable[Cells]) -> dict[str, list[str]]:
    def of(breakdown: str) -> list[str]:
        return sorted({row[1] for row in codes if row[0] == breakdown})

    return {
        "button": of("button") or sorted(BUTTON_STATES),
        "campaign": sorted({row[0] for row in campaigns}.union(of("campaign"))),
        "gender": of("gender"),
        "topics": of("topic"),
        "referred_by": of("referred_by"),
        "scheduled_by": of("scheduled_by"),
    }


def load_helpline(path: Path) -> Helpline:
    """Read and check a helpline's folder.

    Raises Problem that lists everything that is wrong with it, by file and line.
    """
    if not path.is_dir():
        raise Problem(
            f"There is no helpline's folder at {path}. Name it with HELPLINE=, "
            f"--helpline or CHATCIJFERS_HELPLINE, or begin one there: make new HELPLINE={path}"
        )
    folder = Folder(path)
    settings = read_settings(folder)
    tables = {
        "opening_hours": read_table(folder, forms.OPENING_HOURS),
        "closures": read_table(folder, forms.CLOSURES),
        "extra_openings": read_table(folder, forms.EXTRA_OPENINGS),
        "codes": read_table(folder, forms.CODES),
        "data_gaps": read_table(folder, forms.DATA_GAPS),
        "accepted": read_table(folder, forms.ACCEPTED),
        "campaigns": read_table(folder, forms.CAMPAIGNS),
    }
    tables["exclusions"] = _read_exclusions(folder, settings, tables)
    cells = _figure_cells(folder, tables)
    tables["published"] = read_table(folder, forms.published(cells))
    tables["revisions"] = read_table(folder, forms.revisions(cells))
    warn_of_oddities(folder, settings, tables)
    folder.check()
    return Helpline(
        folder=path,
        tables={name: table.rows for name, table in tables.items()},
        lines={name: table.lines for name, table in tables.items()},
        warnings=folder.warnings,
        readings=folder.readings,
        **settings,
    )


def _read_exclusions(folder: Folder, settings: dict, tables: dict[str, Table]) -> Table:
    codes = _coded_fields(tables["codes"].rows, tables["campaigns"].rows)
    are_codes_known = folder.is_sound(forms.CODES.file, forms.CAMPAIGNS.file)
    listed = {
        "page": settings.get("pages"),
        "button": codes["button"] if are_codes_known else None,
        "campaign": codes["campaign"] if are_codes_known else None,
    }
    zone = ZoneInfo(settings.get("timezone", "UTC"))
    return read_table(folder, forms.exclusions(zone, listed))


def _figure_cells(folder: Folder, tables: dict[str, Table]) -> FigureCells:
    codes = [(row[0], row[1]) for row in tables["codes"].rows]
    exclusions = [row[0] for row in tables["exclusions"].rows]
    return FigureCells(
        codes if folder.is_sound(forms.CODES.file) else None,
        exclusions if folder.is_sound("exclusions.csv") else None,
    )


def store_helpline(connection, helpline: Helpline) -> bool:
    """Replace the helpline's raw tables in an open warehouse; return whether anything changed.

    All but its exclusions: `ingest.exclusions` looks at these first. One transaction; nothing is
    written if all rows are the same.
    """
    settings = (
        helpline.name,
        helpline.language,
        helpline.timezone,
        helpline.starts_on.isoformat(),
        str(helpline.attempt_gap_minutes),
        str(helpline.settling_days),
        str(helpline.small_count_threshold),
        None if helpline.rotate_keys_from is None else str(helpline.rotate_keys_from),
        f"{helpline.tolerated_loss_percent:.2f}",
        str(helpline.quiet_days),
        str(helpline.exact_times).lower(),
        str(helpline.exact_ages).lower(),
    )
    tables = {"settings": [settings], **helpline.tables}
    del tables["exclusions"]
    return store_tables(connection, tables)


def store_tables(connection, tables: dict[str, list[Cells]]) -> bool:
    """Replace raw tables, by name, in one transaction; return whether anything changed."""
    changed = {
        table: rows for table, rows in tables.items() if _stored(connection, table) != _sorted(rows)
    }
    if changed:
        with transaction(connection):
            for table, rows in changed.items():
                columns = RAW_COLUMNS[table]
                run(connection, f"delete from warehouse.raw.{table}")
                named = f"warehouse.raw.{table} ({', '.join(columns)})"
                fill(connection, named, rows, len(columns))
    return bool(changed)


def _stored(connection, table: str) -> list[Cells]:
    columns = ", ".join(f"{column}::varchar" for column in RAW_COLUMNS[table])
    return _sorted(run(connection, f"select {columns} from warehouse.raw.{table}"))


def _sorted(rows: Iterable[Cells]) -> list[Cells]:
    return sorted(rows, key=lambda row: tuple((cell is not None, cell or "") for cell in row))
