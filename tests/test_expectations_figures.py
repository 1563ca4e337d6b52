"""The second gate: each expectation catches a planted defect that no unrelated one catches."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import duckdb
import pandas as pd
import pytest

from expectations import figures
from expectations.identities import IDENTITIES, compare, judge_identities
from expectations.outcome import Finding, GateFailed, Outcome
from expectations.traces import find_traces
from expectations.validation import validate
from ingest.problem import Problem
from ingest.workspace import Workspace
from publish.contents import open_warehouse
from publish.disclosure.registry import Entry, entries
from tests.test_expectations_clean import change, clean_workspace

MARCH_AND_YEAR = "period in ('2023-03', '2023')"
MAY = "period = '2022-05'"
# A count that is changed is noticed by what is computed from it as well, whatever it is.
COMPUTED = {
    "ratios_follow_from_their_parts",
    "shares_follow_from_their_parts",
    "changes_follow_from_both_years",
    "means_follow_from_their_months",
    "exact_quotients_follow_from_their_parts",
}


@dataclass(frozen=True)
class Defect:
    """SQL that breaks an expectation, and the others that cannot but notice it too."""

    breaks: str
    sql: str
    kin: set[str] = field(default_factory=set)
    severity: str = "critical"


def _where(cell: str, periods: str) -> str:
    figure, breakdown, category = [*cell.split(), "", ""][:3]
    return f"(figure, breakdown, category) = {(figure, breakdown, category)} and {periods}"


def _set(cell: str, value: str, periods: str, breaks: str, kin: set[str] | None = None) -> Defect:
    """Change a count, and its exact value with it."""
    sql = f"""
        update figures.figures
        set value = {value}, numerator = numerator + (({value}) - value) * denominator
        where {_where(cell, periods)}
    """
    return Defect(breaks, sql, kin or set())


def _state(cell: str, value: str, periods: str, breaks: str, kin: set[str] | None = None) -> Defect:
    """Let a row state another quotient than that of its parts."""
    sql = f"""
        update figures.figures
        set value = {value}, numerator = 100 * ({value}), denominator = 100
        where {_where(cell, periods)}
    """
    return Defect(breaks, sql, {"exact_quotients_follow_from_their_parts"} | (kin or set()))


def _empty(cell: str, periods: str, breaks: str, kin: set[str] | None = None) -> Defect:
    """Take the value of a row away, and all that goes with it."""
    sql = f"""
        update figures.figures set value = null, numerator = null, denominator = null
        where {_where(cell, periods)}
    """
    return Defect(breaks, sql, kin or set())


def _update(changes: str, where: str, breaks: str, kin: set[str] | None = None) -> Defect:
    return Defect(breaks, f"update figures.figures set {changes} where {where}", kin or set())


def _copy(figure: str, changes: str, breaks: str, kin: set[str] | None = None) -> Defect:
    """Add a row: the total of a figure in May 2022, with something else about it."""
    sql = f"""
        insert into figures.figures
        select * replace ({changes}) from figures.figures
        where figure = '{figure}' and period = '2022-05' and breakdown = ''
    """
    return Defect(breaks, sql, kin or set())


def _trace(kind: str, text: str, kin: set[str] | None = None) -> Defect:
    sql = f"update raw.closures set reason = 'bel {text} op'"
    return Defect(f"nothing_looks_like_{kind}", sql, kin or set())


ONE_MORE = "value = value + 1, numerator = numerator + denominator"
DEFECTS = [
    # --- rows
    Defect(
        "there_are_figures", "delete from figures.figures", {"periods_are_those_of_the_figures"}
    ),
    _copy("pressers", "unit as unit", "every_cell_is_there_once"),
    _copy(
        "pressers",
        "'phantoms' as figure",
        "figures_are_defined",
        {"no_other_cell_is_there"},
    ),
    _copy("pressers", "'2022-13' as period", "periods_are_years_months_weeks_or_ranges"),
    _update(
        "obs_status = 'M'",
        "figure = 'pressers' and period = '2023'",
        "statuses_are_known",
        {
            "changes_are_as_final_as_both_their_periods",
            "one_status_per_period",
            "years_are_as_final_as_their_months",
        },
    ),
    _set("wait_seconds_median", "-1", MAY, "no_value_is_negative"),
    _state(
        "answer_rate", "100.1", MAY, "shares_are_at_most_100", {"ratios_follow_from_their_parts"}
    ),
    _update(
        "value = 7",
        _where("pressers", "period = '2023-02'"),
        "missing_figures_have_no_value",
        {"values_have_an_exact_quotient"},
    ),
    _empty("attempts_without_visitor", MAY, "counts_have_a_value"),
    # --- within a period
    _update(
        ONE_MORE,
        f"figure = 'out_of_hours_attempts' and category in ('', '3', '20') and {MARCH_AND_YEAR}",
        "attempts_have_one_outcome",
    ),
    _set("open_hours weekday 3", "value + 1", MARCH_AND_YEAR, "times_sum_to_the_period"),
    _update(
        "value = value + if(category = '2-20', 1, -1), "
        "numerator = numerator + if(category = '2-20', 1, -1)",
        f"figure = 'clicks' and category in ('2-20', '3-21') and {MARCH_AND_YEAR}",
        "hours_of_the_week_sum_to_weekdays_and_hours",
    ),
    _set(
        "answered_sessions channel mail",
        "value + 1",
        MARCH_AND_YEAR,
        "channels_sum_to_answered_sessions",
    ),
    _set("callers channel mail_only", "value + 1", MARCH_AND_YEAR, "channels_sum_to_callers"),
    _set("callers gender girl", "value + 1", MAY, "kinds_of_callers_sum_to_callers"),
    _set(
        "scheduled_conversations",
        "value + 1",
        MARCH_AND_YEAR,
        "schedulers_sum_to_scheduled_conversations",
    ),
    _set("referrals", "value + 1", MARCH_AND_YEAR, "referrers_sum_to_referrals"),
    _set("excluded_events", "value + 1", MARCH_AND_YEAR, "exclusions_sum_to_excluded_events"),
    _update(
        ONE_MORE,
        f"figure = 'answered_sessions' and category in ('', 'chat') and {MARCH_AND_YEAR}",
        "conversations_are_answered_chats",
    ),
    _set(
        "answered_sessions",
        "value - 3",
        MARCH_AND_YEAR,
        "conversations_at_most_answered_sessions",
        {"channels_sum_to_answered_sessions"},
    ),
    _state(
        "callers_share_percent gender girl",
        "value + 50",
        MAY,
        "shares_sum_to_at_most_100",
        {"shares_follow_from_their_parts"},
    ),
    # --- between periods
    _set("attempts_without_visitor", "value + 1", MAY, "months_sum_to_years_and_ranges"),
    _set(
        "new_callers",
        "value + 1",
        "period = '2022-01/2022-10'",
        "new_callers_since_january_are_chat_callers",
        {"months_sum_to_years_and_ranges"},
    ),
    _set(
        "new_callers",
        "value + 1",
        MAY,
        "new_callers_of_months_sum_to_chat_callers",
        {"months_sum_to_years_and_ranges"},
    ),
    _set("pressers", "value - 1", "period = '2021'", "largest_month_at_most_the_whole"),
    _set("pressers", "value + 999", "period = '2022'", "whole_at_most_its_months"),
    _update(
        ONE_MORE,
        "figure = 'callers' and category in ('', 'mail_only', 'girl', '15-17', 'rouw') "
        "and period = '2022'",
        "whole_of_remainders_at_most_its_months",
    ),
    _set("clicks", "value + 999", "period = '2022-W20'", "weeks_inside_at_most_the_whole"),
    _set("clicks", "0", "period like '2022-W%'", "final_whole_at_most_its_weeks"),
    replace(
        _set(
            "unreached_pressers",
            "1",
            "period = '2023'",
            "months_above_the_year_hold_only_as_distinct_counts",
        ),
        severity="warning",
    ),
    # --- quotients
    _update("value = value + 1", _where("wait_seconds_median", MAY), "values_are_rounded_half_up"),
    _update(
        "numerator = null, denominator = null",
        _where("wait_seconds_median", MAY),
        "values_have_an_exact_quotient",
    ),
    _update(
        "numerator = 2 * numerator, denominator = 2",
        _where("unreached_pressers", MAY),
        "sums_have_one_denominator",
    ),
    _state("answer_rate", "value + 0.1", MAY, "ratios_follow_from_their_parts"),
    _state(
        "conversations_share_percent weekday 2",
        "value - 1",
        MAY,
        "shares_follow_from_their_parts",
    ),
    _state(
        "clicks_change_percent",
        "value + 1",
        "period = '2023-03'",
        "changes_follow_from_both_years",
    ),
    _state("clicks_per_month", "value + 0.1", "period = '2022'", "means_follow_from_their_months"),
    _update(
        "numerator = 9999 * numerator + 1, denominator = 9999 * denominator",
        _where("answer_rate", MAY),
        "exact_quotients_follow_from_their_parts",
    ),
    _empty("answer_rate", MAY, "quotients_have_a_value_if_a_denominator"),
    _update("base = ''", f"figure = 'topics_share_percent' and {MAY}", "shares_have_a_base"),
    _update(
        "category = '24+'",
        f"category = '25_and_over' and {MAY}",
        "no_age_lies_in_two_bands",
        {"every_cell_is_there", "no_other_cell_is_there"},
    ),
    _update(
        "category = 'under_8'",
        f"category = 'under_9' and {MAY}",
        "every_age_lies_in_a_band",
        {"every_cell_is_there", "no_other_cell_is_there"},
    ),
    _update("left_out = 999", _where("wait_seconds_p90", MAY), "durations_need_a_conversation"),
    _set("wait_seconds_median", "241", MAY, "median_wait_at_most_ninth_decile"),
    # --- which rows there are
    Defect(
        "every_cell_is_there",
        """
        delete from figures.figures
        where figure = 'scheduled_conversations' and category = 'unlisted' and period = '2023-01'
        """,
    ),
    Defect(
        "no_other_cell_is_there",
        """
        insert into figures.figures
        select * replace ('nobody' as category) from figures.figures
        where figure = 'scheduled_conversations' and category = 'unlisted' and period = '2023-01'
        """,
    ),
    Defect(
        "no_period_is_left_out",
        """
        delete from figures.figures where period = '2022-W20';
        delete from figures.periods where period = '2022-W20'
        """,
    ),
    Defect("published_ranges_are_there", "delete from raw.published where period like '2022-11/%'"),
    _update(
        "obs_status = 'O', value = null, numerator = null, denominator = null",
        "period = '2023-W13'",
        "figures_begin_and_end_covered",
    ),
    _update(
        "decimals = 1",
        _where("wait_seconds_median", MAY),
        "rows_have_the_decimals_of_their_figure",
    ),
    # --- statuses, breaks and periods
    _update("obs_status = 'P'", _where("pressers", "period = '2023-01'"), "one_status_per_period"),
    _update("obs_status = 'P'", "period = '2022'", "years_are_as_final_as_their_months"),
    _update("obs_status = 'P'", "period = '2022-W20'", "weeks_are_as_final_as_their_months"),
    _update(
        "obs_status = 'A'",
        _where("clicks_change_percent", "period = '2023-03'"),
        "changes_are_as_final_as_both_their_periods",
    ),
    _update(
        "break = ''",
        _where("missed_pressers", "period = '2022-03'"),
        "breaks_stand_where_they_belong",
    ),
    Defect(
        "what_spans_two_keys_has_no_value",
        "update raw.settings set rotate_keys_from = 2022",
    ),
    Defect(
        "periods_are_those_of_the_figures",
        "update figures.periods set ends_on = ends_on + 1 where period = '2022-W20'",
    ),
    Defect(
        "periods_close_in_order",
        "update figures.periods set is_closed = false where period = '2021-12'",
    ),
    Defect(
        "final_periods_are_closed",
        "update figures.periods set is_closed = false where ends_on > date '2022-12-31'",
    ),
    # --- the tables that analysts read
    Defect(
        "figures_rest_on_the_deliveries_of_now",
        "update raw.deliveries set status = 'withdrawn' where status = 'accepted'",
    ),
    Defect(
        "analysts_count_the_same_attempts", "delete from marts.attempts where month = '2022-05'"
    ),
    Defect(
        "analysts_count_the_same_conversations",
        "insert into marts.conversations select * from marts.conversations where month = '2022-05'",
    ),
    Defect(
        "first_time_callers_of_first_year_are_new",
        "update figures.figures set obs_status = 'A' "
        "where figure = 'new_callers' and period = '2021-12'",
        {
            "changes_are_as_final_as_both_their_periods",
            "one_status_per_period",
            "weeks_are_as_final_as_their_months",
            "years_are_as_final_as_their_months",
        },
    ),
    # --- text
    _trace("e_mail_address", "jan.peeters@example.be"),
    _trace("phone_number", "0475/12.34.56"),
    _trace("ip_address", "192.168.7.21"),
    _trace("uuid", "eee6890f-449e-4ddd-b4b9-52d0ba58ebca"),
    _trace("long_code", "dGhpcyBpcyBhIHRlc3Qx"),
    _trace("long_number", "20301234567"),
]


def _exceed(entry: Entry) -> Defect:
    """Let the smaller side of a relation exceed the larger by far."""
    term = next(iter(entry.smaller[0]))
    is_of_months = entry.kind in ("so_far", "so_far_in_year", "monotone_but")
    periods = MAY if is_of_months else MARCH_AND_YEAR
    return _set(" ".join(term).strip(), "value + 9999", periods, entry.relation)


_PLANTED = {defect.breaks for defect in DEFECTS}
DEFECTS += [_exceed(entry) for entry in entries() if entry.relation not in _PLANTED]


def _related(defect: Defect) -> set[str]:
    """Name the relations with a figure that the defect changes: they may notice it as well."""
    return {
        entry.relation
        for entry in entries()
        if any(f"'{figure}'" in defect.sql for figure in entry.figures)
    }


def _all_names() -> list[str]:
    declared = figures.suite(known_figures=[])
    others = [expectation.meta["name"] for group in declared.values() for expectation in group]
    return others + [identity.name for identity in IDENTITIES]


def _gather(connection: duckdb.DuckDBPyConnection, name: str) -> dict[str, pd.DataFrame]:
    """Gather what an expectation may be held against; the search for traces takes its time."""
    if name.startswith("nothing_looks_like"):
        return {"traces": find_traces(connection)}
    identities = compare(connection, IDENTITIES)
    return {"figures": connection.execute(figures.FIGURES).df(), "identities": identities}


def _violated(frames: dict[str, pd.DataFrame]) -> set[str]:
    """Name what does not hold, counted without Great Expectations."""
    if "traces" in frames:
        found = frames["traces"][frames["traces"]["texts"] > 0]
        return {f"nothing_looks_like_{kind}" for kind in found["kind"]}
    table = frames["identities"]
    holds = (table["found"] == table["against"]) | (
        (table["relation"] == "<=") & (table["found"] < table["against"])
    )
    return set(table[~holds]["identity"])


def _finding(frames: dict[str, pd.DataFrame], known: list[str], name: str) -> Finding:
    """Hold the frames against one expectation."""
    only = {
        frame: [expectation for expectation in group if expectation.meta["name"] == name]
        for frame, group in figures.suite(known).items()
    }
    [finding] = validate(
        frames, {frame: group for frame, group in only.items() if group}, figures.SHOWN
    ) or judge_identities(
        frames["identities"], [identity for identity in IDENTITIES if identity.name == name]
    )
    return finding


def test_every_expectation_has_a_planted_defect():
    assert sorted(defect.breaks for defect in DEFECTS) == sorted(_all_names())


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.breaks)
def test_a_planted_defect_is_caught_by_its_expectation_and_its_kin_alone(defect, tmp_path):
    workspace = clean_workspace(tmp_path)
    change(workspace, defect.sql)

    with open_warehouse(workspace) as connection:
        frames = _gather(connection, defect.breaks)
        known = figures._known_figures(connection)
    finding = _finding(frames, known, defect.breaks)

    assert (finding.success, finding.severity) == (False, defect.severity)
    assert finding.broken > 0
    assert len(finding.examples) == min(finding.broken, 5) or defect.breaks == "there_are_figures"
    noticed = _violated(frames) - {defect.breaks}
    may_notice = (COMPUTED | _related(defect)) - defect.kin
    assert noticed - may_notice == defect.kin


STRADDLING = """
insert into marts.attempts by name
select
    md5('straddling')::uuid as attempt_id, md5('night owl')::uuid as visitor_id,
    'out_of_hours' as outcome, '2022-04' as month, date '2022-04-30' as started_on,
    -- In Brussels, half past midnight on 1 May.
    timestamp '2022-04-30 22:30:00' as last_contact_at
