"""Where a figure comes from, in plain words: for who has to answer for it, and who has to mend it.

All of it is read from the release itself, so that an old release can be explained as well; only the
history looks at the releases beside it.
"""

from __future__ import annotations

import argparse
import textwrap
from datetime import date
from pathlib import Path

from publish.disclosure.cells import Cell
from publish.doubts import tell_doubts
from publish.explained import WIDTH, Explained, entry, open_release
from publish.history import tell_history, tell_published
from publish.ledger import Found, name
from publish.lineage import (
    A_DAY,
    Delivery,
    Model,
    columns_of,
    days_of,
    models_of_status,
    models_of_value,
    read_deliveries,
    read_lineage,
    windows_of,
    with_parts,
    year_before,
)
from publish.notes import read_run
from publish.publications import read_publications

MANY = 8
AT_EACH_END = 3
KINDS = {
    "sum": "a sum: it adds up over time",
    "distinct": "a distinct count: it does not add up over time",
    "ratio": "a ratio: it does not add up over time",
    "quantile": "a quantile: it does not add up over time",
    "share": "a share: it does not add up over time",
    "change": "a change against the year before",
    "mean": "a mean by month",
}
CONFIDENTIALITY = {
    "F": "free: it is shown in public",
    "C": "confidential: public/ hides it, for it is small",
    "D": "confidential: public/ hides it for the sake of others, or it is worked out from what is "
    "hidden",
}
STORED = (
    "its year has retired: this is the value as it was worked out before the events behind it were "
    "deleted, and the models do not work it out any more"
)
LOOKS_BACK = {
    "new_callers": "; a caller is new once in a calendar year, so it looks back to 1 January",
    "first_time_callers": "; a caller's first time may be long ago, so it looks at all before",
}


def add_options(command: argparse.ArgumentParser) -> None:
    """Add what `python -m publish explain` is asked for, but for where the release lies."""
    command.add_argument("figure", help="name of the figure, such as new_callers")
    command.add_argument("period", help="2022, 2022-03, 2022-W09 or 2020-01/2020-10")
    command.add_argument("--breakdown", default="", help="a breakdown of the figure")
    command.add_argument("--category", default="", help="a category of the breakdown")
    command.add_argument("--all", action="store_true", help="list every delivery, if many")


def explain(
    release: Path,
    figure: str,
    period: str,
    breakdown: str = "",
    category: str = "",
    has_every_delivery: bool = False,
) -> str:
    """Tell where a figure of a release comes from, and what became of it in the releases beside it.

    Of many deliveries only the first and the last are listed, unless all are asked for. Raises
    Problem if there is no such release, or no such figure, period or category in it.
    """
    cell = Cell(figure, period, breakdown, category)
    with open_release(release.resolve(), cell) as explained:
        sections = {
            name(cell): _tell_cell(explained),
            "What it means": _tell_definition(explained),
            "How it is computed": _tell_computation(explained),
            **_doubts(explained),
            "What was published of it before": tell_published(explained),
            "Its history over the releases": tell_history(explained),
            "On the way from the raw tables": _tell_models(explained),
            "The deliveries it rests on": _tell_deliveries(explained, has_every_delivery),
            "The gates it passed": _tell_gates(explained),
        }
    return "\n\n".join("\n".join([title, *lines]) for title, lines in sections.items())


# --- what it is


def _tell_cell(explained: Explained) -> list[str]:
    row, settings = explained.row, explained.manifest["settings"]
    starts_on, ends_on = days_of(explained.cell.period)
    value = f"{row['value']} {row['unit']}" if row["value"] else "no value"
    conf_status = row["conf_status"]
    return [
        *entry("release", f"{explained.release.name} of {settings['name']}"),
        *entry("period", f"{starts_on} to {ends_on - A_DAY}{_closed(explained)}"),
        *entry("value", value),
        *entry("base", row["base"] or "none"),
        *entry("status", f"{row['obs_status']}, {_status_in_words(explained)}"),
        *entry("public", f"{conf_status}, {_confidentiality_in_words(explained)}"),
        *entry("break", row["break"] or "none in this period"),
    ]


def _confidentiality_in_words(explained: Explained) -> str:
    """Tell whether a figure is public, and if not, whether it may still become so."""
    row = explained.row
    if (row["obs_status"], row["conf_status"]) == ("P", "F"):
        return "shown in public/ so far, and marked as provisional"
    if row["conf_status"] != "N":
        return CONFIDENTIALITY.get(row["conf_status"], "unknown")
    if read_publications(explained.release).rows().get(explained.cell):
        return "pending in public/, until it is final"
    if "W" not in row["period"] and not _is_closed(explained):
        return "not public yet: the period is not closed"
    return "not for publication: for the helpline's own use"


