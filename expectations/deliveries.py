"""The first gate: is each delivery fit to transform?

A delivery that is not is quarantined in the ledger and the others go through. Unusual volumes,
exclusions that find too little, files that are no logs, and what looks like no visitor only warn.
Every night judges all that nobody decided on anew, so that what was mended goes through. To add an
expectation, add it to `SUITE`, and plant a defect for it in tests/test_expectations_deliveries.py.
"""

from __future__ import annotations

import logging

import duckdb
import great_expectations.expectations as gxe
import pandas as pd
from great_expectations.expectations.row_conditions import Column

from expectations import contacts
from expectations.contacts import MOST_CONTACTS_OF_ONE, MOST_PERCENT_OF_MONTH, MOST_TIMES_ON_END
from expectations.outcome import WARNING, Finding, Outcome
from expectations.pages import write_pages
from expectations.validation import named, validate
from ingest.deliveries import quarantine
from ingest.quarantine import (
    FEWEST_LINES_OF_MANY,
    FEWEST_LINES_UNREADABLE,
    MOST_LINES_LOST,
    MOST_PERCENT_LOST,
    MOST_PERCENT_LOST_OF_MANY,
)
from ingest.reasons import NOT_LOST
from ingest.warehouse import open_warehouse, transaction
from ingest.wording import printable
from ingest.workspace import Workspace
from publish.identity import input_id
from publish.public_months import store_public_months

log = logging.getLogger("chatcijfers.expectations")

# A count varies by about its own square root, so square roots of counts vary by 0.5, whatever is
# usual (one standard deviation; Anscombe 1948). Those of the simulated days vary by 0.8; 4 is five
# times that, and 6 of their 2,191 days go beyond: none where 16 events are usual, 101 where 36 are.
MOST_ROOTS_FROM_USUAL = 4
# What is usual is the median of this many days on the same weekday before; nothing is with fewer
# than half of them.
DAYS_OF_USUAL = 8
# Both must be exceeded: what is rare may well come three times as often as somebody expected.
MOST_TIMES_EXPECTED = 2
MOST_FROM_EXPECTED = 100
LISTED_QUARANTINES = 10

DELIVERIES = """
with reasons as (
    select
        delivery_id,
        string_agg(reason || ' ' || lines, ', ' order by lines desc, reason)
            filter (not list_contains($not_lost, reason)) as reasons,
        sum(lines) filter (list_contains($not_lost, reason)) as lines_not_lost
    from (select delivery_id, reason, count(*) as lines from raw.rejects group by all)
    group by delivery_id
),
counted as (
    select
        keyed_id as delivery_id,
        file,
        status,
        events,
        cast(rejects - coalesce(lines_not_lost, 0) as bigint) as lost_lines,
        events + lost_lines as written_lines,
        cast(events + coalesce(lines_not_lost, 0) as bigint) as readable_lines,
        coalesce(reasons, '') as reasons
    from raw.deliveries
    left join reasons using (delivery_id)
    where status in ('loaded', 'quarantined')
)
select
    * exclude (reasons),
    100.0 * lost_lines / nullif(written_lines, 0) as percent_lost,
    reasons
from counted
order by delivery_id
"""

DAYS = """
with located as (
    select
        if(event_type = 'helpline.button.clicked', 'button', 'chat') as log,
        cast((occurred_at at time zone 'UTC') at time zone settings.timezone as date) as local_date
    from raw.events
    cross join raw.settings
    inner join raw.deliveries using (delivery_id)
    where
        event_type <> 'helpline.log.covered'
        and deliveries.status in ('loaded', 'accepted')
),
-- Of years that have retired only what reaches into the next one is left.
counted as (
    select log, local_date, count(*) as events
    from located
    where local_date > (
        select coalesce(make_date(max(year), 12, 31), '-infinity'::date)
        from raw.closings
        where events_deleted
    )
    group by all
),
spans as (
    select
        log,
        cast(unnest(generate_series(min(local_date), max(local_date), interval 1 day)) as date)
            as local_date
    from counted
    group by log
),
daily as (
    select log, local_date, coalesce(events, 0) as events
    from spans
    left join counted using (log, local_date)
),
compared as (
    select
        *,
        median(events) over earlier as usual_events,
        count(*) over earlier as earlier_days
    from daily
    window earlier as (
        partition by log, isodow(local_date)
        order by local_date
        rows between $days preceding and 1 preceding
    )
)
select
    log,
    strftime(local_date, '%Y-%m-%d') as local_date,
    events,
    usual_events,
    abs(sqrt(events) - sqrt(usual_events)) as roots_from_usual
from compared
where 2 * earlier_days >= $days
order by log, local_date desc
"""

