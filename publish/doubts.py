"""Why a figure of a release is provisional, and what its logs lack where it is final."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from publish.explained import Explained, entry
from publish.lineage import A_DAY
from publish.months import accepted_line, spans, stretches
from publish.notes import read_run

LOST_LINES = "lost_lines"
USED_TWICE = "id_used_twice"
LISTED = 8
# Why a log's month is provisional: a label, what it means, and what mends it.
REASONS = {
    LOST_LINES: ("lost lines", "more is lost than is tolerated", ""),
    "unreadable_file": (
        "damaged file",
        "a file that may be about these days could not be read",
        "`python -m ingest deliveries` names it. Deliver it again, sound, or withdraw it.",
    ),
    "quarantined_delivery": (
        "kept out",
        "a delivery with these days did not pass the first gate",
        "`python -m ingest deliveries` names it. Deliver it again, sound; or accept or withdraw it "
        "(`python -m ingest accept|withdraw ID --reason WHY`).",
    ),
    "declared_gap": (
        "declared gap",
        "data_gaps.csv says that something is missing",
        "Deliver it, and remove the line.",
    ),
    "empty_month": (
        "no event",
        "the log is declared whole and holds no event",
        "Deliver what is missing; if nothing happened, say so in accepted.csv: {accepted}",
    ),
    "not_covered": ("not covered", "a day was not delivered", "Deliver it."),
    "not_settled": (
        "not settled",
        "the log does not reach {settling_days} days past the end",
        "Later logs will.",
    ),
}


@dataclass(frozen=True)
class LogMonth:
    """One log in one month, as the release has it."""

    log: str
    month: str
    kept_events: int
    lost_lines: int
    accepted_lines: int
    because: tuple[str, ...]


def tell_doubts(explained: Explained, windows: Iterable[tuple[date, date]]) -> list[str]:
    """Tell what the logs of a figure lack in some stretches of days, the last one not included.

    Nothing if they lack nothing, or if the release was made before releases kept it.
    """
    windows = [(f"{first:%Y-%m}", f"{after - A_DAY:%Y-%m}") for first, after in windows]
    found = [
        LogMonth(*row[:-1], tuple(row[-1].split()))
        for row in explained.read(
            "marts.log_months",
            "select log, month, kept_events, lost_lines, accepted_lines, coalesce(because, '')"
            " from {table} order by log, month",
        )
        if row[0] in explained.logs and any(first <= row[1] <= last for first, last in windows)
    ]
    lines = []
    for code in REASONS:
        lines += _tell_reason(explained, code, [one for one in found if code in one.because])
    return lines + _tell_tolerated([one for one in found if LOST_LINES not in one.because])


def _tell_reason(explained: Explained, code: str, found: list[LogMonth]) -> list[str]:
    if not found:
        return []
    label, says, remedy = REASONS[code]
    settling_days = explained.manifest["settings"]["settling_days"]
    what = f"{_where(found)}: {says.format(settling_days=settling_days)}"
    if code == LOST_LINES:
        return [*entry(label, what), *_tell_lost(explained, found)]
    accepted = " and ".join(_accepted(found, of=lambda _one: 0))
    return [*entry(label, what), *entry("remedy", remedy.format(accepted=accepted))]


def _tell_lost(explained: Explained, found: list[LogMonth]) -> list[str]:
    """Tell the lost lines of months that have too many, by type and reason, and whence."""
    over = {(one.log, one.month) for one in found}
    by_kind, by_delivery, since = Counter(), Counter(), {}
    for log, month, event_type, reason, delivery, lost, first_on in explained.read(
        "marts.losses",
        "select log, month, event_type, reason, delivery_id, lost_lines - accepted_lines, first_on"
        " from {table} order by first_on nulls last, event_type, reason, delivery_id",
    ):
        if (log, month) in over and lost:
            by_kind[event_type, reason] += lost
            by_delivery[delivery] += lost
            since.setdefault((event_type, reason), first_on)
    total = by_kind.total()
    lines = entry("", f"{total:,} of {total + sum(one.kept_events for one in found):,} lines:")
    for (event_type, reason), lost in by_kind.most_common():
        whose = f" of {event_type}" if event_type else ""
        lines += entry("", f"{lost:,}{whose}, {reason}, since {since[event_type, reason]}")
    names = read_run(explained.release).get("delivered_as", {})
    for delivery, lost in by_delivery.most_common(LISTED):
        files = ", ".join(names.get(delivery, ["file name unknown"]))
        lines.append(f"    {files}  delivery {delivery}  {lost:,} lines")
    if len(by_delivery) > LISTED:
        lines.append(f"    … {len(by_delivery) - LISTED} more deliveries")
    return lines + entry("remedy", _remedy(found, by_kind, by_delivery))


def _remedy(found: list[LogMonth], by_kind: Counter, by_delivery: Counter) -> str:
    advice = []
    if any(reason != USED_TWICE for _, reason in by_kind):
        [(worst, _)] = by_delivery.most_common(1)
        advice.append(f"`python -m ingest rejects {worst}` shows which lines.")
    if any(reason == USED_TWICE for _, reason in by_kind):
        advice.append("Every event needs an id that no other event of its source has.")
    accepted = " and ".join(_accepted(found, of=lambda one: one.lost_lines))
    advice.append(
        "Have them delivered again, sound; or take the loss as it is, in the helpline's "
        f"accepted.csv: {accepted}"
    )
    return " ".join(advice)


def _tell_tolerated(found: list[LogMonth]) -> list[str]:
    lines = []
    for one in found:
        if one.lost_lines:
            said = f"{one.log} {one.month}: {one.lost_lines:,} of {_all(one):,} lines lost"
            lines += entry("tolerated", said)
        if one.accepted_lines:
            said = f"{one.log} {one.month}: {one.accepted_lines:,} of {_all(one):,} lines lost"
            lines += entry("accepted", f"{said}, as accepted.csv says")
    return lines


def _all(one: LogMonth) -> int:
    return one.kept_events + one.lost_lines + one.accepted_lines


def _where(found: list[LogMonth]) -> str:
    logs = dict.fromkeys(one.log for one in found)
    return " and ".join(
        f"{log} {spans(one.month for one in found if one.log == log)}" for log in logs
    )


def _accepted(found: list[LogMonth], of) -> list[str]:
    """Give the lines of accepted.csv for months of logs, with as many lines as `of` says."""
    months = {
        log: {one.month: of(one) for one in found if one.log == log}
        for log in dict.fromkeys(one.log for one in found)
    }
    return [
        accepted_line(log, stretch, sum(lost[month] for month in stretch))
        for log, lost in months.items()
        for stretch in stretches(lost)
    ]
