"""What the logs lack: one story, for the end of a run, the health check and announcements.

It is read from the warehouse: what the last pull found, and what the models made of it. Before the
models were ever built, only the raw tables tell. What is said holds no content of a log; names of
files and what lines look like are `details`, which only a terminal shows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from ingest.reasons import NOT_LOST, REASONS
from ingest.shapes import describe
from ingest.warehouse import open_warehouse, run
from ingest.wording import counted, printable
from operations.findings import Finding, digest
from publish.doubts import USED_TWICE
from publish.months import TO_FILL_IN, accepted_line, spans, stretches

LOGS = ("button", "chat")
NOTHING_READ = "nothing_read"
# Every kind of finding in here: what only the warehouse says.
KINDS = (
    NOTHING_READ,
    "missing_log",
    "lost_lines",
    "empty_months",
    "void_acceptance",
    "damaged",
    "quarantined",
    "public_in_doubt",
    "passed_over",
)
# Fewer lost lines than this never make a month provisional.
LEAST_LOST = 3
LISTED = 20
A_DAY = timedelta(days=1)
NAMED = 5
EXPECTED = (
    "Expected is one JSON object a line, with specversion, id, source, type, time and data, as "
    "docs/events.md shows."
)


@dataclass(frozen=True)
class Lack:
    """Something that the logs lack, and what only a terminal may show of it: names of files."""

    finding: Finding
    details: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Say all of it, as lines under each other."""
        more = len(self.details) - LISTED
        details = [f"    {detail}" for detail in self.details[:LISTED]]
        if more > 0:
            details.append(f"    … and {more:,} more")
        return "\n".join([f"- {self.finding.what}", *details, f"  {self.finding.remedy}"])


@dataclass(frozen=True)
class Story:
    """What a warehouse says that the logs lack, the worst first, and what came in at all."""

    lacks: tuple[Lack, ...]
    files: int
    lines: int
    lost: int
    accepted: int
    last_loaded_at: datetime | None

    @property
    def findings(self) -> list[Finding]:
        """What needs a person, without what only a terminal may show."""
        return [lack.finding for lack in self.lacks]

    @property
    def is_nothing_read(self) -> bool:
        """Whether there is nothing to count at all, though something was delivered."""
        return any(lack.finding.kind == NOTHING_READ for lack in self.lacks)

    def without(self, kind: str) -> Story:
        """Give the story without a kind of finding, which is told elsewhere."""
        return replace(self, lacks=tuple(one for one in self.lacks if one.finding.kind != kind))

    def __str__(self) -> str:
        """Say it: one line if all is well."""
        if self.lacks:
            found = counted(len(self.lacks), "thing")
            return "\n".join([f"Not all is well with the logs: {found} to look at.", *self._told()])
        lost = [
            f"{counted(self.lost, 'line')} lost, within what is tolerated" * bool(self.lost),
            f"{counted(self.accepted, 'lost line')} accepted" * bool(self.accepted),
        ]
        said = "; ".join(filter(None, lost)) or "nothing lost"
        read = f"{counted(self.files, 'file')}, {counted(self.lines, 'line')} read"
        return f"All is well: {read}, {said}."

    def _told(self) -> list[str]:
        return [str(lack) for lack in self.lacks]


def read_story(warehouse: Path, data: Path) -> Story:
    """Read the story of a warehouse; `data` is its state folder, for the commands that it names.

    The caller has the state folder. Raises Problem if the warehouse is missing or of an earlier
    version, and Withheld if it cannot be read.
    """
    with open_warehouse(warehouse, read_only=True) as connection:
        return tell(connection, data)


def tell(connection, data: Path) -> Story:
    """Read the story from an open warehouse, which is attached under the name `warehouse`."""
    teller = _Teller(connection, data)
    lacks = [lack for look in teller.looks() for lack in look]
    [(files, lines, loaded_at)] = run(
        connection,
        "select count(*), coalesce(sum(lines), 0), max(loaded_at) from warehouse.raw.deliveries",
    )
    lost, accepted = teller.count_lost()
    return Story(tuple(lacks), files, int(lines), lost, accepted, loaded_at)