# What each exclusion takes out, delivery by delivery as they came: of every event its own time and
# field, without the rest of its session. A copy counts once, where it came first. An exclusion that
# finds nothing has one row without a delivery. Needs `matched_events`.
EXCLUSIONS = """
with sought as (
    select
        *,
        greatest($times * expected_events, expected_events + $margin) as most_events,
        least(expected_events / $times, expected_events - $margin) as fewest_events
    from raw.exclusions
),
ordered as (
    select *, row_number() over (order by loaded_at, delivery_id) as position
    from raw.deliveries
    where status <> 'withdrawn'
),
located as (
    select matched_events.exclusion, matched_events.event_id, ordered.position
    from matched_events
    inner join ordered using (delivery_id)
),
counted as (
    select exclusion, position, count(*) as lines
    from located
    group by exclusion, position
),
added as (
    select exclusion, position, count(*) as first_events
    from (
        select exclusion, event_id, min(position) as position
        from located
        group by exclusion, event_id
    )
    group by exclusion, position
),
cumulated as (
    select
        exclusion,
        position,
        lines as delivered_lines,
        sum(coalesce(first_events, 0)) over (
            partition by exclusion order by position
        ) as taken_out
    from counted
    left join added using (exclusion, position)
),
ends as (
    select max(greatest(occurred_at, coalesce(ends_at, occurred_at))) as known_until
    from raw.events
    where
        exists (select exclusion from raw.exclusions)
        and delivery_id not in (select delivery_id from raw.deliveries where status = 'withdrawn')
)
select
    sought.exclusion,
    sought.expected_events,
    ordered.keyed_id as delivery_id,
    ordered.file,
    ordered.status,
    coalesce(cumulated.delivered_lines, 0) as lines,
    cast(coalesce(cumulated.taken_out, 0) as bigint) as found_events,
    found_events - sought.most_events as events_too_many,
    sought.fewest_events - found_events as events_too_few,
    -- What an exclusion took out of years that have retired is not there to be counted.
    coalesce(sought.ends_at <= ends.known_until, false)
    and coalesce(
        coalesce(sought.starts_at, '-infinity') >= retired.ended_on + interval 1 day, true
    ) as has_ended
from sought
cross join ends
cross join (
    select make_date(max(year) + 1, 1, 1) as ended_on
    from raw.closings
    where events_deleted
) as retired
left join cumulated using (exclusion)
left join ordered using (position)
order by sought.exclusion, cumulated.position
"""

REFUSALS = "select file, reason from raw.refusals order by file, reason"
PASSED_OVER = "select file, reason from raw.passed_over order by file, reason"
QUARANTINED = """
select file, keyed_id, coalesce(status_reason, 'no reason was noted') as because
from raw.deliveries
where status = 'quarantined'
order by file, keyed_id
"""

SHOWN = {
    "deliveries": [
        "delivery_id",
        "file",
        "status",
        "written_lines",
        "events",
        "lost_lines",
        "reasons",
    ],
    "excluding_deliveries": [
        "delivery_id",
        "file",
        "status",
        "exclusion",
        "lines",
        "found_events",
        "expected_events",
    ],
    "ended_exclusions": ["exclusion", "found_events", "expected_events"],
    "days": ["log", "local_date", "events", "usual_events"],
    "visitors": [
        "month",
        "visitor_id",
        "contact_events",
        "month_events",
        "percent_of_month",
        "events",
    ],
    "beats": ["visitor_id", "page", "times", "gap_seconds", "starts_at", "ends_at", "events"],
    "refusals": ["file", "reason"],
    "passed_over": ["file", "reason"],
}

