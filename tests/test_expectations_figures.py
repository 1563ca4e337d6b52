"""The second gate: each expectation catches a planted defect that no unrelated one catches."""

from __future__ import annotations

from dataclasses import dataclass, field

import duckdb
import pytest

from expectations import figures
from expectations.identities import IDENTITIES
from expectations.outcome import GateFailed, Outcome
from expectations.traces import find_traces
from expectations.validation import validate
from ingest.problem import Problem
from publish.contents import open_warehouse
from tests.test_expectations_clean import change, clean_workspace

MONTH_AND_YEAR = "period in ('2023-01', '2023')"
ALL_OF_PRESSERS = {
    "missed_pressers_at_most_pressers",
    "out_of_hours_pressers_at_most_pressers",
    "unreached_pressers_at_most_pressers",
}


@dataclass(frozen=True)
class Defect:
    """SQL that breaks an expectation, and the others that cannot but notice it too."""

    breaks: str
    sql: str
    kin: set[str] = field(default_factory=set)


def _set(cell: str, value: str, where: str, breaks: str, kin: set[str] | None = None) -> Defect:
    figure, breakdown, category = [*cell.split(), "", ""][:3]
    sql = f"""
        update figures.figures set value = {value}
        where (figure, breakdown, category) = {(figure, breakdown, category)} and {where}
    """
    return Defect(breaks, sql, kin or set())


def _copy(figure: str, changes: str, breaks: str, kin: set[str] | None = None) -> Defect:
    """Add a row: the total of a figure in May 2022, with something else about it."""
    sql = f"""
        insert into figures.figures
        select * replace ({changes}) from figures.figures
        where figure = '{figure}' and period = '2022-05' and breakdown = ''
    """
    return Defect(breaks, sql, kin or set())


def _move(figure: str, breaks: str) -> Defect:
    """Move one from an hour of the week to another, on another weekday and at another hour."""
    sql = f"""
        update figures.figures set value = value + if(category = '2-20', 1, -1)
        where figure = '{figure}' and category in ('2-20', '3-21') and {MONTH_AND_YEAR}
    """
    return Defect(breaks, sql)


def _trace(kind: str, text: str, kin: set[str] | None = None) -> Defect:
    sql = f"update raw.closures set reason = 'bel {text} op'"
    return Defect(f"nothing_looks_like_{kind}", sql, kin or set())


