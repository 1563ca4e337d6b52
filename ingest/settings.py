"""A helpline's settings: helpline.toml, read and checked."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from datetime import date, datetime
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale

from ingest.cells import LAST_YEAR, name_leniency, read_day
from ingest.folder import Folder
from ingest.warehouse import connect, run

SETTINGS = "helpline.toml"
ROOT = Path(__file__).resolve().parent.parent
# The words that people read, a table for each language that there are words in.
WORDS = Path("publish", "words.toml")
# No clock of a log was ever set before: a time before it is none.
FIRST_START = date(1990, 1, 1)
LEAST_THRESHOLD = 3
MOST_TOLERATED_PERCENT = 10
KNOWN_TYPES = (
    "helpline.button.clicked",
    "helpline.session.scheduled",
    "helpline.session.requested",
    "helpline.session.answered",
    "helpline.session.abandoned",
    "helpline.session.ended",
    "helpline.session.registered",
    "helpline.log.covered",
)
DEFAULTS = {
    "attempt_gap_minutes": 30,
    "settling_days": 10,
    "small_count_threshold": 5,
    "tolerated_loss_percent": 2,
    "quiet_days": 14,
    "pages": [],
    "no_identifiers": [],
    "other_types": [],
    "formerly": [],
    "keep_events_years": None,
    "rotate_keys_from": None,
    "exact_times": False,
    "exact_ages": False,
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
    for name, read in READERS.items():
        if name not in found and name not in DEFAULTS:
            folder.refuse(SETTINGS, None, f"{name} is missing")
            continue
        try:
            settings[name] = read(found.get(name, DEFAULTS.get(name)))
        except ValueError as error:
            folder.refuse(SETTINGS, lines.get(name, 1), f"{name} {error}")
    _check_rotation(folder, settings, lines)
    _note_first_day(folder, found.get("starts_on"), settings, lines)
    _warn_of_settings(folder, settings, lines)
    for name in found.keys() - READERS.keys():
        near = get_close_matches(name, READERS, n=1)
        meant = f". Did you mean {near[0]}?" if near else ""
        folder.warn(
            SETTINGS,
            lines.get(name, 1),
            f"{name} is not a setting that this version knows; it has no effect{meant}",
        )
    return settings


def _note_first_day(folder: Folder, written, settings: dict, lines: dict[str, int]) -> None:
    """Note a first day that is written with its day first."""
    starts_on = settings.get("starts_on")
    if starts_on and isinstance(written, str) and written != str(starts_on):
        names = name_leniency(written)
        folder.note_cell(SETTINGS, lines["starts_on"], names, written, str(starts_on))


def _warn_of_settings(folder: Folder, settings: dict, lines: dict[str, int]) -> None:
    """Warn of settings that can be meant and rarely are."""
    for name, describe in _ODDITIES.items():
        if name in settings and (what := describe(settings[name])):
            folder.warn(SETTINGS, lines.get(name), f"{name} is {settings[name]}: {what}")


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
        raise ValueError('has to be a language such as "nl" or "nl-BE"')
    if value.partition("-")[0] not in Locale("en").languages:
        raise ValueError(f"{value!r} is no language; there are words in {_languages_in_words()}")
    return value


@cache
def languages_with_words() -> tuple[str, ...]:
    """Give the languages that there are words in for what people read."""
    return tuple(sorted(tomllib.loads((ROOT / WORDS).read_text(encoding="utf-8"))))


def _languages_in_words() -> str:
    return " and ".join(f'"{language}"' for language in languages_with_words())


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
        value = date.fromisoformat(read_day(value))
    if isinstance(value, datetime) or not isinstance(value, date):
        raise ValueError("has to be a date such as 2020-01-01")
    if not FIRST_START <= value <= date(LAST_YEAR, 12, 31):
        raise ValueError(
            f"is {value}; it has to be a date from {FIRST_START} to {LAST_YEAR}-12-31, the first "
            "day that counts"
        )
    return value


def _number(least: int, most: int) -> Callable[[object], int]:
    def read(value) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"has to be a whole number from {least} to {most}")
        return value

    return read


def _percent(value) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:
        raise ValueError("has to be a number from 0 to 100, such as 2 or 0.5")
    return round(value, 2)


def _flag(value) -> bool:
    if not isinstance(value, bool):
        raise ValueError("has to be true or false")
    return value


def _texts(value) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError('has to be a list of texts such as ["a", "b"]')
    if not all(one.strip() for one in value):
        raise ValueError("has a text that is empty or blank; take it out")
    return tuple(value)


def _other_types(value) -> tuple[str, ...]:
    types = _texts(value)
    known = [one for one in types if one in KNOWN_TYPES]
    if known:
        raise ValueError(
            f"has {known[0]!r}, a type that figures are made of; list only types that none is"
        )
    return types


def _years(value) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 100:
        raise ValueError(
            "has to be a whole number of years from 1 to 100; leave the line out to keep events "
            "for ever"
        )
    return value


def _year(value) -> int | None:
    if value is None:
        return None
    if (
        isinstance(value, bool)
        or not isinstance(value, int)
        or not FIRST_START.year <= value <= LAST_YEAR
    ):
        raise ValueError("has to be a year such as 2027")
    return value


def _pages(value) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(page, str) for page in value):
        raise ValueError('has to be a list of paths such as ["/", "/chat"]')
    wrong = [page for page in value if not re.fullmatch(r"/[^?#\s]*", page)]
    if wrong:
        raise ValueError(f"{wrong[0]!r} is not a path; write it as /chat, without host or query")
    return tuple(value)


def _odd_language(language: str) -> str | None:
    if language.partition("-")[0] in languages_with_words():
        return None
    return f"there are words in {_languages_in_words()} only, so people will read English"


def _odd_start(starts_on: date) -> str | None:
    if starts_on <= date.today():
        return None
    return "that is yet to come, and events before it do not count"


def _odd_threshold(threshold: int) -> str | None:
    if threshold >= LEAST_THRESHOLD:
        return None
    return (
        "counts of one or two persons become public. Statistical offices take "
        f"{LEAST_THRESHOLD} or more"
    )


def _odd_tolerance(percent: float) -> str | None:
    if percent <= MOST_TOLERATED_PERCENT:
        return None
    return f"figures stay final though {percent:g} of 100 events are lost"


def _odd_exactness(is_exact: bool) -> str | None:
    if not is_exact:
        return None
    return "who knows when somebody wrote, or how old they are, may recognise them there"


_ODDITIES = {
    "exact_times": _odd_exactness,
    "exact_ages": _odd_exactness,
    "language": _odd_language,
    "starts_on": _odd_start,
    "small_count_threshold": _odd_threshold,
    "tolerated_loss_percent": _odd_tolerance,
}
READERS = {
    "name": _text,
    "language": _language,
    "timezone": _zone,
    "starts_on": _day,
    "attempt_gap_minutes": _number(1, 24 * 60),
    "settling_days": _number(0, 366),
    "small_count_threshold": _number(0, 1000),
    "tolerated_loss_percent": _percent,
    "quiet_days": _number(1, 366),
    "pages": _pages,
    "no_identifiers": _texts,
    "other_types": _other_types,
    "formerly": _texts,
    "keep_events_years": _years,
    "rotate_keys_from": _year,
    "exact_times": _flag,
    "exact_ages": _flag,
}