"""


@pytest.mark.parametrize(
    ("sql", "broken"),
    [
        ("select 1", {"pressers_at_most_attempts", "pressers_at_most_attempts_with_a_visitor"}),
        (STRADDLING, {"pressers_at_most_attempts_with_a_visitor"}),
        (STRADDLING.replace("22:30:00", "21:59:59"), {"pressers_at_most_attempts"}),
    ],
)
def test_pressers_exceed_attempts_by_no_more_than_straddle_the_period(tmp_path, sql, broken):
    workspace = clean_workspace(tmp_path)
    change(
        workspace,
        f"""
        update figures.figures
        set numerator = 1 + (
            from (
                select numerator from figures.figures
                where figure = 'attempts' and period = '2022-05' and breakdown = ''
            )
        )
        where figure = 'pressers' and period = '2022-05';
        {sql}
        """,
    )
    with open_warehouse(workspace) as connection:
        table = compare(connection, IDENTITIES)
    exceeding = table[(table["found"] > table["against"]) & (table["period"] == "2022-05")]
    noticed = {name for name in exceeding["identity"] if name.startswith("pressers_at_most")}
    assert broken <= noticed
    assert ("pressers_at_most_attempts" in noticed) == ("pressers_at_most_attempts" in broken)


def test_a_warning_is_said_and_fails_nothing(tmp_path, caplog):
    workspace = clean_workspace(tmp_path)
    [defect] = [defect for defect in DEFECTS if defect.severity == "warning"]
    change(workspace, defect.sql)
    change(
        workspace,
        """
        update figures.figures set value = -97, numerator = 100 * (1 - 39), denominator = 39
        where figure = 'unreached_pressers_change_percent' and period = '2023'
        """,
    )

    with caplog.at_level("INFO", logger="chatcijfers.expectations"):
        outcome = figures.judge(workspace)

    assert outcome.passed
    [warning] = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert "then it holds only as a distinct count" in warning
    assert "unreached_pressers 2023: found 6, against 1" in warning


def test_a_failed_gate_says_which_sentence_is_broken_and_where(tmp_path):
    workspace = clean_workspace(tmp_path)
    change(
        workspace,
        """
        update figures.figures set value = value + 1, numerator = numerator + 1
        where figure = 'referrals' and period = '2022-05' and category = 'unlisted'
        """,
    )

    with pytest.raises(GateFailed) as failed:
        figures.judge(workspace)

    said = str(failed.value)
    assert "Referrals by who referred sum to the referrals." in said
    assert "referrals 2022-05 referred_by: found 3, against 2" in said
    assert "months_sum_to_years_and_ranges: not so for 2 of " in said
    kept = Outcome.read(workspace.gates, "figures")
    assert not kept.passed
    assert len(kept.broken("critical")) == 2


def test_offending_text_is_never_repeated(tmp_path, caplog):
    workspace = clean_workspace(tmp_path)
    change(
        workspace,
        """
        update marts.conversations set topics = ['angst', 'jan.peeters@example.be'];
        update figures.figures set base = '+32 475 12 34 56' where figure = 'clicks';
        """,
    )

    with pytest.raises(GateFailed) as failed:
        figures.judge(workspace)

    said = str(failed.value)
    assert "marts.conversations.topics: distinct texts 1" in said
    assert "figures.figures.base: distinct texts 1" in said
    kept = (workspace.gates / "figures.json").read_text(encoding="utf-8")
    assert "jan.peeters" not in said + kept + caplog.text
    assert "475 12" not in said + kept + caplog.text


@pytest.mark.parametrize(
    "text",
    [
        "2022-03-01 19:02:11.123",
        "01/02/2022 19:02",
        "Kerstmis 25/12/2021 en 26.12.2021",
        "2020-01/2020-10",
        "3-19",
        "1712",
        "116 111",
        "1234567",
        "Zomercampagne2022",
        "COVID19Campagne2020",
        "/chat/2022/over-ons",
        "answered_in_hours_attempts + missed_attempts",
        "14:00-17:00",
    ],
)
def test_dates_counts_codes_and_words_look_like_nobody(text):
    assert _kinds(text) == set()


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("e_mail_address", "mail naar jan@voorbeeld.be."),
        ("phone_number", "02 123 45 67"),
        ("phone_number", "0475123456"),
        ("phone_number", "+32 (0)475 12 34 56"),
        ("phone_number", "0032475123456"),
        ("phone_number", "32475123456"),
        ("phone_number", "+1 (212) 555-0123"),
        ("ip_address", "van 10.0.0.255:80"),
        ("ip_address", "2001:db8:0:0:0:ff00:42:8329"),
        ("ip_address", "2001:DB8::ff00:42:8329"),
        ("ip_address", "fe80::1"),
        ("uuid", "EEE6890F-449E-4DDD-B4B9-52D0BA58EBCA"),
        ("long_code", "9f86d081884c7d659a2feaa0c55ad015"),
        ("long_code", "a3k9x8m2q1w7e5r4"),
        ("long_number", "85.07.30-033.61"),
    ],
)
def test_what_may_name_somebody_is_recognised(kind, text):
    assert kind in _kinds(text)


def test_the_pseudonym_of_an_excluded_visitor_is_no_trace_but_anything_beside_it_is(tmp_path):
    workspace = clean_workspace(tmp_path)
    pseudonym = "eee6890f-449e-4ddd-b4b9-52d0ba58ebca"
    change(workspace, f"update raw.exclusions set field = 'visitor', value = '{pseudonym}'")
    assert _traces(workspace) == set()

    change(workspace, f"update raw.exclusions set value = 'An is {pseudonym}'")
    assert _traces(workspace) == {("helpline.exclusions", "value", "uuid")}

    change(workspace, f"update raw.exclusions set value = '/', reason = '{pseudonym}'")
    assert _traces(workspace) == {("helpline.exclusions", "reason", "uuid")}


def _traces(workspace: Workspace) -> set[tuple[str, str, str]]:
    with open_warehouse(workspace) as connection:
        found = find_traces(connection)
    rows = found[found["texts"] > 0][["table_name", "column_name", "kind"]]
    return set(rows.itertuples(index=False, name=None))


def _kinds(text: str) -> set[str]:
    with duckdb.connect() as connection:
        connection.execute("attach ':memory:' as warehouse; use warehouse; create schema marts")
        connection.execute("create table marts.notes as select ? as note", [text])
        found = find_traces(connection)
    return set(found[found["texts"] > 0]["kind"])


def test_a_warehouse_without_figures_is_said(tmp_path):
    workspace = clean_workspace(tmp_path)
    change(workspace, "drop table figures.figures")

    with pytest.raises(Problem, match="no figures to judge yet"):
        figures.judge(workspace)