def _closed(explained: Explained) -> str:
    """Say whether the period is closed, which it has to be to become public."""
    is_closed = _is_closed(explained)
    return "" if is_closed is None else ", closed" if is_closed else ", not closed yet"


def _is_closed(explained: Explained) -> bool | None:
    found = explained.read(
        "figures.periods", "select is_closed from {table} where period = ?", explained.cell.period
    )
    return next((is_closed for (is_closed,) in found), None)


def _is_retired(explained: Explained) -> bool:
    """Tell whether the events of the period's year are deleted, and its figures are stored ones."""
    if "is_retired" not in columns_of(explained.connection, "figures", "periods"):
        return False
    found = explained.read(
        "figures.periods", "select is_retired from {table} where period = ?", explained.cell.period
    )
    return any(is_retired for (is_retired,) in found)


def _status_in_words(explained: Explained) -> str:
    """Tell what a status means, and which declared gaps may be why."""
    logs, settling_days = explained.rests_on, explained.manifest["settings"]["settling_days"]
    if explained.row["obs_status"] == "A":
        return (
            f"final: every day is covered by {logs}, up to {settling_days} days past the end; "
            "no gap is declared"
        )
    if explained.row["obs_status"] == "O" and "no longer known" in (explained.row["break"] or ""):
        return "missing: events that it rests on are deleted; the break says which"
    if explained.row["obs_status"] == "O":
        return f"missing: no day of the period is covered by {logs}; that is not 0"
    gaps = [
        f"{log} from {starts_on} to {ends_on} ({reason})"
        for log, starts_on, ends_on, reason in _gaps(explained)
    ]
    declared = f". Declared: {'; '.join(gaps)}" if gaps else ""
    return (
        f"provisional: it can still change. A day is not covered by {logs}, or lies in a declared "
        f"gap or a quarantined delivery, or lines or a file of it are lost, or the logs do not "
        f"reach {settling_days} days past the end{declared}"
    )


def _gaps(explained: Explained) -> list[tuple[str, date, date, str]]:
    """List the declared gaps of the figure's logs in its period; of a change, in both periods."""
    gaps = explained.read(
        "helpline.data_gaps",
        "select log, starts_on, ends_on, reason from {table} order by starts_on, log",
    )
    return [
        gap
        for gap in gaps
        if gap[0] in explained.logs
        and any(gap[1] < ends_on and gap[2] >= starts_on for starts_on, ends_on in _days(explained))
    ]


def _days(explained: Explained) -> list[tuple[date, date]]:
    """Give the days that a figure is about; of a change, those of both periods."""
    period = explained.cell.period
    is_change = explained.definition.get("kind") == "change"
    return [days_of(when) for when in ([year_before(period)] if is_change else []) + [period]]


def _doubts(explained: Explained) -> dict[str, list[str]]:
    """Give the section on what the logs lack, if they lack anything that the release knows of."""
    told = [] if _is_retired(explained) else tell_doubts(explained, _days(explained))
    return {"What its logs lack": told} if told else {}


def _tell_definition(explained: Explained) -> list[str]:
    definition = explained.definition
    version = explained.row.get("version") or definition.get("version")
    kind = KINDS.get(definition.get("kind", ""), "")
    protected = {
        "true": "a count of persons, conversations or referrals: small ones are hidden in public",
        "false": "it counts no persons; what is worked out from hidden counts is hidden too",
    }
    changes = explained.read(
        "figures.definition_changes",
        "select version, applies_from, reason from {table} where figure = ? order by applies_from",
        explained.cell.figure,
    )
    return [
        *entry("definition", definition["definition"]),
        *entry("version", version or "this release has no versions"),
        *[
            line
            for number, applies_from, reason in changes
            for line in entry(f"version {number}", f"applies from {applies_from}: {reason}")
        ],
        *entry("kind", f"{kind}; it rests on {explained.rests_on}"),
        *entry("protection", protected.get(definition.get("is_protected", ""), "unknown")),
    ]


def _tell_computation(explained: Explained) -> list[str]:
    found, row = explained.found, explained.row
    parts = explained.definition.get("parts", "").split()
    lines = entry("made from", ", ".join(parts)) if parts else []
    if _is_retired(explained):
        lines += entry("stored", STORED)
    if "numerator" not in row:
        lines += entry("exactly", "this release does not say")
    elif found.exact is None:
        lines += entry("exactly", "no value, so nothing is divided")
    else:
        lines += entry("exactly", f"{row['numerator']} ÷ {row['denominator']} = {_exactly(found)}")
        decimals = f"{row['decimals']} decimal{'' if row['decimals'] == '1' else 's'}"
        lines += entry("rounded", f"once, half up, to {decimals}: {row['value']}")
    if row.get("left_out") not in (None, "", "0"):
        lines += entry("left out", f"{row['left_out']} that cannot be counted or measured")
    return lines


