"""A helpline's settings: helpline.toml, read and checked."""

from __future__ import annotations

import re
import tomllib
from datetime import date, datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from ingest.cells import read_day
from ingest.folder import Folder
from ingest.warehouse import connect, run

SETTINGS = "helpline.toml"
DEFAULTS = {
    "attempt_gap_minutes": 30,
    "settling_days": 10,
    "small_count_threshold": 5,
    "tolerated_loss_percent": 2,
    "quiet_days": 14,
    "pages": [],
    "no_identifiers": [],
    "other_types": [],
    "keep_events_years": None,
    "rotate_keys_from": None,
}


def read_settings(folder: Folder) -> dict:
    """Read the settings of a folder, by name; those that are wrong are missing, and noted there."""
    text = folder.text(SETTINGS, is_required=True)
    if text is None:
        return {}
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        folder.refuse(SETTINGS, None, f"is not TOML: {error}")
        return {}
    lines = _lines_of_settings(text)
    settings = {}
    for name, read in _READERS.items():
        if name not in found and name not in DEFAULTS:
            folder.refuse(SETTINGS, None, f"{name} is missing")
            continue
        try:
            settings[name] = read(found.get(name, DEFAULTS.get(name)))
        except ValueError as error:
            folder.refuse(SETTINGS, lines.get(name, 1), f"{name} {error}")
    _check_rotation(folder, settings, lines)
    for name in found.keys() - _READERS.keys():
        folder.warn(
            SETTINGS,
            lines.get(name, 1),
            f"{name} is not a setting that this version knows; it has no effect",
        )
    return settings


def name_of(folder: Path) -> str:
    """Give a helpline's name as its settings have it, on one line; if they cannot, its folder's.

    For what is said to people: it raises nothing, whatever is wrong with the settings.
    """
    try:
        name = tomllib.loads((folder / SETTINGS).read_text(encoding="utf-8")).get("name")
    except (OSError, ValueError):
        name = None
    return (" ".join(name.split()) if isinstance(name, str) else "") or folder.name


def _check_rotation(folder: Folder, settings: dict, lines: dict[str, int]) -> None:
    name = "rotate_keys_from"
    year, starts_on = settings.get(name), settings.get("starts_on")
    if year is not None and starts_on is not None and year <= starts_on.year:
        folder.refuse(
            SETTINGS,
            lines.get(name),
            f"{name} is {year}, and starts_on is {starts_on}: keys rotate at a New Year after "
            f"the first day, so write {starts_on.year + 1} or a later year",
        )
        del settings[name]


def _lines_of_settings(text: str) -> dict[str, int]:
    lines = {}
    for number, line in enumerate(text.splitlines(), 1):
        found = re.match(r"\s*\[?\"?([A-Za-z0-9_-]+)", line)
        if found:
            lines.setdefault(found[1], number)
    return lines


def _text(value) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("has to be text")
    return value.strip()


def _language(value) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", value):
        raise ValueError('has to be a language such as "nl"')
    return value


def _zone(value) -> str:
    try:
        if not isinstance(value, str):
            raise ValueError
        ZoneInfo(value)
    except (ValueError, OSError, LookupError):
        raise ValueError(f'{value!r} is not a time zone such as "Europe/Brussels"') from None
    if value not in _zones_of_the_warehouse():
        raise ValueError(
            f"{value!r} is not a time zone that the warehouse knows; write it as a place, such as "
            '"Europe/Brussels"'
        )
    return value


@cache
def _zones_of_the_warehouse() -> frozenset[str]:
    connection = connect("1GB")
    try:
        return frozenset(
            name for (name,) in run(connection, "select name from pg_timezone_names()")
        )
    finally:
        connection.close()


def _day(value) -> date:
    if isinstance(value, str):
        return date.fromisoformat(read_day(value))
    if isinstance(value, datetime) or not isinstance(value, date):
        raise ValueError("has to be a date such as 2020-01-01")
    return value


def _number(value) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**6:
        raise ValueError("has to be a whole number that is not negative")
    return value


def _percent(value) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:
        raise ValueError("has to be a number from 0 to 100, such as 2 or 0.5")
    return round(value, 2)


def _texts(value) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
        raise ValueError('has to be a list of texts such as ["a", "b"]')
    return tuple(value)


def _years(value) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value < 1000:
        raise ValueError(
            "has to be a whole number of years, at least 1; leave the line out to keep events for "
            "ever"
        )
    return value


def _year(value) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1000 <= value < 3000:
        raise ValueError("has to be a year such as 2027")
    return value


def _pages(value) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(page, str) for page in value):
        raise ValueError('has to be a list of paths such as ["/", "/chat"]')
    wrong = [page for page in value if not re.fullmatch(r"/[^?#\s]*", page)]
    if wrong:
        raise ValueError(f"{wrong[0]!r} is not a path; write it as /chat, without host or query")
    return tuple(value)


_READERS = {
    "name": _text,
    "language": _language,
    "timezone": _zone,
    "starts_on": _day,
    "attempt_gap_minutes": _number,
    "settling_days": _number,
    "small_count_threshold": _number,
    "tolerated_loss_percent": _percent,
    "quiet_days": _number,
    "pages": _pages,
    "no_identifiers": _texts,
    "other_types": _texts,
    "keep_events_years": _years,
    "rotate_keys_from": _year,
}
