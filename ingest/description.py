"""A helpline's folder in a few lines of plain words."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

from ingest.helpline import Helpline
from ingest.tables import Cells
from ingest.wording import counted

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def describe(helpline: Helpline) -> str:
    """Say in a few lines what a helpline's folder holds: for the person who wrote it."""
    lines = [
        f"{helpline.name} ({helpline.language}), {helpline.timezone}, from {helpline.starts_on}.",
        f"An attempt goes on for {helpline.attempt_gap_minutes} minutes after its last event; "
        f"figures settle in {helpline.settling_days} days; counts below "
        f"{helpline.small_count_threshold} are small.",
        f"Lost lines up to {helpline.tolerated_loss_percent:g} % of a month are tolerated; "
        f"more than {helpline.quiet_days} days without an event are quiet.",
        *_lists(helpline),
        _retention(helpline),
        _rotation(helpline),
        _exactness(helpline),
        "Opening hours:",
    ]
    lines += [f"  {line}" for line in _weeks(helpline.tables["opening_hours"])]
    lines += [
        f"  {counted(len(helpline.tables['closures']), 'closure')}, "
        f"{counted(len(helpline.tables['extra_openings']), 'extra opening')}",
        f"{counted(len(helpline.pages), 'page')}; "
        + ", ".join(f"{field} {len(codes)}" for field, codes in helpline.coded_fields().items())
        + " codes.",
    ]
    lines += [
        f"Gap in the log {log} from {starts_on} to {ends_on}: {reason or 'no reason given'}"
        for log, starts_on, ends_on, reason in helpline.tables["data_gaps"]
    ]
    lines += [_accepted(row) for row in helpline.tables["accepted"]]
    lines += [_exclusion(row) for row in helpline.tables["exclusions"]] or ["No exclusions."]
    lines += _ledger(helpline)
    return "\n".join(lines)


def _exactness(helpline: Helpline) -> str:
    times = "exact" if helpline.exact_times else "to the minute"
    ages = "in years" if helpline.exact_ages else "as bands"
    return f"In the analysts' file times are {times}, and ages {ages}."


def _lists(helpline: Helpline) -> list[str]:
    """Say what the lists of settings hold that most helplines leave empty."""
    lists = {
        "No identifier, besides the usual ones": helpline.no_identifiers,
        "Types of events that are passed over": helpline.other_types,
        "Called before": helpline.formerly,
    }
    return [f"{name}: {', '.join(texts)}" for name, texts in lists.items() if texts]


def _accepted(row: Cells) -> str:
    log, starts_on, ends_on, lost_lines, reason, author, decided_on = row
    lost = "no events" if lost_lines == "0" else f"up to {counted(int(lost_lines), 'lost line')}"
    return (
        f"Accepted in the log {log} from {starts_on} to {ends_on}: {lost} "
        f"({author}, {decided_on}: {reason})"
    )


def _retention(helpline: Helpline) -> str:
    if helpline.keep_events_years is None:
        return "Events are kept for ever."
    return f"Events are kept for {helpline.keep_events_years} whole years before the current one."


def _rotation(helpline: Helpline) -> str:
    if helpline.rotate_keys_from is None:
        return "Keys do not rotate: pseudonyms of visitors and clients live as long as the key."
    return f"From {helpline.rotate_keys_from} on, every year has a key of its own for persons."


def _exclusion(row: Cells) -> str:
    name, field, value, starts_at, ends_at, reason, author, expected_events = row
    what = field if field == "visitor" else f"{field} {value}"
    if field == "no_visitor":
        what = f"events without a visitor{f' on page {value}' if value else ''}"
    since = f" from {starts_at} UTC" if starts_at else ""
    until = f" until {ends_at} UTC" if ends_at else ""
    events = counted(int(expected_events), "event")
    return f"Exclusion {name}: {what}{since}{until}, {events} expected ({author}: {reason})"


def _ledger(helpline: Helpline) -> list[str]:
    documents = Counter((row[0], row[1]) for row in helpline.tables["published"])
    lines = [
        f"Published by {document}, {published_on}: {counted(cells, 'figure')}"
        for (document, published_on), cells in sorted(documents.items())
    ]
    for figure, period, breakdown, category, value, reason, author, day in helpline.tables[
        "revisions"
    ]:
        cell = " ".join(part for part in (figure, period, breakdown, category) if part)
        lines.append(f"Revised: {cell} is {value} ({author}, {day}: {reason})")
    return lines


def _weeks(hours: list[Cells]) -> list[str]:
    """Describe each stretch of dates with the same hours: its hours a week, and when."""
    starts = {date.fromisoformat(row[0]) for row in hours}
    day = timedelta(days=1)
    starts |= {date.fromisoformat(row[1]) + day for row in hours if row[1] and row[1] < "9999"}
    described = []
    for start, end in zip(sorted(starts), [*sorted(starts)[1:], None], strict=True):
        valid = [
            row for row in hours if row[0] <= str(start) and (not row[1] or row[1] >= str(start))
        ]
        if not valid and end is None:
            continue
        until = f"to {end - day}" if end else "on"
        minutes = 0
        days: dict[str, list[str]] = {}
        for weekday, name in enumerate(WEEKDAYS, 1):
            spans = _united([(row[3], row[4]) for row in valid if row[2] == str(weekday)])
            minutes += sum(_minutes(closes) - _minutes(opens) for opens, closes in spans)
            if spans:
                text = " and ".join(f"{opens[:5]}–{closes[:5]}" for opens, closes in spans)
                days.setdefault(text, []).append(name)
        text = "; ".join(f"{' '.join(names)} {spans}" for spans, names in days.items())
        described.append(f"from {start} {until}: {minutes / 60:g} h a week ({text or 'closed'})")
    return described


def _united(spans: list[tuple[str, str]]) -> list[tuple[str, str]]:
    united: list[tuple[str, str]] = []
    for opens, closes in sorted(spans):
        if united and opens < united[-1][1]:
            united[-1] = (united[-1][0], max(closes, united[-1][1]))
        else:
            united.append((opens, closes))
    return united


def _minutes(text: str) -> float:
    hours, minutes, seconds = text.split(":")
    return int(hours) * 60 + int(minutes) + float(seconds) / 60