class _Teller:
    """Looks at an open warehouse for each kind of lack."""

    def __init__(self, connection, data: Path) -> None:
        self._connection = connection
        self._data = data
        self._tables = {
            f"{schema}.{table}"
            for schema, table in run(
                connection,
                "select schema_name, table_name from duckdb_tables()"
                " where database_name = 'warehouse'"
                " union all select schema_name, view_name from duckdb_views()"
                " where database_name = 'warehouse'",
            )
        }
        self._is_modelled = {"marts.losses", "marts.log_months"} <= self._tables
        self._months = self._read_months()

    def looks(self) -> Iterator[Iterable[Lack]]:
        nothing = list(self._nothing_read())
        yield nothing
        if not nothing:
            yield self._missing_logs()
        yield self._lost_lines() if self._is_modelled else self._lines_set_aside()
        yield self._empty_months()
        yield self._void_acceptances()
        yield self._damaged()
        yield self._quarantined(has_shapes=not nothing)
        yield self._public_in_doubt()
        yield self._passed_over()

    def count_lost(self) -> tuple[int, int]:
        """Count lost lines, those that are accepted not among them, and the accepted ones."""
        if not self._is_modelled:
            return self._count("warehouse.raw.rejects", f"reason not in {NOT_LOST}"), 0
        # A line of which nobody knows the type is lost to each of its delivery's logs.
        [(lost, accepted)] = self._run(
            """
            select coalesce(sum(lost - accepted), 0), coalesce(sum(accepted), 0)
            from (
                select max(lost_lines) as lost, max(accepted_lines) as accepted
                from warehouse.marts.losses
                group by month, event_type, reason, delivery_id
            )
            """
        )
        return int(lost), int(accepted)

    # --- what is not there at all

    def _nothing_read(self) -> Iterator[Lack]:
        """Say what the lines look like if not one of them is an event that counts."""
        [(deliveries, lines, events, worst)] = self._run(
            """
            select
                count(*),
                coalesce(sum(lines), 0),
                coalesce(sum(events) filter (where status in ('loaded', 'accepted')), 0),
                arg_max(keyed_id, rejects)
            from warehouse.raw.deliveries
            where status <> 'withdrawn'
            """
        )
        if not lines or events:
            return
        yield Lack(
            _finding(
                NOTHING_READ,
                ["nothing"],
                f"Not one event counts of what was delivered: {counted(deliveries, 'file')} with "
                f"{counted(int(lines), 'line')}, all set aside or kept out by the first gate.",
                f"{EXPECTED} {self._which('why lines are set aside', f'rejects {worst}')}.",
            ),
            tuple(self._shapes()),
        )

    def _shapes(self) -> list[str]:
        """Say what lines look like of which nothing could be read: known names, and no value."""
        return describe(
            self._run(
                "select field, kind, sum(lines)::bigint as lines from warehouse.raw.shapes"
                " group by field, kind order by lines desc, field, kind"
            )
        )

    def _missing_logs(self) -> Iterator[Lack]:
        """Say which figures a log costs that was never delivered, and which line mends it."""
        if not self._count("warehouse.raw.deliveries"):
            return
        delivered = {
            log
            for (log,) in self._run(
                """
                select distinct
                    case event_type
                        when 'helpline.button.clicked' then 'button'
                        when 'helpline.log.covered' then log
                        else 'chat'
                    end
                from warehouse.raw.events
                where
                    delivery_id in (
                        select delivery_id
                        from warehouse.raw.deliveries
                        where status in ('loaded', 'accepted')
                    )
                """
            )
        }
        delivered |= {log for log, *_ in self._months}
        for log in LOGS:
            if log not in delivered:
                yield Lack(
                    _finding(
                        "missing_log",
                        [log],
                        f"The log `{log}` was never delivered: {self._costs(log)}",
                        "Deliver it. If there was nothing to log, say so with a line such as this "
                        f"in a file among the logs: {self._covered(log)}",
                    )
                )

    def _costs(self, log: str) -> str:
        if "figures.figure_definitions" not in self._tables:
            return "no figure that rests on it has a value."
        figures = [
            figure
            for (figure,) in self._run(
                "select figure from warehouse.figures.figure_definitions"
                " where basis in ($1, 'both') order by figure",
                log,
            )
        ]
        more = f" and {len(figures) - NAMED} more" if len(figures) > NAMED else ""
        return (
            f"{counted(len(figures), 'figure')} that rest on it have no value "
            f"({', '.join(figures[:NAMED])}{more})."
        )

    def _covered(self, log: str) -> str:
        """Give the statement that a log is whole for as long as the other one tells, as a line."""
        settings = self._run("select starts_on, timezone from warehouse.raw.settings")
        [(starts_on, timezone)] = settings or [(date(2022, 1, 1), "UTC")]
        [(last_at,)] = self._run("select max(occurred_at) from warehouse.raw.events")
        ends_on = max(last_at.date() if last_at else starts_on, starts_on + A_DAY)
        starts_at, ends_at = (
            datetime.combine(day, time(), ZoneInfo(timezone)).isoformat()
            for day in (starts_on, ends_on)
        )
        return (
            f'{{"specversion":"1.0","id":"covered-{log}-{ends_on}","source":"/{log}",'
            f'"type":"helpline.log.covered","time":"{ends_at}","data":{{"log":"{log}",'
            f'"starts_at":"{starts_at}","ends_at":"{ends_at}"}}}}'
        )

    # --- lines

    def _lost_lines(self) -> Iterator[Lack]:
        """Say of each log how many lines more than is tolerated are lost, by type and reason."""
        rows = self._run(
            """
            select
                losses.log,
                losses.month,
                losses.event_type,
                losses.reason,
                losses.delivery_id,
                losses.lost_lines - losses.accepted_lines as lines,
                losses.first_on
            from warehouse.marts.losses as losses
            left join warehouse.marts.log_months as log_months using (log, month)
            where
                (log_months.is_over_tolerance or losses.month = '')
                and losses.lost_lines > losses.accepted_lines
            order by lines desc, losses.event_type, losses.reason, losses.month, losses.delivery_id
            """
        )
        for log in LOGS:
            lost = [row[1:] for row in rows if row[0] == log]
            if sum(row[4] for row in lost) >= LEAST_LOST:
                yield self._lost_lines_of(log, lost)

    def _lost_lines_of(self, log: str, lost: list[tuple]) -> Lack:
        by_month, by_kind, by_delivery = Counter(), Counter(), Counter()
        since: dict[tuple[str, str], date | None] = {}
        for month, event_type, reason, delivery_id, lines, first_on in lost:
            kind = event_type, reason
            by_month[month] += lines
            by_kind[kind] += lines
            by_delivery[delivery_id] += lines
            since[kind] = min(filter(None, (since.get(kind), first_on)), default=None)
        dated = sorted(filter(None, by_month))
        kept = sum(self._kept(log, month) for month in dated)
        where = f"in {spans(dated)}, and figures of then are provisional" if dated else "of no date"
        kinds = [self._kind(*kind, lines, since[kind]) for kind, lines in by_kind.most_common()]
        parts = {f"{log} {month} {event_type} {reason}" for month, event_type, reason, *_ in lost}
        reasons = {reason for _, reason in by_kind}
        return Lack(
            _finding(
                "lost_lines",
                parts,
                f"The log `{log}` lost {by_month.total():,} of "
                f"{counted(kept + by_month.total(), 'line')} {where}: {'; '.join(kinds)}.",
                " ".join(self._remedies(log, by_month, reasons, by_delivery)),
            ),
            self._files(by_delivery),
        )

    def _remedies(
        self, log: str, by_month: Counter, reasons: set[str], by_delivery: Counter
    ) -> Iterator[str]:
        [(worst, _)] = by_delivery.most_common(1)
        if reasons - {USED_TWICE}:
            which = self._which("which lines", f"rejects {worst}")
            yield f"{which}; docs/events.md says what each reason means."
        if USED_TWICE in reasons:
            yield "Every event needs an id that no other event of its source has."
        yield "Have them delivered again, sound."
        accepted = [
            accepted_line(log, stretch, sum(by_month[month] for month in stretch))
            for stretch in stretches(filter(None, by_month))
        ]
        if accepted:
            lines = " and ".join(accepted)
            yield f"Or take the loss as it is, in the helpline's accepted.csv: {lines}"

    def _kind(self, event_type: str, reason: str, lines: int, since: date | None) -> str:
        """Say one kind of loss: how many lines of which type, why, since when."""
        whose = f" of {event_type}" if event_type else ""
        since_when = f", since {since}" if since else ""
        if reason == USED_TWICE:
            share = "shares" if lines == 1 else "share"
            return (
                f"{counted(lines, 'line')}{whose} {share} the ids of others with other content"
                f"{since_when}"
            )
        why = REASONS.get(reason, reason)
        return f"{counted(lines, 'line')}{whose} for {reason} ({why}){since_when}"

    def _lines_set_aside(self) -> Iterator[Lack]:
        """Count the lines that are set aside, while no model has judged what that means."""
        rows = self._run(
            f"""
            select coalesce(rejects.event_type, ''), rejects.reason, count(*), min(local_date)
            from warehouse.raw.rejects as rejects
            inner join warehouse.raw.deliveries as deliveries using (delivery_id)
            where rejects.reason not in {NOT_LOST} and deliveries.status in ('loaded', 'accepted')
            group by all
            order by 3 desc, 1, 2
            """
        )
        lines = sum(row[2] for row in rows)
        if lines < LEAST_LOST:
            return
        kinds = "; ".join(self._kind(*row) for row in rows)
        yield Lack(
            _finding(
                "lost_lines",
                [f"{event_type} {reason}" for event_type, reason, *_ in rows],
                f"{counted(lines, 'line')} could not be read: {kinds}. Which months that makes "
                "provisional is known once the models have been built.",
                f"{self._which('of which deliveries', 'deliveries')}; have them delivered again, "
                "sound.",
            )
        )

    def _empty_months(self) -> Iterator[Lack]:
        """Say in which months a log that is declared whole holds no event at all."""
        for log in LOGS:
            months = self._because(log, "empty_month")
            if months:
                lines = [accepted_line(log, stretch, 0) for stretch in stretches(months)]
                yield Lack(
                    _finding(
                        "empty_months",
                        [f"{log} {month}" for month in months],
                        f"The log `{log}` says that it is whole and holds no event in "
                        f"{spans(months)}: figures of these months are provisional.",
                        "Deliver what is missing, or mend the `helpline.log.covered` that is "
                        "wrong. If nothing happened, say so in the helpline's accepted.csv: "
                        f"{' and '.join(lines)}",
                    )
                )

    def _void_acceptances(self) -> Iterator[Lack]:
        """Say which lines of accepted.csv do not hold any more."""
        if "intermediate.int_losses_accepted" not in self._tables:
            return
        rows = self._run(
            """
            select log, starts_on, ends_on, lost_lines, found_lines
            from warehouse.intermediate.int_losses_accepted
            where not is_valid
            order by log, starts_on, ends_on, lost_lines
            """
        )
        for log, starts_on, ends_on, accepted, lost in rows:
            now = f"{log},{starts_on},{ends_on},{lost},{TO_FILL_IN}"
            why = "that is more" if lost > accepted else "the others came again, sound"
            remedy = (
                f"If what is lost now is to be taken, write {now}" if lost else ("Remove the line.")
            )
            yield Lack(
                _finding(
                    "void_acceptance",
                    [f"{log} {starts_on} {ends_on} {accepted}"],
                    f"accepted.csv takes {counted(accepted, 'lost line')} of the log `{log}` from "
                    f"{starts_on} to {ends_on} as they are; {lost:,} are lost now, {why}: it is "
                    "void.",
                    remedy,
                )
            )

    # --- files

    def _damaged(self) -> Iterator[Lack]:
        rows = self._run("select file, reason from warehouse.raw.refusals order by file")
        if rows:
            yield Lack(
                _finding(
                    "damaged",
                    [file for file, _ in rows],
                    f"{counted(len(rows), 'file')} could not be read, and nothing of "
                    f"{'it' if len(rows) == 1 else 'them'} was loaded"
                    f"{self._provisional('unreadable_file')}.",
                    f"{self._which('which, and why', 'deliveries')}. Deliver again, sound, what "
                    "is named there: it is tried every night. What is not to be read has to leave "
                    "the folder of logs.",
                ),
                tuple(f"{printable(file)}: {printable(reason)}" for file, reason in rows),
            )

    def _quarantined(self, *, has_shapes: bool) -> Iterator[Lack]:
        rows = self._run(
            """
            select keyed_id, file, status_reason
            from warehouse.raw.deliveries
            where status = 'quarantined'
            order by file
            """
        )
        if not rows:
            return
        named = ", ".join(keyed_id for keyed_id, *_ in rows[:NAMED])
        details = [
            f"{printable(file)} ({keyed_id}): {printable(reason or 'no reason is kept')}"
            for keyed_id, file, reason in rows
        ]
        shapes = [f"their lines: {shape}" for shape in self._shapes()] if has_shapes else []
        yield Lack(
            _finding(
                "quarantined",
                [keyed_id for keyed_id, *_ in rows],
                f"{counted(len(rows), 'delivery', 'deliveries')} did not pass the first gate and "
                f"stay out of all figures, which are provisional meanwhile: {named}"
                f"{self._provisional('quarantined_delivery', 'unreadable_file')}.",
                f"{self._which('which, and why', 'deliveries')}. Have them delivered again, sound, "
                f"and take these out: {self._decide('withdraw', rows[0][0])}. What is right after "
                "all, `accept` likewise.",
            ),
            (*details[:LISTED], *shapes),
        )

    def _public_in_doubt(self) -> Iterator[Lack]:
        """Say that months that are public may be wrong: nobody knows what an undated file holds."""
        [(public,)] = self._run("select count(*) from warehouse.raw.public_months")
        [(undated,)] = self._run(
            """
            select
                (select count(*) from warehouse.raw.refusals where starts_on is null)
                + (
                    select count(*)
                    from warehouse.raw.deliveries
                    where
                        status = 'quarantined'
                        and events = 0
                        and lines > blank_lines
                        and delivery_id not in (
                            select delivery_id
                            from warehouse.raw.delivery_files
                            where starts_on is not null
                        )
                )
            """
        )
        if public and undated:
            yield Lack(
                _finding(
                    "public_in_doubt",
                    ["undated"],
                    f"{counted(undated, 'file')} could not be read, and no name says of which "
                    "days: months that are public already may be wrong, and stay as they are.",
                    "Have them delivered again, sound, before the next answer goes out, or take "
                    "them out of the folder of logs and withdraw what was quarantined. "
                    f"{self._which('which', 'deliveries')}.",
                )
            )

    def _passed_over(self) -> Iterator[Lack]:
        rows = self._run("select file, reason from warehouse.raw.passed_over order by file")
        if rows:
            are, they, were = (
                ("is no log", "it holds", "was")
                if len(rows) == 1
                else ("are no logs", "they hold", "were")
            )
            yield Lack(
                _finding(
                    "passed_over",
                    [file for file, _ in rows],
                    f"{counted(len(rows), 'file')} among the logs {are}, by what {they}, and "
                    f"{were} passed over.",
                    f"{self._which('which, and what is in there', 'deliveries')}. Deliver what "
                    "should count as docs/events.md says, and take the others out of the folder "
                    "of logs.",
                ),
                tuple(f"{printable(file)}: {printable(reason)}" for file, reason in rows),
            )

    # --- what all of these ask

    def _run(self, sql: str, *values: object) -> list[tuple]:
        return run(self._connection, sql, list(values))

    def _count(self, table: str, condition: str = "true") -> int:
        [(count,)] = self._run(f"select count(*) from {table} where {condition}")
        return count

    def _read_months(self) -> list[tuple[str, str, int, str]]:
        if not self._is_modelled:
            return []
        return self._run(
            "select log, month, kept_events, coalesce(because, '')"
            " from warehouse.marts.log_months order by log, month"
        )

    def _kept(self, log: str, month: str) -> int:
        return sum(kept for one, when, kept, _ in self._months if (one, when) == (log, month))

    def _because(self, log: str, code: str) -> list[str]:
        """List the months that are provisional for a log for one reason, whatever else is."""
        return [
            month
            for one, month, _, because in self._months
            if one == log and code in because.split()
        ]

    def _provisional(self, *codes: str) -> str:
        """Say which months are provisional for one of some reasons; nothing if there are none."""
        said = [
            f"{spans(months)} of `{log}`"
            for log in LOGS
            if (months := [month for code in codes for month in self._because(log, code)])
        ]
        return f"; for it, figures are provisional in {' and '.join(said)}" if said else ""

    def _files(self, by_delivery: Counter) -> tuple[str, ...]:
        names = dict(self._run("select keyed_id, file from warehouse.raw.deliveries"))
        most = sorted(by_delivery.items(), key=lambda one: (-one[1], names.get(one[0], "")))
        return tuple(
            f"{printable(names.get(delivery, 'a file'))} ({delivery}): {counted(lines, 'line')}"
            for delivery, lines in most
        )

    def _decide(self, how: str, keyed_id: str) -> str:
        return f"`.venv/bin/python -m ingest {how} {keyed_id} --data {self._data} --reason WHY`"

    def _which(self, what: str, command: str) -> str:
        return f"`.venv/bin/python -m ingest {command} --data {self._data}` shows {what}"


def _finding(kind: str, parts: Iterable[str], what: str, remedy: str) -> Finding:
    parts = tuple(sorted(parts))
    return Finding(kind, f"{kind}:{digest(parts)}", False, what, remedy, parts)
