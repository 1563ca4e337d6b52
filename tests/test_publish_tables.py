"""The sections and their tables: what stands where, and what is left out."""

from __future__ import annotations

import tomllib
from decimal import Decimal

import pytest

from publish import sections
from publish.public import State
from publish.sections import LEAST_OPEN_HOURS, Section
from publish.tables import Table
from publish.words import Words
from tests.publics import make, parliament, year_of


def found(public) -> list[Section]:
    return sections.sections(public, Words(public.about.language, public, sections.TEXTS))


def tables(public) -> dict[str, Table]:
    return {table.name: table for section in found(public) for table in section.tables}


@pytest.fixture(scope="module")
def of_parliament() -> dict[str, Table]:
    return tables(parliament())


def hours(missed, open_hours) -> Table | None:
    """The missed attempts per open hour of a year whose Mondays at 19 h have these values."""
    values = {}
    for day in range(1, 8):
        for hour in range(24):
            is_it = (day, hour) == (1, 19)
            key = ("2022", "hour_of_week", f"{day}-{hour:02}")
            values["missed_attempts", *key] = missed if is_it else 0
            values["open_hours", *key] = open_hours if is_it else 0
    values["missed_attempts", "2022"] = 7
    return tables(make(values)).get("missed_per_open_hour")


def test_sections_stand_in_the_order_in_which_parliament_asks():
    names = [section.name for section in found(parliament())]
    assert names == [
        "conversations", "callers", "clicks", "in_hours", "out_of_hours", "hours_of_week",
        "referrals", "profile", "topics",
    ]  # fmt: skip


def test_every_table_has_a_name_of_its_own_fit_for_an_anchor():
    names = [table.name for section in found(parliament()) for table in section.tables]
    assert len(names) == len(set(names))
    assert all(name.isidentifier() and name == name.lower() for name in names)


def test_both_languages_have_the_same_texts():
    texts = tomllib.loads(sections.TEXTS.read_text(encoding="utf-8"))
    for group in ("titles", "sections", "leads", "breakdowns"):
        assert texts["nl"][group].keys() == texts["en"][group].keys()
    assert texts["nl"].keys() == texts["en"].keys()


def test_every_table_says_its_unit_and_a_part_says_its_base(of_parliament):
    assert of_parliament["conversations_by_month"].subtitle.endswith("In gesprekken.")
    assert "Basis: gesprekken." in of_parliament["conversations_by_weekday"].subtitle
    assert all(table.subtitle for table in of_parliament.values())


def test_a_table_knows_the_figures_it_holds(of_parliament):
    held = of_parliament["conversations_by_month"].figures
    assert held == ("conversations", "conversations_change_percent")
    assert of_parliament["missed_per_open_hour"].figures == ("missed_attempts", "open_hours")


def test_a_figure_that_a_helpline_does_not_publish_leaves_no_table_and_no_empty_section():
    public = make(year_of("clicks", "2022", range(12)))
    assert [section.name for section in found(public)] == ["clicks"]
    assert list(tables(public)) == ["clicks_by_month"]


def test_as_long_as_no_year_is_whole_there_are_months_alone():
    made = tables(make({("clicks", "2022-01"): 5, ("clicks", "2022-01", "weekday", "1"): 5}))
    assert list(made) == ["clicks_by_month"]


def test_no_more_than_five_years_stand_beside_each_other():
    values = {}
    for year in range(2013, 2023):
        values |= year_of("clicks", str(year), range(12)) | {("clicks", str(year)): 66}
    [table] = tables(make(values)).values()
    assert [column.label for column in table.columns] == ["2018", "2019", "2020", "2021", "2022"]


def test_missed_attempts_are_divided_by_the_hours_open_and_rounded_half_up():
    value = hours(missed=107, open_hours=20).lines[19].values[0]  # 5.35
    assert (value.state, value.number, value.decimals) == (State.FINAL, Decimal("5.4"), 1)


def test_a_quotient_over_provisional_attempts_is_provisional_and_says_what_counts():
    table = hours(missed=(State.PROVISIONAL, 40), open_hours=40)
    value = table.lines[19].values[0]
    assert (value.state, value.number) == (State.PROVISIONAL, Decimal("1.0"))
    assert any("kan nog wijzigen" in note for note in table.notes)


def test_a_quotient_over_few_hours_is_left_out():
    assert hours(missed=6, open_hours=LEAST_OPEN_HOURS - 1) is None
    assert hours(missed=6, open_hours=LEAST_OPEN_HOURS) is not None


def test_an_hour_without_hours_open_stays_empty_and_a_note_says_so():
    table = hours(missed=40, open_hours=40)
    assert table.lines[3].values[0].state is State.ABSENT
    assert any(note.startswith("Leeg:") for note in table.notes)


def test_breaks_stand_in_the_order_of_their_dates():
    from dataclasses import replace

    public = make(year_of("missed_pressers", "2022", range(10, 22)))
    dates = {"2022-02": "2022-02-01", "2022-01": "2022-03-01"}
    values = {
        cell: replace(value, break_reason=f"opening hours from {dates[cell.period]}: 9 h a week "
                      "instead of 6 h")
        if cell.period in dates else value
        for cell, value in public.values.items()
    }  # fmt: skip
    notes = tables(replace(public, values=values))["missed_pressers_by_month"].notes
    assert ["1 februari" in notes[0], "1 maart" in notes[1]] == [True, True]


def profile(unknown_before: int) -> Table:
    """The callers by gender of two years: of 100, so many of whom it is unknown, and 20 then."""
    values: dict[tuple[str, ...], object] = {}
    for year, unknown in (("2021", unknown_before), ("2022", 20)):
        values["callers", year] = 100
        for gender, count in {"girl": 60, "boy": 40 - unknown, "unknown": unknown}.items():
            values["callers", year, "gender", gender] = count
            values["callers_share_percent", year, "gender", gender] = count
            if gender != "unknown":
                known = round(100 * count / (100 - unknown))
                values["callers_known_share_percent", year, "gender", gender] = known
    codes = [("gender", code, code) for code in ("girl", "boy", "unknown")]
    return tables(make(values, codes))["callers_by_gender"]


@pytest.mark.parametrize("unknown_before", [15, 20, 25])
def test_years_are_compared_by_all_while_the_unknown_part_stays_about_the_same(unknown_before):
    table = profile(unknown_before)
    assert table.figures == ("callers", "callers_share_percent")
    assert not any("onbekend" in note for note in table.notes)


@pytest.mark.parametrize("unknown_before", [14, 26])
def test_years_are_compared_by_those_known_where_the_unknown_part_changed(unknown_before):
    table = profile(unknown_before)
    assert table.figures == ("callers", "callers_known_share_percent")
    assert any("alleen die zijn te vergelijken" in note for note in table.notes)
    assert "van wie het bekend is" in table.subtitle


def test_where_hours_are_not_public_the_parts_of_the_week_are_shown():
    values = {
        ("attempts", "2022", "part_of_week", f"{day}-{part}"): day
        for day in range(1, 8)
        for part in ("night", "morning", "afternoon", "evening")
    }
    found = tables(make(values | {("attempts", "2022"): 112}))
    assert "attempts_by_hour_of_week" not in found
    table = found["attempts_by_part_of_week"]
    assert [line.label.split()[0] for line in table.lines] == [
        "nacht", "voormiddag", "namiddag", "avond",
    ]  # fmt: skip
    assert [value.number for value in table.lines[0].values] == list(range(1, 8))
    assert any("te weinig" in note or "zo weinig" in note for note in table.notes)