def _exactly(found: Found) -> str:
    """Write a quotient out, as far as six decimals; an ellipsis says that there are more."""
    millionths, rest = divmod(abs(found.exact.numerator) * 10**6, found.exact.denominator)
    whole, decimals = divmod(millionths, 10**6)
    sign = "-" if found.exact < 0 else ""
    text = f"{sign}{whole}.{decimals:06}"
    return f"{text}…" if rest else text.rstrip("0").rstrip(".")


# --- what it comes from


def _tell_models(explained: Explained) -> list[str]:
    lineage = read_lineage(explained.release)
    if not lineage:
        return entry("", "This release was made before releases kept their lineage.")
    figure, definitions = explained.cell.figure, explained.definitions
    status = models_of_status(figure, definitions, lineage)
    return [
        *_models(models_of_value(figure, definitions, lineage)),
        "  And for its periods, categories, status and breaks:",
        *_models(status),
    ]


def _models(models: list[Model]) -> list[str]:
    lines = []
    for model in models:
        lines.append(f"  {model.name:<30}  {model.file}")
        lines += textwrap.wrap(
            model.description, WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6
        )
    return lines


def _tell_deliveries(explained: Explained, has_every_delivery: bool) -> list[str]:
    if _is_retired(explained):
        return entry("", "Its year has retired: the events behind it are deleted.")
    figure, definitions = explained.cell.figure, explained.definitions
    windows = windows_of(figure, explained.cell.period, definitions)
    timezone = explained.manifest["settings"]["timezone"]
    found = read_deliveries(explained.connection, windows, explained.logs, timezone)
    in_use = [delivery for delivery in found if delivery.is_in_use]
    others = [delivery for delivery in found if not delivery.is_in_use]
    days = " and ".join(
        f"{f'from {starts_on}' if starts_on else 'from the beginning'} to {ends_on - A_DAY}"
        for starts_on, ends_on in windows
    )
    back = "".join(LOOKS_BACK.get(part, "") for part in with_parts(figure, definitions))
    what = f"{_count(in_use)} with events of {explained.rests_on} {days}"
    names = read_run(explained.release).get("delivered_as", {})
    lines = entry("", f"{what} (a day more than the period on either side{back}).")
    if "logs" not in columns_of(explained.connection, "marts", "deliveries"):
        lines += entry("", "This release does not say of which log their events are.")
    lines += _shortened(in_use, names, has_every_delivery)
    if "chat" in explained.logs:
        beyond = "An appointment made before these days, or a note added after, may lie in another."
        lines += entry("", beyond)
    if others:
        lines += entry("", f"Not in use: {_count(others)} with events of these days.")
        lines += _shortened(others, names, has_every_delivery)
    return lines


def _count(deliveries: list[Delivery]) -> str:
    return f"{len(deliveries)} {'delivery' if len(deliveries) == 1 else 'deliveries'}"


def _shortened(
    deliveries: list[Delivery], names: dict[str, list[str]], has_every_delivery: bool
) -> list[str]:
    lines = [_delivery(delivery, names) for delivery in deliveries]
    if has_every_delivery or len(lines) <= MANY:
        return lines
    left_out = len(lines) - 2 * AT_EACH_END
    return [
        *lines[:AT_EACH_END],
        f"  … {left_out} more, listed with --all",
        *lines[-AT_EACH_END:],
    ]


def _delivery(delivery: Delivery, names: dict[str, list[str]]) -> str:
    files = ", ".join(names.get(delivery.delivery_id, ["file name unknown"]))
    return (
        f"  {files}  delivery {delivery.delivery_id}  {delivery.status}, {delivery.events} events"
    )


def _tell_gates(explained: Explained) -> list[str]:
    lines = []
    for gate, outcome in explained.manifest["gates"].items():
        expectations = outcome["expectations"]
        broken = [one for one in expectations if not one["success"]]
        held = len(expectations) - len(broken)
        passed = "passed" if outcome["passed"] else "not passed"
        lines += entry(gate, f"{passed}: {held} of {len(expectations)} expectations held")
        for one in broken:
            counts = f"not so for {one['broken']} of {one['checked']}"
            lines += entry(" ", f"{one['severity']}, {counts}: {one['says']}")
    return lines