MAY = "period = '2022-05'"
DEFECTS = [
    # --- rows
    Defect("there_are_figures", "delete from figures.figures"),
    _copy("pressers", "unit as unit", "every_cell_is_there_once"),
    _copy(
        "pressers",
        "'phantoms' as figure",
        "figures_are_defined",
        {"no_other_cell_is_there", "no_period_is_left_out"},
    ),
    _copy(
        "pressers",
        "'2022-W09' as period",
        "periods_are_months_or_years",
        {"every_cell_is_there", "years_are_as_final_as_their_months"},
    ),
    Defect(
        "statuses_are_known",
        "update figures.figures set obs_status = 'M' where figure = 'pressers' and period = '2023'",
        {"one_status_per_period"},
    ),
    _set("wait_seconds_median", "-1", MAY, "no_value_is_negative"),
    _set(
        "answer_rate",
        "100.1",
        MAY,
        "shares_are_at_most_100",
        {"answer_rate_follows_from_its_parts"},
    ),
    _set("pressers", "7", "period = '2023-02'", "missing_figures_have_no_value"),
    _set(
        "attempts_without_visitor", "null", MAY, "counts_have_a_value", {"months_sum_to_the_year"}
    ),
    # --- within a period
    Defect(
        "attempts_have_one_outcome",
        f"""
        update figures.figures set value = value + 1
        where figure = 'out_of_hours_attempts' and category in ('', '3', '20', '3-20')
            and {MONTH_AND_YEAR}
        """,
    ),
    _set(
        "clicks weekday 3",
        "value + 1",
        MONTH_AND_YEAR,
        "times_sum_to_the_period",
        {"hours_of_the_week_sum_to_weekdays_and_hours"},
    ),
    _set("open_hours", "value + 1", "period in ('2022-05', '2022')", "hours_sum_to_the_period"),
    _move("clicks", "hours_of_the_week_sum_to_weekdays_and_hours"),
    _move("open_hours", "open_hours_of_the_week_sum_to_weekdays_and_hours"),
    _set(
        "answered_sessions channel mail",
        "value + 1",
        MONTH_AND_YEAR,
        "channels_sum_to_answered_sessions",
    ),
    _set("callers channel mail_only", "value + 1", MONTH_AND_YEAR, "channels_sum_to_callers"),
    _set(
        "scheduled_conversations",
        "value + 1",
        MONTH_AND_YEAR,
        "schedulers_sum_to_scheduled_conversations",
    ),
    _set("referrals", "value + 1", MONTH_AND_YEAR, "referrers_sum_to_referrals"),
    Defect(
        "conversations_are_answered_chats",
        f"""
        update figures.figures set value = value + 1
        where figure = 'answered_sessions' and category in ('', 'chat') and {MONTH_AND_YEAR}
        """,
    ),
    _set(
        "answered_sessions",
        "value - 3",
        MONTH_AND_YEAR,
        "conversations_at_most_answered_sessions",
        {"channels_sum_to_answered_sessions", "parts_at_most_their_whole"},
    ),
    _set(
        "missed_pressers",
        "value + 999",
        MONTH_AND_YEAR,
        "missed_pressers_at_most_pressers",
        {"parts_at_most_their_whole"},
    ),
    _set(
        "out_of_hours_pressers",
        "value + 999",
        MONTH_AND_YEAR,
        "out_of_hours_pressers_at_most_pressers",
        {"parts_at_most_their_whole"},
    ),
    _set(
        "unreached_pressers",
        "value + 999",
        MONTH_AND_YEAR,
        "unreached_pressers_at_most_pressers",
        {"parts_at_most_their_whole"},
    ),
    _set("attempts_without_visitor", "value + 9999", MONTH_AND_YEAR, "parts_at_most_their_whole"),
    # --- between months and years
    _set("attempts_without_visitor", "value + 1", MAY, "months_sum_to_the_year"),
    _set("responder_hours", "value + 1", MAY, "months_of_hours_sum_to_the_year"),
    _set(
        "new_callers",
        "value + 1",
        MAY,
        "new_callers_of_months_sum_to_chat_callers",
        {"months_sum_to_the_year"},
    ),
    _set(
        "new_callers",
        "value + 1",
        "period = '2023'",
        "new_callers_of_a_year_are_chat_callers",
        {"months_sum_to_the_year"},
    ),
    _set("pressers", "value - 1", "period = '2021'", "largest_month_at_most_the_year"),
    _set("pressers", "value + 999", "period = '2022'", "year_at_most_its_months"),
    Defect(
        "year_of_remainders_at_most_its_months",
        """
        update figures.figures set value = value + 1
        where figure = 'callers' and category in ('', 'mail_only') and period = '2022'
        """,
    ),
    # --- ratios and quantiles
    _set("answer_rate", "value + 0.1", MAY, "answer_rate_follows_from_its_parts"),
    _set(
        "clicks_per_conversation",
        "value + 0.1",
        MAY,
        "clicks_per_conversation_follow_from_their_parts",
    ),
    _set("answer_rate", "null", MAY, "ratios_have_a_value_if_a_denominator"),
    Defect(
        "durations_need_a_conversation",
        f"update figures.figures set value = 0 where figure = 'conversations' and {MONTH_AND_YEAR}",
        {
            "analysts_count_the_same_conversations",
            "conversations_are_answered_chats",
            "months_sum_to_the_year",
            "parts_at_most_their_whole",
            "ratios_have_a_value_if_a_denominator",
        },
    ),
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
    Defect("no_period_is_left_out", "delete from figures.figures where period = '2023-02'"),
    Defect(
        "ranges_begin_and_end_covered",
        "update figures.figures set value = null, obs_status = 'O' where period = '2023-03'",
        {
            "months_of_hours_sum_to_the_year",
            "months_sum_to_the_year",
            "new_callers_of_months_sum_to_chat_callers",
            "year_at_most_its_months",
            "year_of_remainders_at_most_its_months",
        },
    ),
    # --- statuses
    Defect(
        "one_status_per_period",
        """
        update figures.figures set obs_status = 'A'
        where figure = 'pressers' and period = '2023-01'
        """,
    ),
    Defect(
        "years_are_as_final_as_their_months",
        "update figures.figures set obs_status = 'P' where period = '2022'",
    ),
    _set("wait_seconds_median", "61.5", MAY, "values_have_the_decimals_of_their_figure"),
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
    # --- text
    _trace("e_mail_address", "jan.peeters@example.be"),
    _trace("phone_number", "0475/12.34.56"),
    _trace("ip_address", "192.168.7.21"),
    _trace("uuid", "eee6890f-449e-4ddd-b4b9-52d0ba58ebca"),
    _trace("long_code", "dGhpcyBpcyBhIHRlc3Qx"),
    _trace("long_number", "20301234567"),
]


def _all_names() -> list[str]:
    declared = figures.suite(known_figures=[])
    return [expectation.meta["name"] for group in declared.values() for expectation in group]


def _violated(frames) -> set[str]:
    """Name what does not hold, counted without Great Expectations."""
    table = frames["identities"]
    names = set()
    for identity in IDENTITIES:
        rows = table[table["identity"] == identity.name]
        holds = rows["found"] == rows["against"]
        if identity.relation == "<=":
            holds |= rows["found"] < rows["against"]
        if not holds.all():
            names.add(identity.name)
    found = frames["traces"][frames["traces"]["texts"] > 0]
    return names | {f"nothing_looks_like_{kind}" for kind in found["kind"]}


def test_every_expectation_has_a_planted_defect():
    assert sorted(defect.breaks for defect in DEFECTS) == sorted(_all_names())


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.breaks)
def test_a_planted_defect_is_caught_by_its_expectation_and_its_kin_alone(defect, tmp_path):
    workspace = clean_workspace(tmp_path)
    change(workspace, defect.sql)

    with open_warehouse(workspace) as connection:
        frames = figures.gather(connection)
        declared = figures.suite(figures._known_figures(connection))
    only = {
        name: [expectation for expectation in group if expectation.meta["name"] == defect.breaks]
        for name, group in declared.items()
    }
    [finding] = validate(
        frames, {name: group for name, group in only.items() if group}, figures.SHOWN
    )

    assert (finding.success, finding.severity) == (False, "critical")
    assert finding.broken > 0
    assert _violated(frames) - {defect.breaks} == defect.kin


def test_a_failed_gate_says_which_sentence_is_broken_and_where(tmp_path):
    workspace = clean_workspace(tmp_path)
    change(
        workspace,
        """
        update figures.figures set value = value + 1
        where figure = 'referrals' and period = '2022-05' and category = 'unlisted'
        """,
    )

    with pytest.raises(GateFailed) as failed:
        figures.judge(workspace)

    said = str(failed.value)
    assert "Referrals by who referred sum to the referrals." in said
    assert "referrals 2022-05 referred_by: found 3, against 2" in said
    assert "months_sum_to_the_year: not so for 1 of " in said
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