SUITE = {
    "deliveries": [
        named(
            gxe.ExpectColumnValuesToBeBetween,
            "something_is_readable",
            f"Every delivery of at least {FEWEST_LINES_UNREADABLE} lines holds at least one that "
            "can be read.",
            column="readable_lines",
            min_value=1,
            row_condition=Column("written_lines") >= FEWEST_LINES_UNREADABLE,
        ),
        named(
            gxe.ExpectColumnValuesToBeBetween,
            "more_lines_are_kept_than_lost",
            f"No delivery of at least {FEWEST_LINES_OF_MANY} lines loses more than half of them.",
            column="percent_lost",
            max_value=MOST_PERCENT_LOST_OF_MANY,
            row_condition=Column("written_lines") >= FEWEST_LINES_OF_MANY,
        ),
        named(
            gxe.ExpectColumnValuesToBeBetween,
            "few_lines_are_lost",
            f"No delivery loses more than {MOST_PERCENT_LOST} % and more than {MOST_LINES_LOST} "
            "of its lines.",
            column="percent_lost",
            max_value=MOST_PERCENT_LOST,
            row_condition=Column("lost_lines") > MOST_LINES_LOST,
        ),
    ],
    "excluding_deliveries": [
        named(
            gxe.ExpectColumnValuesToBeBetween,
            "exclusions_take_out_what_was_expected",
            f"No exclusion takes out more than {MOST_TIMES_EXPECTED} times the events that were "
            f"expected and more than {MOST_FROM_EXPECTED} above them.",
            column="events_too_many",
            max_value=0,
        ),
    ],
    "ended_exclusions": [
        named(
            gxe.ExpectColumnValuesToBeBetween,
            "exclusions_find_their_events",
            "No exclusion that has ended took out fewer than half of the events that were expected "
            f"and more than {MOST_FROM_EXPECTED} below them.",
            column="events_too_few",
            max_value=0,
            severity=WARNING,
        ),
    ],
    "days": [
        named(
            gxe.ExpectColumnValuesToBeBetween,
            "volumes_are_usual",
            "The events of a log on a day are near what is usual on that weekday.",
            column="roots_from_usual",
            max_value=MOST_ROOTS_FROM_USUAL,
            severity=WARNING,
        ),
    ],
    "visitors": [
        named(
            gxe.ExpectColumnValuesToBeBetween,
            "no_visitor_carries_a_month",
            "No visitor makes more than a fifth of the clicks and chat requests of a month and "
            f"more than {MOST_CONTACTS_OF_ONE}.",
            column="percent_of_month",
            max_value=MOST_PERCENT_OF_MONTH,
            row_condition=Column("contact_events") > MOST_CONTACTS_OF_ONE,
            severity=WARNING,
        ),
    ],
    "beats": [
        named(
            gxe.ExpectColumnValuesToBeBetween,
            "nothing_beats_like_a_clock",
            "The clicks and chat requests of one visitor, or without one, do not follow each other "
            f"with the same gap more than {MOST_TIMES_ON_END} times on end.",
            column="times",
            max_value=MOST_TIMES_ON_END,
            severity=WARNING,
        ),
    ],
    "refusals": [
        gxe.ExpectColumnValuesToBeNull(
            column="reason",
            severity=WARNING,
            description="No delivered file was refused as damaged.",
            meta={"name": "no_file_is_refused", "is_about_inputs": False},
        ),
    ],
    "passed_over": [
        gxe.ExpectColumnValuesToBeNull(
            column="reason",
            severity=WARNING,
            description="No file among the logs was passed over as no log.",
            meta={"name": "no_file_is_passed_over", "is_about_inputs": False},
        ),
    ],
}


def judge(workspace: Workspace) -> Outcome:
    """Judge every delivery that nobody decided on yet, and quarantine those that are not fit.

    A quarantined delivery keeps its row in the ledger; its events stay out of the figures until it
    is judged fit, or somebody accepts it. The outcome is kept in gates/deliveries.json. Raises
    Problem if there is no warehouse; what is wrong with a delivery is never an error.
    """
    with open_warehouse(workspace.warehouse) as connection:
        connection.execute("use warehouse")
        with transaction(connection):
            store_public_months(connection, workspace)
            outcome = _judge(connection)
        connection.execute("use memory")
    write_pages(outcome, workspace.gates)
    outcome.write(workspace.gates)
    return outcome


def _judge(connection: duckdb.DuckDBPyConnection) -> Outcome:
    deliveries = connection.execute(DELIVERIES, {"not_lost": list(NOT_LOST)}).df()
    contacts.prepare(connection)
    found = _found(connection)
    # Judged is what nobody has decided on; what was accepted still counts for an exclusion.
    fitness = {
        "deliveries": deliveries,
        "excluding_deliveries": found[found["status"].isin(["loaded", "quarantined"])],
    }
    unfit = validate(fitness, {name: SUITE[name] for name in fitness}, SHOWN, examples=None)
    quarantine(connection, _reasons(unfit))
    # What was quarantined counts for no day.
    frames = {
        "days": connection.execute(DAYS, {"days": DAYS_OF_USUAL}).df(),
        "ended_exclusions": found.drop_duplicates("exclusion", keep="last").query("has_ended"),
        **contacts.look_at_contacts(connection),
        "refusals": connection.sql(REFUSALS).df(),
        "passed_over": connection.sql(PASSED_OVER).df(),
    }
    warnings = validate(frames, {name: SUITE[name] for name in frames}, SHOWN)
    for finding in warnings:
        _say_what_to_do(finding)
    _report(len(deliveries), connection.execute(QUARANTINED).fetchall(), warnings)
    return Outcome(
        gate="deliveries", input=input_id(connection), passed=True, findings=unfit + warnings
    )


def _found(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    limits = {"times": MOST_TIMES_EXPECTED, "margin": MOST_FROM_EXPECTED}
    return connection.execute(EXCLUSIONS, limits).df().reset_index(drop=True)


def _reasons(unfit: list[Finding]) -> dict[str, str]:
    """Give the reason of each delivery that is not fit, by its id; it is put into the finding."""
    reasons: dict[str, str] = {}
    for finding in unfit:
        for delivery in finding.examples:
            delivery["status"] = "quarantined"
            delivery["because"] = describe(finding.name, delivery)
            reasons.setdefault(delivery["delivery_id"], delivery["because"])
    return reasons


def describe(name: str, delivery: dict) -> str:
    """Say in plain words why a delivery was quarantined, and what would mend it."""
    if name == "exclusions_take_out_what_was_expected":
        return (
            f"with this delivery, which holds {delivery['lines']} such lines, the exclusion "
            f"{delivery['exclusion']} has taken out {delivery['found_events']} events where "
            f"{delivery['expected_events']} were expected; mend exclusions.csv and it goes through "
            "the next night, or accept it as it is"
        )
    remedy = (
        f"`python -m ingest rejects {delivery['delivery_id']}` says in which lines; deliver it "
        "again, sound, and withdraw this one, or accept it as it is"
    )
    if name == "something_is_readable":
        return (
            f"none of its {delivery['written_lines']} lines could be read: {delivery['reasons']}; "
            f"{remedy}"
        )
    share = 100 * delivery["lost_lines"] / delivery["written_lines"]
    limit = {
        "more_lines_are_kept_than_lost": f"more than half of {FEWEST_LINES_OF_MANY} or more lines",
        "few_lines_are_lost": f"more than {MOST_PERCENT_LOST} % and more than {MOST_LINES_LOST}",
    }[name]
    return (
        f"{delivery['lost_lines']} of its {delivery['written_lines']} lines ({share:.2f} %) are "
        f"lost: {delivery['reasons']}; {limit} is too many; {remedy}"
    )


def _say_what_to_do(warning: Finding) -> None:
    """Put into the examples of a warning what they mean, where a person can do something."""
    tell = {
        "no_visitor_carries_a_month": contacts.describe_visitor,
        "nothing_beats_like_a_clock": contacts.describe_beat,
    }.get(warning.name)
    if tell:
        for example in warning.examples:
            example["because"] = tell(example)


def _report(judged: int, quarantined: list[tuple[str, str, str]], warnings: list[Finding]) -> None:
    """Log the verdict; `quarantined` are file, keyed id and reason of each delivery kept out."""
    log.info(
        "Deliveries judged: %d, of which %d are fit and %d quarantined.",
        judged,
        judged - len(quarantined),
        len(quarantined),
    )
    for file, keyed_id, because in quarantined[:LISTED_QUARANTINES]:
        log.warning(
            "Quarantined %s (%s): %s. "
            "Decide with `python -m ingest accept|withdraw %s --reason …`.",
            printable(file),
            keyed_id,
            because,
            keyed_id,
        )
    if len(quarantined) > LISTED_QUARANTINES:
        log.warning(
            "… and %d more that are quarantined: `python -m ingest deliveries` lists them all.",
            len(quarantined) - LISTED_QUARANTINES,
        )
    for finding in warnings:
        if not finding.success:
            log.warning("%s", describe_warning(finding))


def describe_warning(finding: Finding) -> str:
    """Say how often an expectation was broken, with a few examples; what to do has its own lines.

    So a line of exclusions.csv ends where its own line ends, and can be copied.
    """
    remedies = [example["because"] for example in finding.examples if "because" in example]
    if remedies:
        more = finding.broken - len(remedies)
        return "\n  ".join(
            [
                f'Only a warning: "{finding.says}" does not hold:',
                *remedies,
                *([f"… and {more} more"] if more else []),
            ]
        )
    examples = "; ".join(_describe(example) for example in finding.examples)
    return (
        f'Only a warning: "{finding.says}" does not hold for {finding.broken} of '
        f"{finding.checked}, such as {examples}."
    )


def _describe(example: dict) -> str:
    texts = [value for value in example.values() if isinstance(value, str)]
    numbers = [f"{name} {value}" for name, value in example.items() if value not in texts]
    told = " ".join(map(printable, texts))
    return told + (f" ({', '.join(numbers)})" if numbers else "")
